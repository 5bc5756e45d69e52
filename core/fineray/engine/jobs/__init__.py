"""What is done for each request; the files have the names of those in fineray.engine.requests."""
