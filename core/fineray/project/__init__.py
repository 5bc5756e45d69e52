"""The project folder: the single truth of a study."""
