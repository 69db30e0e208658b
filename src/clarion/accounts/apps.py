"""Django's entry for this package."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Agents, roles and the audit log."""

    name = "clarion.accounts"
    label = "accounts"
