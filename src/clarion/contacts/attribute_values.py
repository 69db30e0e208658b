"""Attributes that contacts get while a broadcast is sent: what a story's webhook answers.

They are checked where the answer is read, and stored with what became of the message.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from clarion.contacts.attribute_types import WrongValueError, convert
from clarion.contacts.attributes import OWN_FIELDS, attribute_name, note_attributes
from clarion.contacts.import_lines import ATTRIBUTES_LIMIT
from clarion.contacts.models import Contact
from clarion.kit import db
from clarion.kit.text import clean

MOST: Final = 50  # attributes of one answer
Values = Mapping[str, Any]  # by name; None removes the attribute


def fitting(values: Values, types: Mapping[str, str]) -> dict[str, Any]:
    """These values in the form of their types, see ``attribute_types``.

    Raises WrongValueError with a sentence for a name that no attribute can have and for a value
    that its attribute does not take. A value without a declared type is a text, a number, yes or
    no, or a list of texts.
    """
    if len(values) > MOST:
        raise WrongValueError(f"It has {len(values):,} attributes: {MOST} are allowed.")
    return {name: _fitting(name, value, types.get(name, "")) for name, value in values.items()}


def set_values(values: Mapping[int, Values], *, only_missing: bool = False) -> None:
    """Store attributes of contacts, by the id of an address of theirs. May be repeated.

    ``only_missing``: values that contacts have already stay, as they may be newer.

    What would make a contact's attributes too large is left out, the last ones first: nobody could
    edit that contact any more.
    """
    with db.write():
        rows = db.fetch(
            f"SELECT a.id, a.contact_id FROM contacts_address AS a WHERE a.id {db.in_list()}",
            [db.json_param([key] for key in values)],
        )
        owners = dict(rows)
        locked = Contact.objects.select_for_update().filter(pk__in=set(owners.values()))
        contacts = {contact.pk: contact for contact in locked.order_by("pk")}
        for address, own in values.items():
            # One that was deleted meanwhile has none.
            if contact := contacts.get(owners.get(address, 0)):
                before = contact.attributes
                new = {n: v for n, v in own.items() if not only_missing or n not in before}
                contact.attributes = _merged(before, new)
        note_attributes({n for own in values.values() for n, v in own.items() if v is not None})
        Contact.objects.bulk_update(contacts.values(), ["attributes"], batch_size=500)


def _fitting(name: str, value: Any, type_: str) -> Any:
    shown_name = clean(name, 60)
    if not name or attribute_name(name) != name or name.lower() in OWN_FIELDS:
        raise WrongValueError(
            f"“{shown_name}” can't be the name of an attribute: use letters, digits and _."
        )
    if value is None:
        return None
    if not _is_plain(value):
        raise WrongValueError(
            f"“{shown_name}” must be a text, a number, true, false, null or a list of texts."
        )
    if isinstance(value, str) and clean(value, ATTRIBUTES_LIMIT) != value:
        raise WrongValueError(f"“{shown_name}” has characters that can't be stored.")
    try:
        return convert(type_, value)
    except WrongValueError as error:
        raise WrongValueError(f"“{shown_name}”: {error}.") from None


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, str) for item in value)
    return isinstance(value, str | int | float)


def _merged(before: Values, own: Values) -> dict[str, Any]:
    merged = dict(before)
    for name, value in own.items():
        changed = {key: held for key, held in merged.items() if key != name}
        if value is not None and value != "":
            changed[name] = value
        grows = len(json.dumps(changed, ensure_ascii=False)) > ATTRIBUTES_LIMIT
        merged = merged if grows and len(changed) >= len(merged) else changed
    return merged
