"""The form of a new API token."""

from datetime import datetime, timedelta
from typing import Any, Final, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from clarion.accounts.models import Agent
from clarion.accounts.scopes import SCOPES, grantable
from clarion.accounts.tokens import MOST_REQUESTS, NAME_LENGTH, TokenError
from clarion.kit import clock

_DAYS: Final = (
    ("30", _("30 days")),
    ("90", _("90 days")),
    ("365", _("1 year")),
    ("", _("Never")),
)


class TokenForm(forms.Form):
    """Name, scopes, expiry and limit."""

    name = forms.CharField(
        label=_("Name"),
        max_length=NAME_LENGTH,
        help_text=_("The program that uses the token, for example “Web shop”."),
    )
    expires = forms.ChoiceField(
        label=_("Expires after"), choices=_DAYS, initial="365", required=False
    )
    requests_per_minute = forms.IntegerField(
        label=_("Requests a minute"),
        required=False,
        min_value=1,
        max_value=MOST_REQUESTS,
        help_text=_("Leave it empty to use the limit in the server's settings."),
    )
    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
        help_text=_("Choose only what the program needs."),
    )

    def __init__(self, agent: Agent, data: Any = None) -> None:
        super().__init__(data)
        field = cast(forms.MultipleChoiceField, self.fields["scopes"])
        field.choices = [(name, f"{name}: {SCOPES[name].label}") for name in grantable(agent.role)]

    def values(self) -> dict[str, Any]:
        """What ``create_token`` takes."""
        days = self.cleaned_data["expires"]
        expires: datetime | None = clock.now() + timedelta(days=int(days)) if days else None
        return {
            "name": self.cleaned_data["name"],
            "scopes": self.cleaned_data["scopes"],
            "requests_per_minute": self.cleaned_data["requests_per_minute"],
            "expires_at": expires,
        }

    def refuse(self, error: TokenError) -> None:
        """Show why there is no such token beside its field."""
        self.add_error("expires" if error.field == "expires_at" else error.field, str(error))
