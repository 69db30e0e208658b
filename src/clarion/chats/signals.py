"""What happens in chats that higher rooms want to know."""

from django.dispatch import Signal

opened = Signal()  # address_id: an agent took the chat over
closed = Signal()  # address_id: the agent closed it
