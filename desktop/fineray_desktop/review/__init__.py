"""The parts of page Review: one state, and panels that show it."""
