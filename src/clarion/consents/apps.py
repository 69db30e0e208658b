"""Django's entry for this package."""

from django.apps import AppConfig


class ConsentsConfig(AppConfig):
    """Marketing permissions that contacts have given or withdrawn."""

    name = "clarion.consents"
    label = "consents"

    def ready(self) -> None:
        """Listen to what happens to contacts."""
        from clarion.consents import importing, merging, parting  # noqa: F401
