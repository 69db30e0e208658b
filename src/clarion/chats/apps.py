"""Django's entry for this package."""

from django.apps import AppConfig


class ChatsConfig(AppConfig):
    """Conversations with contacts, and what they write to us."""

    name = "clarion.chats"
    label = "chats"

    def ready(self) -> None:
        """Listen to what happens to addresses."""
        from clarion.chats import import_undo, merging  # noqa: F401
