"""Django's entry for this package."""

from django.apps import AppConfig


class ContentConfig(AppConfig):
    """Texts, stories and templates."""

    name = "clarion.content"
    label = "content"
