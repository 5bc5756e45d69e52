"""Page Import."""
