"""Django's entry for this door; it has templates and a stylesheet."""

from django.apps import AppConfig


class HooksConfig(AppConfig):
    """The door for providers' callbacks and for people who unsubscribe."""

    name = "clarion.hooks"
    label = "hooks"
