"""The form of a contact import."""

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from clarion.channels.models import Channel
from clarion.contacts.tags import TagError, check_names


class ImportForm(forms.Form):
    """Which file, and for which channel."""

    channel = forms.ModelChoiceField(
        label=_("Channel"),
        queryset=Channel.objects.order_by("name"),
        empty_label=None,
        help_text=_("The channel that the user ids in the file belong to."),
    )
    file = forms.FileField(
        label=_("CSV file"),
        required=False,
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
        help_text=_(
            "CSV with a header row, in UTF-8, UTF-16 or Windows-1252. You choose next what each "
            "column becomes."
        ),
    )
    tags = forms.CharField(
        label=_("Tags for all contacts in the file"),
        required=False,
        help_text=_("Separated by commas."),
    )
    have_written = forms.BooleanField(
        label=_("These contacts have written to the channel"),
        required=False,
        help_text=_(
            "For example, they have started the bot in another tool. Some channels send only to "
            "contacts who have written to them."
        ),
    )
    token = forms.CharField(required=False, widget=forms.HiddenInput)
    filename = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        channel = self.fields["channel"]
        assert isinstance(channel, forms.ModelChoiceField)
        if Channel.objects.count() > 1:  # a wrong one would be easy to overlook
            channel.empty_label = gettext("Choose a channel")
            channel.error_messages["required"] = gettext("Choose a channel.")

    def clean_tags(self) -> list[str]:
        """The tags as a list."""
        names = [name for name in self.cleaned_data["tags"].split(",") if name.strip()]
        try:
            return check_names(names)
        except TagError as error:
            raise forms.ValidationError(str(error)) from None

    def clean(self) -> dict[str, Any]:
        """Either a file now, or one that was uploaded before."""
        cleaned = super().clean() or {}
        if not cleaned.get("file") and not cleaned.get("token") and "file" not in self.errors:
            self.add_error("file", _("Choose a file."))
        return cleaned
