"""Django's entry for this entry point; it has a template."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """The entry point for programs with an API token."""

    name = "clarion.api"
    label = "api"
