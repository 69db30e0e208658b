"""Declaring attributes: their names and types, how many contacts have them, and deleting them.

What rewrites the values of many contacts does so in chunks, each a transaction of its own, and may
be repeated after it was interrupted.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.contacts.attribute_types import WrongValueError, convert, shown
from clarion.contacts.attribute_uses import uses, uses_at_work, uses_in_texts
from clarion.contacts.attributes import LONGEST, OWN_FIELDS, attribute_name
from clarion.contacts.models import Attribute, Contact, Import
from clarion.contacts.signals import attribute_renamed
from clarion.kit import db
from clarion.kit.db import values
from clarion.kit.names import NAMED, no_such, some
from clarion.kit.sampling import EXACT, rounded, spans
from clarion.kit.text import clean, one_line

CHUNK: Final = 1_000  # contacts of one transaction
EXAMPLES: Final = 10  # of values that don't fit
_GONE: Final = object()


class AttributeProblem(ValueError):  # noqa: N818 - AttributeError is Python's own
    """An attribute can't be declared, changed or deleted like this; says what to do."""


@dataclass(frozen=True, slots=True)
class AttributeRow:
    """An attribute in the list: how many contacts have it, and what uses it."""

    attribute: Attribute
    contacts: int
    about: bool  # counted from a sample
    uses: list[str]


@dataclass(frozen=True, slots=True)
class Misfit:
    """A value that the new type does not take."""

    contact: int
    value: str
    why: str


@dataclass(slots=True)
class Preview:
    """What a change of the type does: how many values there are, and those that don't fit."""

    values: int = 0
    misfits: int = 0
    about: bool = False  # counted from a sample
    examples: list[Misfit] = field(default_factory=list)


def attribute_list() -> list[AttributeRow]:
    """All attributes by name. Of very many contacts a sample is counted."""
    counts, about = _counts()
    using = uses()
    rows = sorted(Attribute.objects.all(), key=lambda row: row.name.casefold())
    return [
        AttributeRow(row, counts.get(row.name, 0), about, using.get(row.name, [])) for row in rows
    ]


def find_attribute(name: str) -> Attribute:
    """The attribute of that name. Raises AttributeProblem that names the known ones."""
    wanted = one_line(name)
    attribute = Attribute.objects.filter(name=wanted).first()
    if attribute is None and wanted:  # repeated after it was interrupted
        attribute = Attribute.objects.filter(renamed_from=wanted).first()
    if attribute is not None:
        return attribute
    names = Attribute.objects.order_by("name").values_list("name", flat=True)
    raise AttributeProblem(no_such("attribute", name, names[: NAMED + 1]))


def declare(name: str, type_: str, *, by: Agent | str) -> Attribute:
    """Declare an attribute that no contact has yet. Raises AttributeProblem.

    One that contacts have already is declared by ``change_type``.
    """
    wanted = _checked_name(name)
    _check_type(type_)
    with transaction.atomic():
        attribute, is_new = Attribute.objects.get_or_create(name=wanted, defaults={"type": type_})
        if not is_new:
            raise AttributeProblem(
                _("There is already an attribute called “%s”. Change its type instead.") % wanted
            )
        audit.note("attribute.add", _subject(attribute), by, name=wanted, type=type_)
    return attribute


def rename(attribute: Attribute, name: str, *, by: Agent | str) -> Attribute:
    """Give an attribute another name, in all contacts and all conditions.

    Contacts follow in chunks. Where that is interrupted, calling this again continues, and so does
    a worker. Raises AttributeProblem, also while texts show it: they would show nothing.
    """
    if attribute.renamed_from:
        _finish_rename(attribute)
    wanted = _checked_name(name)
    if wanted == attribute.name:
        return attribute
    if using := uses_in_texts().get(attribute.name):
        raise AttributeProblem(
            _("“%(name)s” is shown in %(uses)s. Change these texts first, or let them finish.")
            % {"name": attribute.name, "uses": some(using)}
        )
    _check_not_at_work(attribute)
    with transaction.atomic():
        locked = _locked(attribute)
        is_as_read = locked.name == attribute.name and not locked.renamed_from
        if is_as_read:
            _give_name(locked, wanted, by=by)
    if not is_as_read:  # renamed by another process meanwhile, whose contacts may be on their way
        return rename(locked, name, by=by)
    _finish_rename(locked)
    return locked


def finish_next_rename(stopping: Callable[[], bool] = lambda: False) -> bool:
    """Continue a renaming that was interrupted, or that goes on; return whether there was one.

    It is left where it is when ``stopping`` says so.
    """
    attribute = Attribute.objects.exclude(renamed_from="").order_by("pk").first()
    if attribute is None or stopping():
        return False
    _finish_rename(attribute, stopping)
    return True


def _give_name(locked: Attribute, name: str, *, by: Agent | str) -> None:
    """Rename the attribute itself and its conditions, in the caller's transaction."""
    before, locked.name, locked.renamed_from = locked.name, name, locked.name
    try:
        with transaction.atomic():
            locked.save(update_fields=["name", "renamed_from"])
    except IntegrityError:
        raise AttributeProblem(
            _("There is already an attribute called “%s”. Choose another name.") % name
        ) from None
    attribute_renamed.send(Attribute, before=before, after=name)
    audit.note("attribute.rename", _subject(locked), by, before=before, name=name)


def _finish_rename(attribute: Attribute, stopping: Callable[[], bool] = lambda: False) -> None:
    """Give contacts that have the former name the new one. Several processes may do it at once."""
    before = attribute.renamed_from
    same = Attribute.objects.filter(pk=attribute.pk, name=attribute.name, renamed_from=before)
    _rewrite(
        before,
        lambda value: value,
        attribute.name,
        is_wanted=lambda: not stopping() and same.select_for_update().first() is not None,
    )
    if stopping():  # some contacts may be left
        return
    same.update(renamed_from="")
    attribute.renamed_from = ""


def preview(attribute: Attribute, type_: str) -> Preview:
    """What ``change_type`` would do. Raises AttributeProblem for a type that there is not."""
    _check_type(type_)
    result = Preview()
    for contact, value in _values(attribute.name, result):
        if shown(value) == "":
            continue
        result.values += 1
        try:
            convert(type_, value)
        except WrongValueError as error:
            result.misfits += 1
            if len(result.examples) < EXAMPLES:
                result.examples.append(Misfit(contact, clean(shown(value), 60), str(error)))
    return result


def change_type(attribute: Attribute, type_: str, *, by: Agent | str) -> int:
    """Declare the type of an attribute; return how many values don't fit it.

    Values that fit are stored in the form of the type. The others stay as they are: no condition
    that needs the type matches them, and a text shows them as before. Raises AttributeProblem.
    """
    _check_type(type_)
    _check_not_at_work(attribute)
    with transaction.atomic():
        locked = _locked(attribute)
        before, locked.type = locked.type, type_
        locked.save(update_fields=["type"])
        audit.note(
            "attribute.type", _subject(locked), by, name=locked.name, before=before, type=type_
        )
    if locked.renamed_from:  # values under the former name are of this type too
        _finish_rename(locked)
    misfits = 0

    def converted(value: Any) -> Any:
        nonlocal misfits
        if shown(value) == "":  # the same as no value, whatever the type
            return _GONE
        try:
            return convert(type_, value)
        except WrongValueError:
            misfits += 1
            return value

    _rewrite(locked.name, converted)
    return misfits


def delete(attribute: Attribute, *, by: Agent | str) -> int:
    """Delete an attribute with all its values; return how many contacts had it.

    Raises AttributeProblem while something uses it.
    """
    if using := uses().get(attribute.name):
        raise AttributeProblem(
            _("“%(name)s” is used by %(uses)s. Change these first, or let them finish.")
            % {"name": attribute.name, "uses": some(using)}
        )
    _check_not_at_work(attribute)
    if attribute.renamed_from:
        _finish_rename(attribute)
    name = attribute.name
    contacts = _rewrite(name, lambda _: _GONE)  # can be repeated for as long as there is the row
    with transaction.atomic():
        locked = _locked(attribute)
        audit.note("attribute.delete", _subject(locked), by, name=name)
        locked.delete()
    return contacts + _rewrite(name, lambda _: _GONE)  # those that got a value meanwhile


def _rewrite(
    name: str,
    change: Callable[[Any], Any],
    new_name: str = "",
    *,
    is_wanted: Callable[[], bool] = lambda: True,
) -> int:
    """Change the value of an attribute, or its name, in all contacts; return how many have it.

    A value that a contact has under the new name already is the newer one. ``is_wanted`` is asked
    in each transaction, whether to go on.
    """
    total, last = 0, 0
    while True:
        ids = _having(name, last)  # may go through all contacts, so nothing is locked meanwhile
        with db.write():
            if not is_wanted():
                return total
            rows = _locked_contacts(name, ids)
            changes = []
            for key, attributes in rows:
                before = attributes.pop(name)
                after = change(before)
                if after is not _GONE:
                    attributes.setdefault(new_name or name, after)
                if after is not before or new_name:
                    changes.append((key, json.dumps(attributes, ensure_ascii=False)))
            table = db.json_table([("id", "int"), ("attributes", "text")])
            db.execute(
                f"UPDATE contacts_contact AS c SET attributes = {db.json_cast('v.attributes')} "
                f"FROM {table} WHERE c.id = v.id",
                [db.json_param(changes)],
            )
        total += len(rows)
        if len(ids) < CHUNK:
            return total
        last = ids[-1]


def _having(name: str, after: int) -> list[int]:
    """The next contacts that have an attribute."""
    value, param = db.json_text("c.attributes", [name])
    select = f"SELECT c.id FROM contacts_contact c WHERE {value} IS NOT NULL AND c.id > %s"
    rows = db.fetch(f"{select} ORDER BY c.id LIMIT {CHUNK}", [param, after])
    return [row[0] for row in rows]


def _locked_contacts(name: str, ids: Sequence[int]) -> list[tuple[int, dict[str, Any]]]:
    """Lock these contacts; those that still have the attribute, with all their attributes."""
    contacts = Contact.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    return [(row.pk, row.attributes) for row in contacts if name in row.attributes]


def _values(name: str, result: Preview) -> Iterator[tuple[int, Any]]:
    """The contacts that have an attribute, and its value; of very many contacts of a sample."""
    size, first, last = _size()
    result.about = size > EXACT
    value, param = db.json_text("c.attributes", [name])
    people = db.lateral_join("contacts_contact", "c", "c.id BETWEEN v.first AND v.last")
    rows = db.fetch(
        f"SELECT c.id FROM {_table()} {people} WHERE {value} IS NOT NULL ORDER BY c.id",
        [db.json_param(spans(first, last, size)), param],
    )
    for start in range(0, len(rows), CHUNK):
        keys = [row[0] for row in rows[start : start + CHUNK]]
        for contact in Contact.objects.filter(pk__in=keys).order_by("pk"):
            if name in contact.attributes:
                yield contact.pk, contact.attributes[name]


def _counts() -> tuple[dict[str, int], bool]:
    size, first, last = _size()
    people = db.lateral_join("contacts_contact", "c", "c.id BETWEEN v.first AND v.last")
    parts = spans(first, last, size)
    counts: dict[str, int] = dict(
        db.fetch(
            f"SELECT e.key, count(*) FROM {_table()} {people} "
            f"CROSS JOIN {values.keys_of('c.attributes')} GROUP BY e.key",
            [db.json_param(parts)],
        )
    )
    if size <= EXACT:
        return counts, False
    looked = db.fetch(f"SELECT count(*) FROM {_table()} {people}", [db.json_param(parts)])[0][0]
    share = size / max(looked, 1)
    return {name: rounded(count * share) for name, count in counts.items()}, True


def _size() -> Sequence[int]:
    select = "SELECT count(*), COALESCE(min(id), 0), COALESCE(max(id), 0) FROM contacts_contact"
    return db.fetch(select)[0]


def _table() -> str:
    return db.json_table([("first", "int"), ("last", "int")])


def _checked_name(name: str) -> str:
    wanted = one_line(name)
    if not wanted or attribute_name(wanted) != wanted or wanted.lower() in OWN_FIELDS:
        raise AttributeProblem(
            _(
                "“%(name)s” can't be the name of an attribute. Use letters, digits and "
                "underscores, at most %(most)d, and no field of the contact itself."
            )
            % {"name": clean(wanted, 40), "most": LONGEST}
        )
    if renaming := Attribute.objects.filter(renamed_from=wanted).first():
        raise AttributeProblem(
            _("“%(name)s” is being renamed to “%(new)s”. Try again when that has finished.")
            % {"name": wanted, "new": renaming.name}
        )
    return wanted


def _check_type(type_: str) -> None:
    if type_ and type_ not in Attribute.Type.values:
        types = ", ".join(Attribute.Type.values)
        raise AttributeProblem(_("There is no type “%(type)s”. Choose one of: %(types)s.") % {
            "type": clean(type_, 40), "types": types
        })  # fmt: skip


def _check_not_at_work(attribute: Attribute) -> None:
    """Raise AttributeProblem while contacts are chosen by the values that would be rewritten."""
    using = [*uses_at_work().get(attribute.name, []), *_imports_with(attribute.name)]
    if using:
        raise AttributeProblem(
            _("“%(name)s” is used by %(uses)s. Let it finish, or cancel it first.")
            % {"name": attribute.name, "uses": some(using)}
        )


def _imports_with(name: str) -> list[str]:
    """The imports that have not ended and write this attribute, or may: by its name and type as
    they were at their start."""
    rows = Import.objects.filter(state__in=Import.OPEN, dry_run=False).order_by("pk")
    return [
        f"import {row.pk}"
        for row in rows
        if not row.mapping
        or any(text.startswith("attribute:") and text.endswith(f":{name}") for text in row.mapping)
    ]


def _locked(attribute: Attribute) -> Attribute:
    locked = Attribute.objects.select_for_update().filter(pk=attribute.pk).first()
    if locked is None:
        raise AttributeProblem(_("This attribute has been deleted already."))
    return locked


def _subject(attribute: Attribute) -> str:
    return f"attribute {attribute.pk}"
