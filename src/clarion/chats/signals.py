"""What happens in chats that higher layers want to know."""

from django.dispatch import Signal

opened = Signal()  # address_id: an agent took the chat over
closed = Signal()  # address_ids: these chats were closed, by an agent or by a broadcast
help_asked = Signal()  # address_id, at: they wrote HELP, or what it is called elsewhere
button_pressed = Signal()  # address_id, value (of the button), at
