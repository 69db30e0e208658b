"""The form of a webhook endpoint."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clarion.webhooks.errors import EndpointError
from clarion.webhooks.events import EVENT_TYPES
from clarion.webhooks.models import Endpoint


class EndpointForm(forms.Form):
    """Name, URL and events."""

    name = forms.CharField(
        label=_("Name"),
        max_length=80,
        help_text=_("The program that receives the events, for example “Web shop”."),
    )
    url = forms.CharField(
        label=_("URL"),
        max_length=2_000,
        widget=forms.URLInput(attrs={"dir": "ltr"}),
        help_text=_("Events are posted to it, for example https://shop.example.org/clarion."),
    )
    event_types = forms.MultipleChoiceField(
        label=_("Events"),
        choices=[(name, f"{name}: {text}") for name, text in EVENT_TYPES.items()],
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
    )
    allow_private = forms.BooleanField(
        label=_("Allow private addresses"),
        required=False,
        help_text=_("Allows a receiver in your own network or on this machine."),
    )

    def refuse(self, error: EndpointError) -> None:
        """Show beside its field what is wrong."""
        self.add_error(error.field or None, str(error))


def values_of(endpoint: Endpoint) -> dict[str, Any]:
    """What the form shows of an endpoint."""
    return {name: getattr(endpoint, name) for name in EndpointForm.base_fields}
