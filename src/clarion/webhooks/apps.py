"""Django's entry for this package."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """Telling other programs what happens."""

    name = "clarion.webhooks"
    label = "webhooks"
