"""Which image is learned from and which judged by."""
