"""One DICOM file becomes one Radiograph."""
