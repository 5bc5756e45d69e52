"""The worker process: typed requests in, typed events out."""
