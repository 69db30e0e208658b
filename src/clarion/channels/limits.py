"""Bounds and defaults of what every channel has, whatever its kind. The rate's are in kit.rates."""

from typing import Final

LONGEST_NAME: Final = 100  # characters
LONGEST_WORD: Final = 100  # characters of a word with which people opt out or in
ATTEMPTS: Final = 5  # of one message, in all
MOST_ATTEMPTS: Final = 100
BACKOFF: Final = 0.1  # seconds before the second attempt
LONGEST_BACKOFF: Final = 3600.0  # seconds
