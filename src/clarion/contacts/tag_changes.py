"""Renaming, merging and deleting tags. What uses a tag by its name follows, or prevents it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.contacts.models import Import, Tag
from clarion.contacts.signals import TagUse, tag_replaced, tags_in_use
from clarion.contacts.tags import TagError, check_names
from clarion.kit import db

CHUNK: Final = 2_000  # taggings of one transaction
NAMED: Final = 10  # of what uses a tag, in a sentence


def uses() -> Mapping[str, list[TagUse]]:
    """What uses each tag and is not over, by the tag's name."""
    by_name: dict[str, list[TagUse]] = {}
    answers: list[tuple[Any, Any]] = tags_in_use.send(Tag)
    for _receiver, answer in answers:
        for name, using in answer.items():
            by_name.setdefault(name, []).extend(using)
    return {name: sorted(using) for name, using in by_name.items()}


def rename(tag: Tag, name: str, *, by: Agent | str) -> Tag:
    """Give a tag another name; contacts, broadcasts and segments that have it keep it.

    Raises TagError, also where there is a tag of that name already: these can be merged.
    """
    [wanted] = check_names([name])
    with transaction.atomic():
        locked = _locked(tag)
        before = locked.name
        if wanted == before:
            return locked
        locked.name = wanted
        try:
            with transaction.atomic():
                locked.save(update_fields=["name"])
        except IntegrityError:
            raise TagError(
                _("There is already a tag called “%s”. Merge this one into it instead.") % wanted
            ) from None
        _replace(before, wanted, is_merge=False)
        audit.note("tag.rename", f"tag {locked.pk}", by, before=before, name=wanted)
    return locked


def merge(tag: Tag, into: Tag, *, by: Agent | str) -> int:
    """Give everybody with a tag the other one, then delete it; return how many have that newly.

    Broadcasts and segments that use it use the other one. Triggers do not fire: nobody has got a
    tag. It may be repeated after a crash. Raises TagError.
    """
    if tag.pk == into.pk:
        raise TagError(_("Choose another tag to merge into."))
    new = 0
    chosen = db.in_subquery("SELECT id FROM contacts_tagging WHERE tag_id = %s LIMIT %s")
    while True:
        with db.write():
            rows = db.fetch(
                f"DELETE FROM contacts_tagging WHERE id {chosen} RETURNING contact_id, created_at",
                [tag.pk, CHUNK],
            )
            new += _tag_instead(rows, into)
        if len(rows) < CHUNK:
            break
    with transaction.atomic():
        merged, kept = _locked(tag), _locked(into)
        _replace(merged.name, kept.name, is_merge=True)
        new += _tag_instead(_taken(merged), kept)  # what an import wrote until it knew
        merged.delete()
        audit.note("tag.merge", f"tag {kept.pk}", by, name=merged.name, into=kept.name, new=new)
    return new


def _taken(tag: Tag) -> list[tuple[int, int]]:
    return db.fetch(
        "DELETE FROM contacts_tagging WHERE tag_id = %s RETURNING contact_id, created_at", [tag.pk]
    )


def merge_some(tag: Tag, into: Tag, contact_ids: Sequence[int]) -> int:
    """Move the taggings of some contacts only, in the caller's transaction; ``merge`` ends it.

    Returns how many have the other tag newly.
    """
    rows = db.fetch(
        f"DELETE FROM contacts_tagging WHERE tag_id = %s AND contact_id {db.in_list()} "
        "RETURNING contact_id, created_at",
        [tag.pk, db.json_param([key] for key in contact_ids)],
    )
    return _tag_instead(rows, into)


def _tag_instead(rows: Sequence[tuple[int, int]], into: Tag) -> int:
    """Give contacts a tag at the moment at which they got the other one; return for how many."""
    table = db.json_table([("contact_id", "int"), ("created_at", "int")])
    return db.execute(
        "INSERT INTO contacts_tagging (tag_id, contact_id, created_at) "
        f"SELECT %s, v.contact_id, v.created_at FROM {table} WHERE true ON CONFLICT DO NOTHING",
        [into.pk, db.json_param(sorted(rows))],
    )


def delete(tag: Tag, *, by: Agent | str) -> int:
    """Delete a tag; return how many contacts had it. Raises TagError while something uses it."""
    delete_alone(tag, by=by)
    removed = 0
    chosen = db.in_subquery("SELECT id FROM contacts_tagging WHERE tag_id = %s LIMIT %s")
    while some := db.execute(
        f"DELETE FROM contacts_tagging WHERE id {chosen}", [tag.pk, CHUNK]
    ):  # nobody has a tag that is gone, so this may stop half way
        removed += some
    return removed


def delete_alone(tag: Tag, *, by: Agent | str) -> None:
    """Delete a tag and leave its taggings, which nobody sees any more, to the caller. As above."""
    with transaction.atomic():
        locked = _locked(tag)
        if using := uses().get(locked.name):
            more = " …" if len(using) > NAMED else ""
            raise TagError(
                _("“%(tag)s” is used by %(names)s. Let them finish, stop them, or edit them first.")
                % {
                    "tag": locked.name,
                    "names": ", ".join(use.words for use in using[:NAMED]) + more,
                }
            )
        db.execute("DELETE FROM contacts_tag WHERE id = %s", [locked.pk])
        audit.note("tag.delete", f"tag {tag.pk}", by, name=locked.name)


def _locked(tag: Tag) -> Tag:
    locked = Tag.objects.select_for_update().filter(pk=tag.pk).first()
    if locked is None:
        raise TagError(_("This tag has been deleted already."))
    return locked


def _replace(before: str, after: str, *, is_merge: bool) -> None:
    """Have everything that names a tag name another one; also imports that are still to be done."""
    for row in Import.objects.select_for_update().filter(state__in=Import.OPEN).order_by("pk"):
        if before in row.tags:
            names = [after if name == before else name for name in row.tags]
            Import.objects.filter(pk=row.pk).update(tags=sorted(set(names)))
    tag_replaced.send(Tag, before=before, after=after, is_merge=is_merge)
