"""Labels of images: read from tables and folders, looked at, changed, written."""
