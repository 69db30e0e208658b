"""Django's entry for this package."""

from django.apps import AppConfig


class ContactsConfig(AppConfig):
    """People, their addresses and tags, and imports."""

    name = "clarion.contacts"
    label = "contacts"
