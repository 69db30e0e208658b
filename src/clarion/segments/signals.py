"""What this package signals to the layers above it, and asks them."""

from django.dispatch import Signal

# Contacts have joined a segment that is watched. Sent with segment_id and contact_ids (a list), in
# the transaction that notes it.
joined = Signal()

# Somebody wants to delete a segment. Sent with segment; each answer is a list of what needs it, in
# words such as “broadcast 12”.
needed = Signal()
