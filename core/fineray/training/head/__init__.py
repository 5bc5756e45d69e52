"""The last layer: its shapes, its loss, how it is fitted."""
