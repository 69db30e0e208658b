"""Django's entry for this package."""

from django.apps import AppConfig


class BulkConfig(AppConfig):
    """Bulk actions."""

    name = "clarion.bulk"
    label = "bulk"

    def ready(self) -> None:
        """Answer what others ask."""
        from clarion.bulk import needs  # noqa: F401
