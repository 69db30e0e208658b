"""Django's entry for this package."""

from django.apps import AppConfig


class RecordsConfig(AppConfig):
    """Deliveries, records, receipts and tallies: what happened to every person."""

    name = "clarion.records"
    label = "records"
