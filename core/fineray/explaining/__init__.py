"""What a trained model looked at, what it takes for alike, and how far either is to be believed."""
