"""Django's entry for this package."""

from django.apps import AppConfig


class EngineConfig(AppConfig):
    """The delivery machine."""

    name = "clarion.engine"
    label = "engine"
