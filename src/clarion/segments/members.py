"""Who is in a segment: counted, named, and as SQL for an audience."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clarion.kit import db
from clarion.kit.sampling import EXACT, rounded, spans
from clarion.segments.conditions import Condition, Sql, all_sql
from clarion.segments.models import Segment

NAMES = 5


@dataclass(frozen=True, slots=True)
class Count:
    """How many contacts are in a segment."""

    contacts: int
    about: bool = False  # counted from a sample, rounded to three digits


def conditions_of(segment: Segment) -> list[Condition]:
    """The conditions of a segment."""
    return [Condition.stored(raw) for raw in segment.conditions]


def in_any(segment_ids: Sequence[int], contact: str, end: str) -> Sql:
    """SQL for “the contact whose id this is, is in one of these segments”; parameters with it.

    ``end`` stands at the end of each EXISTS, see ``db.planner_fence``. One that is gone has nobody.
    """
    segments = Segment.objects.filter(pk__in=segment_ids).order_by("pk")
    parts = [_holds(segment, end) for segment in segments]
    if not parts:
        return "1 = 0", []
    joined = " OR ".join(sql for sql, _ in parts)
    return (
        f"EXISTS (SELECT 1 FROM contacts_contact c WHERE c.id = {contact} AND ({joined}){end})",
        [value for _, params in parts for value in params],
    )


def count(segment: Segment, *, quick: bool = False) -> Count:
    """How many contacts are in a segment, which may be unsaved.

    Exactly; of a million contacts that may take some seconds. ``quick`` takes a fraction of one: of
    very many contacts it looks at a sample.
    """
    if quick:
        size, first, last = db.fetch(
            "SELECT count(*), COALESCE(min(id), 0), COALESCE(max(id), 0) FROM contacts_contact"
        )[0]
        if size > EXACT:
            return _estimate(segment, size, first, last)
    sql, params = _holds(segment, "")
    rows = db.fetch(f"SELECT count(*) FROM contacts_contact c WHERE {sql}", params)
    return Count(rows[0][0])


def sample(segment: Segment) -> list[str]:
    """Some names of contacts in a segment, the newest."""
    sql, params = _holds(segment, db.planner_fence())
    rows = db.fetch(
        f"SELECT c.name FROM contacts_contact c WHERE c.name <> '' AND {sql} "
        f"ORDER BY c.id DESC LIMIT {NAMES}",
        params,
    )
    return [row[0] for row in rows]


def names_of_contact(segment_ids: Sequence[int], contact_id: int) -> list[str]:
    """The names of those of these segments that a contact is in."""
    names = []
    for segment in Segment.objects.filter(pk__in=segment_ids).order_by("name"):
        sql, params = _holds(segment, "")
        where = f"c.id = %s AND {sql}"
        if db.fetch(f"SELECT 1 FROM contacts_contact c WHERE {where}", [contact_id, *params]):
            names.append(segment.name)
    return names


def _estimate(segment: Segment, size: int, first: int, last: int) -> Count:
    of_span = "SELECT id FROM contacts_contact WHERE id BETWEEN %s AND %s"
    parts = spans(first, last, size)
    ids = db.fetch(
        " UNION ALL ".join([of_span] * len(parts)), [key for part in parts for key in part]
    )
    sql, params = _holds(segment, db.planner_fence())
    people = db.lateral_join("contacts_contact", "c", "c.id = v.id")
    rows = db.fetch(
        f"SELECT count(*) FROM {db.json_table([('id', 'int')])} {people} WHERE {sql}",
        [db.json_param(ids), *params],
    )
    return Count(rounded(rows[0][0] * size / len(ids)) if ids else 0, about=True)


def _holds(segment: Segment, end: str) -> tuple[str, list[Any]]:
    any_will_do = segment.match == Segment.Match.ANY
    return all_sql(conditions_of(segment), any_will_do=any_will_do, end=end)
