"""Clarion: broadcasts over many channels, with the truth about every single person."""

__version__ = "0.1.0"
