"""Changing one contact by hand: what is known of them, their tags and addresses."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.channels.contract import BadIdError
from clarion.channels.models import Channel
from clarion.channels.registry import id_reader, id_writer
from clarion.contacts import tags as tagging
from clarion.contacts.attribute_types import WrongValueError, convert, shown, types_of
from clarion.contacts.attributes import OWN_FIELDS, attribute_name, note_attributes
from clarion.contacts.import_lines import ATTRIBUTES_LIMIT, BadLineError, own_value
from clarion.contacts.models import Address, Contact, Tag, Tagging
from clarion.contacts.suppressions import matching as suppressions
from clarion.contacts.tags import TagError
from clarion.kit import clock, db
from clarion.kit.text import clean

MOST_ADDRESSES: Final = 50  # of one contact that are added by hand


class EditError(ValueError):
    """What was given can't be stored: a sentence for each field; attributes by ``attributes``."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = dict(problems)


@dataclass(frozen=True, slots=True)
class Edit:
    """What is to be changed. None, and attributes that are not named, stay as they are."""

    name: str | None = None
    language: str | None = None
    time_zone: str | None = None
    # Texts as people write them, or values of JSON. An empty one removes the attribute.
    attributes: Mapping[str, Any] = field(default_factory=dict)
    tags: Sequence[str] | None = None  # all that the contact shall have


def edit(contact: Contact, wanted: Edit, *, by: Agent | str) -> list[str]:
    """Change a contact; return what has changed, by name. Raises EditError: nothing is changed.

    A value that is given as it is shown stays as it is, also a number. An attribute that is
    declared takes what fits its type; another one becomes a text. Tags that are new start the
    triggers on them.
    """
    with transaction.atomic():
        locked = Contact.objects.select_for_update().filter(pk=contact.pk).first()
        if locked is None:
            raise EditError({"name": _("This contact has been deleted.")})
        problems: dict[str, str] = {}
        changes: dict[str, Any] = {**_change_own(locked, wanted, problems)}
        attributes = _change_attributes(locked, wanted.attributes, problems)
        names = _tag_names(wanted.tags, problems)
        if problems:
            raise EditError(problems)
        locked.save(update_fields=[*OWN_FIELDS, "attributes"])
        note_attributes(attributes)
        changes |= {"attributes": attributes} if attributes else {}
        if names is not None:
            changes |= _change_tags(locked, names)
        if changes:
            audit.note("contact.edit", f"contact {locked.pk}", by, **changes)
    contact.refresh_from_db()
    return [*changes.pop("attributes", {}), *changes]


def add_address(contact: Contact, channel: Channel, user_id: str, *, by: Agent | str) -> Address:
    """Give a contact an address on a channel. Raises EditError where it can't be."""
    try:
        value = clean(id_reader(channel)(user_id), 320)
        write = id_writer(channel)
        written = write(user_id) if write and value != user_id else ""
    except BadIdError as error:
        raise EditError({"user_id": _refused(channel, user_id, error)}) from None
    with db.write():
        is_any_suppressed = suppressions.hold_still()
        if not Contact.objects.select_for_update().filter(pk=contact.pk).exists():
            raise EditError({"user_id": _("This contact has been deleted.")})
        if Address.objects.filter(contact=contact).count() >= MOST_ADDRESSES:
            raise EditError({"user_id": _("A contact has at most %d addresses.") % MOST_ADDRESSES})
        address, is_new = Address.objects.get_or_create(
            channel=channel,
            value=value,
            defaults={"contact": contact, "written": "" if written == value else written},
        )
        if not is_new:
            raise EditError({"user_id": _taken(contact, address)})
        if is_any_suppressed and suppressions.check([address.pk]):
            address.refresh_from_db(fields=["suppression"])
        audit.note(
            "contact.add_address", f"contact {contact.pk}", by, channel=channel.name, user=user_id
        )
    return address


def _refused(channel: Channel, user_id: str, error: BadIdError) -> str:
    return _("“%(id)s” can't be a user id on %(channel)s: %(why)s.") % {
        "id": clean(user_id, 60),
        "channel": channel.name,
        "why": error,
    }


def _taken(contact: Contact, address: Address) -> str:
    if address.contact_id == contact.pk:
        return _("This contact has this address already.")
    return _(
        "This address belongs to contact %d. Merge the two contacts if they are one person."
    ) % (address.contact_id)


def _change_own(contact: Contact, wanted: Edit, problems: dict[str, str]) -> dict[str, list[str]]:
    changes: dict[str, list[str]] = {}
    for slot, name in enumerate(OWN_FIELDS):
        text = getattr(wanted, name)
        if text is None:
            continue
        try:
            value = own_value(slot, text.strip())
        except BadLineError as error:
            sentence = f"{str(error)[0].upper()}{str(error)[1:]}."
            problems[name] = sentence
            continue
        before = getattr(contact, name)
        if value != before:
            changes[name] = [before, value]
            setattr(contact, name, value)
    return changes


def _change_attributes(
    contact: Contact, wanted: Mapping[str, Any], problems: dict[str, str]
) -> dict[str, list[str]]:
    changes: dict[str, list[str]] = {}
    attributes = dict(contact.attributes)
    types = types_of(map(attribute_name, wanted))
    for title, raw in wanted.items():
        name, value = attribute_name(title), shown(raw).strip()
        if not name or name.lower() in OWN_FIELDS:
            problems["attributes"] = _(
                "“%s” can't be the name of an attribute. Use letters, digits and underscores."
            ) % clean(title, 60)
        elif clean(value, ATTRIBUTES_LIMIT) != value:
            problems["attributes"] = _("“%s” has characters that can't be stored.") % name
        elif value != (before := shown(attributes.get(name))):
            if not value:
                attributes.pop(name, None)
            else:
                try:
                    is_typed = name in types
                    attributes[name] = convert(types[name], raw) if is_typed else value
                except WrongValueError as error:
                    problems["attributes"] = f"{name}: {error}."
                    continue
            changes[name] = [before, shown(attributes.get(name))]
    if len(json.dumps(attributes, ensure_ascii=False)) > ATTRIBUTES_LIMIT:
        problems["attributes"] = _("The attributes have more than %s characters together.") % (
            f"{ATTRIBUTES_LIMIT:,}"
        )
    contact.attributes = attributes
    return changes


def _tag_names(names: Sequence[str] | None, problems: dict[str, str]) -> list[str] | None:
    if names is None:
        return None
    try:
        return tagging.check_names(names)
    except TagError as error:
        problems["tags"] = str(error)
        return None


def _change_tags(contact: Contact, names: Sequence[str]) -> dict[str, str]:
    own = Tag.objects.filter(taggings__contact=contact)
    before = set(own.values_list("name", flat=True))
    added, removed = sorted(set(names) - before), sorted(before - set(names))
    if added:
        tag_ids = tagging.ensure_tags(added)
        tagging.attach(list(tag_ids.values()), [contact.pk], clock.now_us())
    Tagging.objects.filter(contact=contact, tag__name__in=removed).delete()
    changes = {"tags_added": ", ".join(added), "tags_removed": ", ".join(removed)}
    return {name: text for name, text in changes.items() if text}
