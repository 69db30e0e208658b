"""What this package signals to the layers above it."""

from django.dispatch import Signal

# A pool is to be archived or deleted. Sent with pool; a receiver returns what needs it, in words.
needed = Signal()
