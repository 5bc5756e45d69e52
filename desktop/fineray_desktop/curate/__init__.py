"""Page Curate: images, labels, split, seal, checks, readers."""
