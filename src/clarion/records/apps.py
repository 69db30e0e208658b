"""Django's entry for this package."""

from importlib import import_module

from django.apps import AppConfig


class RecordsConfig(AppConfig):
    """Deliveries, records, receipts and tallies: what happened to every person."""

    name = "clarion.records"
    label = "records"

    def import_models(self) -> None:
        """Also the models beside those of ``models``."""
        super().import_models()
        import_module("clarion.records.kept_models")
