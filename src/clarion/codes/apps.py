"""Django's entry for this package."""

from django.apps import AppConfig


class CodesConfig(AppConfig):
    """Unique codes that contacts get and redeem."""

    name = "clarion.codes"
    label = "codes"

    def ready(self) -> None:
        """Listen to what happens to contacts."""
        from clarion.codes import import_undo, merging, needs, parting  # noqa: F401
