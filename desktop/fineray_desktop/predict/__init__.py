"""Parts of page Predict: the new image, drift, models taken in and given away, validation."""
