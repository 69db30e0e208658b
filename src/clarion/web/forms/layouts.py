"""The form of a layout of e-mails."""

from django import forms
from django.utils.translation import gettext_lazy as _

from clarion.content.mail.layouts import ADDRESS_LENGTH, NAME_LENGTH
from clarion.content.rendering import SOURCE_LIMIT


class LayoutForm(forms.Form):
    """Name, postal address and HTML."""

    name = forms.CharField(label=_("Name"), max_length=NAME_LENGTH)
    address = forms.CharField(
        label=_("Postal address"),
        max_length=ADDRESS_LENGTH,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("In many countries, marketing e-mails must show the sender's postal address."),
    )
    is_default = forms.BooleanField(
        label=_("Default layout"),
        required=False,
        help_text=_("Used by broadcasts for which no other layout is chosen."),
    )
    html = forms.CharField(
        label=_("HTML"),
        max_length=SOURCE_LIMIT,
        widget=forms.Textarea(attrs={"rows": 20, "spellcheck": "false", "class": "code"}),
        help_text=_(
            "{{ content }} is the text of the broadcast, {{ footer }} the postal address and the "
            "unsubscribe link. To place those two yourself, use {{ postal_address }} and "
            "{{ unsubscribe_url }}. What is missing is added at the end."
        ),
    )
