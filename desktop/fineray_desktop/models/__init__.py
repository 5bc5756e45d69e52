"""Qt item models over what the project knows."""
