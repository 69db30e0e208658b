"""The forms of the suppression list: one entry, and a file of them."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clarion.channels.registry import KINDS
from clarion.contacts.suppressions.entries import LONGEST, LONGEST_NOTE, Reason


def kind_choices() -> list[tuple[str, Any]]:
    """The channel kinds, by their names."""
    return sorted(((kind.kind, kind.label) for kind in KINDS.values()), key=lambda kind: kind[1])


class SuppressionForm(forms.Form):
    """An address or a pattern, and why nothing is sent to it."""

    pattern = forms.CharField(
        label=_("Address or pattern"),
        max_length=LONGEST + 1,
        help_text=_("For example ada@example.com, *@example.com or +4479*."),
        widget=forms.TextInput(attrs={"dir": "auto", "autocapitalize": "none"}),
    )
    kind = forms.ChoiceField(
        label=_("Platform"),
        choices=kind_choices,
        help_text=_("The entry applies to all channels of this platform."),
    )
    reason = forms.ChoiceField(label=_("Reason"), choices=Reason.choices)
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=LONGEST_NOTE,
        help_text=_("For your colleagues, for example who asked for it."),
    )


class SuppressionFileForm(forms.Form):
    """A CSV file of entries."""

    file = forms.FileField(
        label=_("CSV file"),
        help_text=_(
            "UTF-8 with a header row and a column “address”. Columns “kind”, “reason” and “note” "
            "are optional."
        ),
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
    )
    kind = forms.ChoiceField(
        label=_("Platform"),
        choices=kind_choices,
        help_text=_("Used for lines without a value."),
    )
    reason = forms.ChoiceField(
        label=_("Reason"), choices=Reason.choices, help_text=_("Used for lines without a value.")
    )
