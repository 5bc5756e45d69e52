"""What menu Help opens."""
