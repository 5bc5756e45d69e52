"""What page Review asks of a run: figures in view, agreement of readers, comparison."""
