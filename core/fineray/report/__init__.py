"""The report of a run: one document, written as HTML or PDF, its tables and figures as files."""
