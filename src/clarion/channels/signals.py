"""What the channels room tells the rooms above it."""

from django.dispatch import Signal

# A channel was paused, by a person or by the engine. Arguments: channel, reason.
paused = Signal()
