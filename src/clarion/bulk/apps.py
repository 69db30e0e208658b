"""Django's entry for this package."""

from django.apps import AppConfig


class BulkConfig(AppConfig):
    """Bulk actions."""

    name = "clarion.bulk"
    label = "bulk"
