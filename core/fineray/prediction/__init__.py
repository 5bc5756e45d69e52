"""A model applied to a folder of new images."""
