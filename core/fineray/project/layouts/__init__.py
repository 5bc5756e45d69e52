"""Collections of radiographs as they are published: their folders and tables, read without changing them."""
