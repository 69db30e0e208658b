"""The forms of code pools: their rules, and the codes that are added."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clarion.codes.models import LONGEST_CODE, CodePool
from clarion.codes.pools import LONGEST_NAME, MOST_CODES, MOST_USES, Rules

_MOMENT = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


def _moment(label: Any, help_text: Any) -> forms.DateTimeField:
    return forms.DateTimeField(
        label=label,
        required=False,
        widget=_MOMENT,
        help_text=help_text,
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
    )


class PoolForm(forms.Form):
    """The rules of a pool."""

    name = forms.CharField(
        label=_("Name"),
        max_length=LONGEST_NAME,
        help_text=_("Shown to agents, for example “Spring sale”."),
    )
    pattern = forms.CharField(
        label=_("Pattern"),
        max_length=LONGEST_CODE,
        required=False,
        help_text=_(
            "For example SPRING-####-????. Each # becomes a digit, ? a letter and * either of "
            "them. Leave it empty if you import your own codes."
        ),
    )
    look_alikes = forms.BooleanField(
        label=_("Allow characters that look alike, such as 0 and O"), required=False
    )
    valid_from = _moment(
        _("Valid from"), _("In your time zone. Leave it empty if the codes are valid at once.")
    )
    valid_until = _moment(
        _("Valid until"), _("In your time zone. Leave it empty if the codes don't expire.")
    )
    uses = forms.IntegerField(
        label=_("Uses of each code"),
        required=False,
        min_value=1,
        max_value=MOST_USES,
        initial=1,
        help_text=_("How often one code can be redeemed. Leave it empty for no limit."),
    )
    holder_only = forms.BooleanField(
        label=_("Only the contact who received a code can redeem it"), required=False
    )
    low_at = forms.IntegerField(
        label=_("Low stock"),
        required=False,
        min_value=0,
        max_value=MOST_CODES,
        help_text=_(
            "You get a warning when fewer free codes than this are left. Leave it empty for none."
        ),
    )
    top_up = forms.IntegerField(
        label=_("Top up"),
        required=False,
        min_value=0,
        max_value=MOST_CODES,
        help_text=_(
            "How many codes to generate when the stock is low. Needs a pattern. Leave it empty for "
            "none."
        ),
    )

    @staticmethod
    def of(pool: CodePool) -> dict[str, Any]:
        """The values of the form for a pool; 0 is shown as an empty field."""
        rules = {name: getattr(Rules.of(pool), name) for name in Rules.__slots__}
        for name in ("valid_from", "valid_until"):
            rules[name] = rules[name] and timezone.localtime(rules[name])
        return rules | {"low_at": pool.low_at or None, "top_up": pool.top_up or None}

    def rules(self) -> Rules:
        """What was typed; to be called when the form is valid."""
        data = dict(self.cleaned_data)
        for name in ("low_at", "top_up"):
            data[name] = data[name] or 0
        return Rules(**data)


class FillForm(forms.Form):
    """Codes to add to a pool: how many to generate, or a file."""

    count = forms.IntegerField(
        label=_("Number of codes"), required=False, min_value=1, max_value=MOST_CODES
    )
    file = forms.FileField(
        label=_("CSV file"),
        required=False,
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
        help_text=_("UTF-8 with a header row. The column of codes is found by its title."),
    )
    column = forms.CharField(
        label=_("Column of the codes"),
        required=False,
        max_length=200,
        help_text=_("Only needed when the file has several columns and none is called “code”."),
    )
