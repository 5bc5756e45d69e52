"""Parts of page Predict: the new film, drift, models taken in and given away, validation."""
