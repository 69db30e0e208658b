"""What this room tells the rooms above it."""

from django.dispatch import Signal

# An address is not to be sent to any more. Sent with address_id, state (why) and at (datetime), in
# the transaction that marks it.
address_stopped = Signal()
