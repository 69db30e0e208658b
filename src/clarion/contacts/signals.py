"""What this package signals to the layers above it."""

from django.dispatch import Signal

# An address is not to be sent to any more. Sent with address_id, state (why) and at (datetime), in
# the transaction that marks it.
address_stopped = Signal()

# Contacts have got a tag that they had not. Sent with tag_id and contact_ids (a list, at most some
# thousands), in the transaction that gives it; an import sends it for each of its chunks.
tagged = Signal()
