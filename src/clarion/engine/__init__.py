"""The delivery machine."""
