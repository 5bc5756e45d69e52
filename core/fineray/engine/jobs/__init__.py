"""What the worker process does for each request."""
