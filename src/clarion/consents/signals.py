"""What this package signals to the layers above it, and asks them."""

from django.dispatch import Signal

# People have withdrawn a consent. Sent with consent_id, contact_ids (a list) and at (datetime), in
# the transaction that notes it.
withdrawn = Signal()

# A consent has a new name. Sent with before and after, in the transaction that changes it.
renamed = Signal()

# Somebody wants to remove a consent. Sent with consent; each answer is a list of what needs it, in
# words such as “broadcast 12”.
needed = Signal()
