"""Whose an image is: what files state, and what the user says where they state nothing or something wrong."""
