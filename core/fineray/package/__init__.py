"""A model as one file (.frpkg) that another Fineray opens: tensors and JSON, no code and no images."""
