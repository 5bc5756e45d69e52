"""Data checks: what may spoil a study, each with its evidence and the images it concerns."""
