"""Stages of the backbone that learn too."""
