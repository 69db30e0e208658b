"""What the channels package signals to the layers above it."""

from django.dispatch import Signal

# A channel was paused, by a person or by the engine. Arguments: channel, reason, by.
paused = Signal()
# A paused channel sends again. Arguments: channel, by.
resumed = Signal()
