"""The start page, the welcome and the tour."""
