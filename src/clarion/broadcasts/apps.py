"""Django's entry for this package."""

from django.apps import AppConfig


class BroadcastsConfig(AppConfig):
    """Broadcasts: audience, launch, control and history."""

    name = "clarion.broadcasts"
    label = "broadcasts"

    def ready(self) -> None:
        """Listen to what happens to people."""
        import clarion.broadcasts.people
        import clarion.broadcasts.triggers  # noqa: F401
