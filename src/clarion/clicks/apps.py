"""Django's entry for this package."""

from django.apps import AppConfig


class ClicksConfig(AppConfig):
    """Tracked links and the clicks on them."""

    name = "clarion.clicks"
    label = "clicks"
