"""The form of a consent."""

from django import forms
from django.utils.translation import gettext_lazy as _

from clarion.consents.manage import LONGEST_NAME, LONGEST_TEXT


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
