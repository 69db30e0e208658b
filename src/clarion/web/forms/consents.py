"""The form of a consent."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clarion.channels.models import Channel
from clarion.consents.manage import (
    CONFIRM_SUBJECT,
    CONFIRM_TEXT,
    LONGEST_NAME,
    LONGEST_SUBJECT,
    LONGEST_TEXT,
    Confirming,
)


class ConsentForm(forms.Form):
    """Name, category and the words that people agree to."""

    name = forms.CharField(
        label=_("Name"),
        max_length=LONGEST_NAME,
        help_text=_("Shown to agents, for example “Newsletter by e-mail”."),
    )
    category = forms.CharField(
        label=_("Category"),
        max_length=LONGEST_NAME,
        required=False,
        help_text=_("For your own sorting, for example “Marketing”."),
    )
    text = forms.CharField(
        label=_("Text"),
        max_length=LONGEST_TEXT,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("The exact text that contacts agree to."),
    )
    confirm_channel = forms.ModelChoiceField(
        label=_("Confirmation (double opt-in)"),
        queryset=Channel.objects.order_by("name"),
        required=False,
        empty_label=_("Not needed"),
        help_text=_(
            "This channel sends contacts a link. The consent counts once they have confirmed it."
        ),
    )
    confirm_subject = forms.CharField(
        label=_("Subject of the confirmation"),
        max_length=LONGEST_SUBJECT,
        required=False,
        help_text=_("Default: “%s”.") % CONFIRM_SUBJECT,
    )
    confirm_text = forms.CharField(
        label=_("Message of the confirmation"),
        max_length=LONGEST_TEXT,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "placeholder": CONFIRM_TEXT}),
        help_text=_("It can contain variables. It must contain {{ confirm_url }} for the link."),
    )

    def changes(self) -> dict[str, Any]:
        """What the consent is to be, as ``manage.define`` and ``manage.update`` take it."""
        fields = self.cleaned_data
        confirming = Confirming(
            fields["confirm_channel"], fields["confirm_subject"], fields["confirm_text"]
        )
        named = {name: fields[name] for name in ("name", "category", "text")}
        return {**named, "confirming": confirming}
