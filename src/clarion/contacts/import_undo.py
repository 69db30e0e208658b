"""Undoing an import: what it created and nothing happened to since, and what it has changed.

A worker does it, part by part, each slice in a transaction of its own; one that was interrupted is
continued. What was changed again since stays, and a file says what and why.
"""

import csv
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final

import structlog
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from clarion.accounts import audit
from clarion.accounts.models import Agent, AuditEntry
from clarion.contacts.import_run import rejects_folder
from clarion.contacts.models import (
    Address,
    AddressChange,
    Contact,
    Import,
    ImportErasure,
    ImportPart,
    Merge,
    Tagging,
)
from clarion.contacts.signals import contacts_removed, contacts_used
from clarion.kit import clock, db

log = structlog.get_logger()
DAYS: Final = 30  # for which an import can be undone
SLICE: Final = 1_000  # contacts of one transaction
EDITED: Final = "changed by hand since"
MERGED: Final = "merged with another contact"
WROTE: Final = "has written since"
MARKED: Final = "has opted out or in or became unreachable since"
TAGGED: Final = "got a tag since"
CHANGED: Final = "changed again since"
_VALUES = [("id", "int"), ("name", "text"), ("language", "text"), ("time_zone", "text")]
_VALUES += [("attributes", "text")]
ERASED: Final = 100_000  # deleted contacts that are looked for at once
Stopping = Callable[[], bool]
Reasons = dict[int, str]


class UndoError(ValueError):
    """An import can't be undone; says why."""


def may_be_undone(row: Import) -> bool:
    """Whether an import can be undone now: for 30 days, once, when it has changed something."""
    ended = row.state not in Import.OPEN and not row.dry_run and not row.undo_state
    young = row.started_at > clock.now() - timedelta(days=DAYS)
    return ended and young and row.parts.exists()


def request_undo(row: Import, *, by: Agent | str) -> None:
    """Have a worker undo an import. Raises UndoError where that can't be."""
    with transaction.atomic():
        locked = Import.objects.select_for_update().get(pk=row.pk)
        if not may_be_undone(locked):
            raise UndoError(_("This import can't be undone any more."))
        locked.undo_state, locked.undo_at = Import.Undo.WAITING, clock.now()
        locked.undo_agent = by if isinstance(by, Agent) else None
        locked.undo_path = f"undo-{locked.pk}.csv"
        # Left by another database in this data folder.
        (rejects_folder() / locked.undo_path).unlink(missing_ok=True)
        locked.save(update_fields=["undo_state", "undo_agent", "undo_at", "undo_path"])
        audit.note("contacts.undo_import", f"import {locked.pk}", by, file=locked.filename)


def undo_next(stopping: Stopping) -> bool:
    """Undo the next import that waits for it; return False when there is none."""
    row = Import.objects.filter(undo_state=Import.Undo.WAITING).order_by("undo_at", "pk").first()
    if row is None:
        return False
    while not stopping():
        part = row.parts.filter(is_undone=False).order_by("-pk").first()
        if part is None:
            _finish(row)
            return True
        _undo(row, part)
    return False


def kept_file(row: Import) -> Path | None:
    """The file of what could not be undone; None when there is none here."""
    path = rejects_folder() / row.undo_path
    return path if row.undo_path and path.exists() else None


def first_kept(row: Import, limit: int) -> list[tuple[int, str]]:
    """The first contacts that could not be undone, each with why; empty when their file is not
    here."""
    path = kept_file(row)
    if path is None:
        return []
    with path.open(encoding="utf-8", newline="") as file:
        rows = islice(csv.reader(file), 1, limit + 1)
        return [(int(cells[0]), cells[1]) for cells in rows if len(cells) == 2]


def forget_old() -> None:
    """Delete what was kept of imports that can't be undone any more."""
    before = clock.now() - timedelta(days=DAYS)
    ImportPart.objects.filter(row__started_at__lt=before).exclude(
        row__undo_state=Import.Undo.WAITING
    ).delete()


def note_deleted(contact_ids: Sequence[int]) -> None:
    """Have erased what imports noted of contacts that are deleted, in the caller's transaction."""
    if ImportPart.objects.exists():
        ImportErasure.objects.bulk_create(ImportErasure(contact_id=key) for key in contact_ids)


def erase_deleted(stopping: Stopping = lambda: False) -> None:
    """Erase the values that imports noted of contacts that have been deleted since.

    A part may be 10 MB: it is locked only to be rewritten, and not by the thread that sends.
    """
    erasures = list(ImportErasure.objects.order_by("pk")[:ERASED])
    if not erasures:
        return
    deleted = {erasure.contact_id for erasure in erasures}
    parts = ImportPart.objects.filter(is_undone=False)
    for key in list(parts.values_list("pk", flat=True)):
        if stopping():
            return
        changes = parts.filter(pk=key).values_list("changes", flat=True).first() or []
        if any(each[0] in deleted for each in changes):
            _erase(key, deleted)
    ImportErasure.objects.filter(pk__in=[erasure.pk for erasure in erasures]).delete()


def _erase(part_id: int, deleted: Collection[int]) -> None:
    with db.write():
        part = ImportPart.objects.select_for_update().filter(pk=part_id).first()
        if part is not None:
            part.changes = [each for each in part.changes if each[0] not in deleted]
            part.is_undone = not part.created and not part.changes
            part.save(update_fields=["changes", "is_undone"])


def ask_again(until: datetime | None) -> int:
    """Have no import undone that was to be when a backup was made; return how many. It can be asked
    for again, and continues.

    Those asked for after ``until``, the moment of the restore, are undone; None stops all.
    """
    rows = Import.objects.filter(undo_state=Import.Undo.WAITING)
    if until is not None:
        rows = rows.filter(undo_at__lte=until)
    return rows.update(undo_state="", undo_at=None)


def _finish(row: Import) -> None:
    Import.objects.filter(pk=row.pk, undo_state=Import.Undo.WAITING).update(
        undo_state=Import.Undo.DONE, undo_at=clock.now()
    )
    log.info("import_undone", id=row.pk)


def _undo(row: Import, part: ImportPart) -> None:
    """Undo one part. Each slice leaves the part in its transaction, so that nothing is counted
    twice after a crash, nor when several processes undo at the same time."""
    while _undo_slice(row, part.pk):
        pass


def _undo_slice(row: Import, part_id: int) -> bool:
    """Undo the next slice of a part; False when nothing is left of it."""
    with db.write():
        part = ImportPart.objects.select_for_update().get(pk=part_id)
        if part.is_undone:
            return False
        if contact_ids := list(islice(_created(part), SLICE)):
            removed, reasons = _remove(row, contact_ids)
            _count(row, removed=removed, reasons=reasons)
            last = contact_ids[-1]
            part.created = [[max(a, last + 1), b] for a, b in part.created if b > last]
        else:
            restored, reasons = _restore(row, part.changes[:SLICE])
            _count(row, restored=restored, reasons=reasons)
            part.changes = part.changes[SLICE:]
        part.is_undone = not part.created and not part.changes
        part.save()
    return not part.is_undone


def _count(row: Import, *, reasons: Reasons, removed: int = 0, restored: int = 0) -> None:
    """Write the numbers with what they are of, and which contacts stay as they are."""
    Import.objects.filter(pk=row.pk).update(
        undo_removed=F("undo_removed") + removed,
        undo_restored=F("undo_restored") + restored,
        undo_kept=F("undo_kept") + len(reasons),
    )
    if reasons:
        path = rejects_folder() / row.undo_path
        is_new = not path.exists()
        with path.open("a", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            if is_new:
                writer.writerow(["contact", "reason"])
            writer.writerows(sorted(reasons.items()))


def _created(part: ImportPart) -> Iterator[int]:
    for first, last in part.created:
        yield from range(first, last + 1)


def _remove(row: Import, contact_ids: Sequence[int]) -> tuple[int, Reasons]:
    """Delete those of these contacts that had nothing since; why the others stay."""
    locked = Contact.objects.select_for_update().filter(pk__in=contact_ids).order_by("pk")
    existing = list(locked.values_list("pk", flat=True))
    reasons = _reasons(row, existing)
    free = [key for key in existing if key not in reasons]
    if free:
        contacts_removed.send(Contact, contact_ids=free)
        Tagging.objects.filter(contact__in=free).delete()
        Address.objects.filter(contact__in=free, alias_of__isnull=False).delete()
        Address.objects.filter(contact__in=free).delete()
        Contact.objects.filter(pk__in=free).delete()
    return len(free), reasons


def _reasons(row: Import, contact_ids: Sequence[int]) -> Reasons:
    """Why contacts that an import created can't be removed any more."""
    reasons: Reasons = {}
    subjects = {f"contact {key}": key for key in contact_ids}
    edited = AuditEntry.objects.filter(subject__in=list(subjects), at__gte=row.started_at)
    for subject in edited.values_list("subject", flat=True):
        reasons[subjects[subject]] = EDITED
    for key in Merge.objects.filter(kept_id__in=contact_ids).values_list("kept_id", flat=True):
        reasons[key] = MERGED
    wrote = Address.objects.filter(contact__in=contact_ids, wrote_at__gt=row.started_at)
    reasons |= dict.fromkeys(wrote.values_list("contact_id", flat=True), WROTE)
    tagged = Tagging.objects.filter(contact__in=contact_ids, created_at__gt=row.finished_at)
    reasons |= dict.fromkeys(tagged.values_list("contact_id", flat=True), TAGGED)
    # Who opted out must stay so when the corrected file is imported.
    marked = AddressChange.objects.filter(address__contact__in=contact_ids)
    reasons |= dict.fromkeys(marked.values_list("address__contact_id", flat=True), MARKED)
    answers: list[tuple[Any, Any]] = contacts_used.send(
        Import, contact_ids=list(contact_ids), since=row.started_at
    )
    for _receiver, answer in answers:
        for reason, keys in answer.items():
            reasons |= dict.fromkeys(keys, reason)
    return reasons


def _restore(row: Import, changes: Sequence[Any]) -> tuple[int, Reasons]:
    """Give contacts back what they had, where nobody has changed it since."""
    by_contact = {change[0]: change for change in changes}
    contacts = Contact.objects.select_for_update().filter(pk__in=by_contact).order_by("pk")
    reasons: Reasons = {}
    values = []
    pairs = []
    for contact in contacts:
        _key, own, attributes, tags = by_contact[contact.pk]
        if not _restore_values(contact, own, attributes):
            reasons[contact.pk] = CHANGED
        text = json.dumps(contact.attributes, ensure_ascii=False)
        values.append((contact.pk, contact.name, contact.language, contact.time_zone, text))
        pairs += [(tag, contact.pk) for tag in tags]
    db.execute(
        "UPDATE contacts_contact AS c SET name = v.name, language = v.language, "
        f"time_zone = v.time_zone, attributes = {db.json_cast('v.attributes')} "
        f"FROM {db.json_table(_VALUES)} WHERE c.id = v.id",
        [db.json_param(values)],
    )
    reasons |= dict.fromkeys(_take_tags(pairs, row), CHANGED)
    return len(values) - len(reasons), reasons


def _take_tags(pairs: Sequence[tuple[int, int]], row: Import) -> set[int]:
    """Take tags from contacts, other than those that were assigned again since the import ended;
    return the contacts that keep one of these."""
    assert row.finished_at is not None
    taggings = (
        f"FROM {db.json_table([('tag', 'int'), ('contact', 'int')])} CROSS JOIN contacts_tagging t "
        "WHERE t.tag_id = v.tag AND t.contact_id = v.contact AND t.created_at"
    )
    params = [db.json_param(pairs), clock.to_us(row.finished_at)]
    later = db.fetch(f"SELECT t.contact_id {taggings} > %s", params)
    db.execute(f"DELETE FROM contacts_tagging WHERE id IN (SELECT t.id {taggings} <= %s)", params)
    return {contact for (contact,) in later}


def _restore_values(
    contact: Contact, own: Mapping[str, list[Any]], attributes: Mapping[str, list[Any]]
) -> bool:
    """Set back what is still as the import left it; return whether that was everything."""
    is_whole = True
    for name, (before, after) in own.items():
        if getattr(contact, name) == after:
            setattr(contact, name, before)
        else:
            is_whole = False
    for name, (before, after) in attributes.items():
        if contact.attributes.get(name) != after:
            is_whole = False
        elif before is None:
            contact.attributes.pop(name)
        else:
            contact.attributes[name] = before
    return is_whole
