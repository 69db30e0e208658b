"""The forms about agents."""

from typing import Final

from django import forms
from django.utils.translation import gettext_lazy as _

from clarion.accounts.agents import NAME_LENGTH
from clarion.accounts.models import Role

ROLES: Final = (
    (Role.VIEWER, _("Viewer: sees everything and changes nothing")),
    (Role.SENDER, _("Sender: writes and sends broadcasts, replies to chats")),
    (Role.MANAGER, _("Manager: also contacts, channels, codes, consents and API tokens")),
    (Role.ADMIN, _("Admin: also agents and the audit log")),
)


class InvitationForm(forms.Form):
    """Who is invited, and as what."""

    name = forms.CharField(label=_("Name"), max_length=NAME_LENGTH)
    email = forms.EmailField(label=_("E-mail"), help_text=_("The agent logs in with it."))
    role = forms.ChoiceField(label=_("Role"), choices=ROLES, initial=Role.VIEWER)


class RoleForm(forms.Form):
    """Another role."""

    role = forms.ChoiceField(label=_("Role"), choices=ROLES)


class TwoFactorForm(forms.Form):
    """Who needs a second factor."""

    roles = forms.MultipleChoiceField(
        label=_("Two-factor authentication is required for"),
        choices=Role.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
    )


class NewPasswordForm(forms.Form):
    """The password that a link sets, twice."""

    password = forms.CharField(
        label=_("New password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 10 characters. It must not be a common password."),
    )
    again = forms.CharField(
        label=_("New password again"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean_again(self) -> str:
        """Refuse a second password that is not the first."""
        again: str = self.cleaned_data["again"]
        if again != self.cleaned_data.get("password", again):
            raise forms.ValidationError(_("This is not the same password. Type both again."))
        return again
