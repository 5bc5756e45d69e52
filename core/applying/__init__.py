"""Finished runs at work on films that are in no project: what they say, and where they had better say nothing."""
