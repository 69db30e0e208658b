"""The form of the words with which contacts opt out and in."""

from django import forms
from django.utils.translation import gettext_lazy as _

_LONGEST = 60_000  # characters: all words that there may be, at their longest


class KeywordsForm(forms.Form):
    """Two lists of words, one a line."""

    opt_out = forms.CharField(
        label=_("Words that opt out"),
        required=False,
        max_length=_LONGEST,
        widget=forms.Textarea(attrs={"rows": 6, "dir": "auto"}),
        help_text=_("One word or phrase per line, in addition to the built-in ones."),
    )
    opt_in = forms.CharField(
        label=_("Words that opt in again"),
        required=False,
        max_length=_LONGEST,
        widget=forms.Textarea(attrs={"rows": 4, "dir": "auto"}),
        help_text=_("One word or phrase per line."),
    )

    def words(self, field: str) -> list[str]:
        """The words of a field, without empty lines."""
        return [line.strip() for line in self.cleaned_data[field].splitlines() if line.strip()]
