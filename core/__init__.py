"""Fineray's engine: a library without a screen."""

__version__ = "0.1.0"
RESEARCH_USE = "For research use only, not for diagnosis."
