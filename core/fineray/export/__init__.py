"""What leaves a project: de-identified DICOM, and the key that leads back."""
