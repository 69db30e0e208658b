"""Django's entry for this package."""

from django.apps import AppConfig


class ChannelsConfig(AppConfig):
    """Channels: configured sending accounts, and the kinds they are of."""

    name = "clarion.channels"
    label = "channels"
