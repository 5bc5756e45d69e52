"""What the window asks of the worker process."""
