"""The form that imports the prices of a channel."""

from django import forms
from django.utils.translation import gettext_lazy as _


class PriceFileForm(forms.Form):
    """A CSV file of prices."""

    file = forms.FileField(
        label=_("CSV file"),
        help_text=_(
            "UTF-8 with a header row and the columns “calling_code”, “category” and “price”. A "
            "calling code is 49 or +49, and * for all other countries. Leave the category empty "
            "where a price applies to all. The file replaces all prices."
        ),
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
    )
