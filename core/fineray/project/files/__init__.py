"""Files into images: importing, decoding, what a patient is known by."""
