"""Django's entry for this package."""

from django.apps import AppConfig


class BroadcastsConfig(AppConfig):
    """Broadcasts: audience, launch, control and history."""

    name = "clarion.broadcasts"
    label = "broadcasts"

    def ready(self) -> None:
        """Listen to what happens to people, and answer what records ask about broadcasts."""
        from clarion.broadcasts import (  # noqa: F401
            attribute_uses,
            channel_events,
            erasing,
            import_undo,
            parting,
            people,
            tag_uses,
            template_events,
        )
        from clarion.broadcasts.directory import Directory
        from clarion.records.directory import provide

        provide(Directory())
