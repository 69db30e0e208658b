"""Django's entry for the pages."""

from django import forms
from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WebConfig(AppConfig):
    """The pages."""

    name = "clarion.web"
    label = "web"

    def ready(self) -> None:
        """Let Django's forms speak like the rest of the pages, also those of the log-in."""
        forms.Field.default_error_messages["required"] = _("Fill in this field.")
        forms.ChoiceField.default_error_messages["required"] = _("Choose one.")
        forms.FileField.default_error_messages["required"] = _("Choose a file.")
        forms.FileField.default_error_messages["empty"] = _("This file is empty. Choose another.")
