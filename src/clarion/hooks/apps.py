"""Django's entry for this entry point; it has templates and a stylesheet."""

from django.apps import AppConfig


class HooksConfig(AppConfig):
    """The entry point for providers' callbacks and for people who unsubscribe."""

    name = "clarion.hooks"
    label = "hooks"
