"""Fineray's engine: a library without a screen."""

from fineray.system.silence import keep_libraries_silent

__version__ = "0.1.0"
RESEARCH_USE = "For research use only, not for diagnosis."

keep_libraries_silent()
