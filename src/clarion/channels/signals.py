"""What the channels package signals to the layers above it."""

from django.dispatch import Signal

# A channel was paused, by a person or by the engine. Arguments: channel, reason, by.
paused = Signal()
# A paused channel sends again. Arguments: channel, by.
resumed = Signal()
# A template can't be sent any more: its provider paused, disabled or rejected it, or removed it
# from the list (status ""). Sent once that is committed.
# Arguments: channel, name, language, status.
template_stopped = Signal()
