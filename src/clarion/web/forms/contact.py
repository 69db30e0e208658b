"""The form of one contact, and the one of an address of theirs."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from clarion.channels.models import Channel
from clarion.contacts.attribute_types import shown, types_of
from clarion.contacts.editing import Edit
from clarion.contacts.models import Contact
from clarion.web.zones import zone_choices

VALUE_HINTS: Final = {  # by the type of the attribute
    "number": _("A number, such as 1.5"),
    "date": _("A date, such as 2026-11-30"),
    "yes_no": _("yes or no"),
    "list": _("Items, with commas between them"),
}
NEW_ROWS: Final = 3  # empty rows for attributes that the contact does not have yet


class ContactForm(forms.Form):
    """What everybody has. The attributes are rows of a name and a value beside it."""

    name = forms.CharField(label=_("Name"), required=False)
    language = forms.CharField(
        label=_("Language"),
        required=False,
        help_text=_("A code such as de or pt-BR."),
    )
    time_zone = forms.ChoiceField(label=_("Time zone"), required=False)
    tags = forms.CharField(
        label=_("Tags"),
        required=False,
        help_text=_("Separate tags with commas. A new tag starts the broadcasts that it triggers."),
    )

    def __init__(self, *args: Any, contact: Contact, **more: Any) -> None:
        """``contact``: whose form it is."""
        super().__init__(*args, **more)
        zones = zone_choices(contact.time_zone or "UTC")
        self.fields["time_zone"].choices = [("", _("Not known")), *zones]  # type: ignore[attr-defined]

    def edit(self, attributes: Mapping[str, str]) -> Edit:
        """What a valid form and these attributes ask for."""
        data = self.cleaned_data
        return Edit(
            name=data["name"],
            language=data["language"],
            time_zone=data["time_zone"],
            attributes=attributes,
            tags=[name for name in data["tags"].split(",") if name.strip()],
        )


class AddressForm(forms.Form):
    """An address to add."""

    channel = forms.ModelChoiceField(
        Channel.objects.order_by("name"), label=_("Channel"), empty_label=_("Choose a channel")
    )
    user_id = forms.CharField(
        label=_("User id"),
        max_length=1000,
        help_text=_(
            "The contact's id on this channel: a phone number, an e-mail address, a chat id."
        ),
    )


def initial(contact: Contact, tags: Sequence[str]) -> dict[str, str]:
    """The form of a contact as it is before anything is typed."""
    return {
        "name": contact.name,
        "language": contact.language,
        "time_zone": contact.time_zone,
        "tags": ", ".join(tags),
    }


def typed_attributes(post: QueryDict) -> list[tuple[str, str]]:
    """The rows of attributes as they were typed: name and value."""
    return list(zip(post.getlist("attribute"), post.getlist("value"), strict=False))


def attribute_rows(contact: Contact, typed: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Rows to show: of what the contact has, or was typed, and some that are empty."""
    stored = [(name, shown(value)) for name, value in sorted(contact.attributes.items())]
    rows = list(typed) or [*stored, *[("", "")] * NEW_ROWS]
    types = types_of(name for name, _value in rows)
    return [
        {
            "name": name,
            "value": value,
            "is_new": name not in contact.attributes,
            "hint": VALUE_HINTS.get(types.get(name, ""), _("Value")),
            "is_yes_no": types.get(name) == "yes_no" and value in {"", "yes", "no"},
        }
        for name, value in rows
    ]
