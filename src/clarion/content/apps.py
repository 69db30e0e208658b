"""Django's entry for this room."""

from django.apps import AppConfig


class ContentConfig(AppConfig):
    """Texts, stories and templates."""

    name = "clarion.content"
    label = "content"
