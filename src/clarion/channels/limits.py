"""Bounds and defaults of what every channel has, whatever its kind. The rate's are in kit.rates."""

from typing import Final, Literal

LONGEST_NAME: Final = 100  # characters
LONGEST_WORD: Final = 100  # characters of a word with which people opt out or in
DEFAULT: Final = "default"  # instead of a value: follow the default of the workspace
Default = Literal["default"]
# How long after a person's last message they may get messages other than templates, in hours and in
# seconds, on kinds with such a window. The platforms of Meta have 24 hours:
# https://developers.facebook.com/documentation/business-messaging
WINDOW_HOURS: Final = 24
WINDOW: Final = WINDOW_HOURS * 3600
ATTEMPTS: Final = 5  # of one message, in all; the usual value of kinds
MOST_ATTEMPTS: Final = 100
BACKOFF: Final = 0.1  # seconds before the second attempt; the usual value of kinds
LONGEST_BACKOFF: Final = 3600.0  # seconds
