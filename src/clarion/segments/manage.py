"""Defining segments: their names and conditions."""

from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.kit.names import NAMED, no_such, some
from clarion.kit.text import clean, one_line
from clarion.segments import signals
from clarion.segments.conditions import Condition
from clarion.segments.members import conditions_of
from clarion.segments.models import Segment

LONGEST_NAME = 100  # characters
MOST_CONDITIONS = 20


class SegmentError(ValueError):
    """A segment can't be defined, changed or deleted like this; says what to do."""


def define(
    *, name: str, conditions: Sequence[Condition], match: str = Segment.Match.ALL, by: Agent | str
) -> Segment:
    """Save a segment. Raises SegmentError."""
    segment = Segment()
    _fill(segment, name, conditions, match)
    with transaction.atomic():
        _save(segment)
        audit.note("segment.add", _subject(segment), by, name=segment.name, **_facts(segment))
    return segment


def update(
    segment: Segment,
    *,
    name: str | None = None,
    conditions: Sequence[Condition] | None = None,
    match: str | None = None,
    by: Agent | str,
) -> Segment:
    """Change what is given. Raises SegmentError.

    Who is in it by the new conditions does not count as having joined.
    """
    before = (segment.match, segment.conditions)
    _fill(
        segment,
        segment.name if name is None else name,
        conditions_of(segment) if conditions is None else conditions,
        segment.match if match is None else match,
    )
    if before != (segment.match, segment.conditions):
        segment.is_known, segment.cursor, segment.next_look_at = False, 0, None
    with transaction.atomic():
        _save(segment)
        audit.note("segment.update", _subject(segment), by, name=segment.name, **_facts(segment))
    return segment


def delete(segment: Segment, *, by: Agent | str) -> None:
    """Delete a segment; its contacts stay. Raises SegmentError while a broadcast needs it."""
    with transaction.atomic():
        locked = Segment.objects.select_for_update().filter(pk=segment.pk).first()
        if locked is None:
            raise SegmentError("This segment has been deleted already.")
        if needing := needed_by(locked):
            raise SegmentError(
                f"“{locked.name}” is used by {some(needing)}. "
                "Let them finish, stop them, or edit them first."
            )
        subject, name = _subject(locked), locked.name
        locked.delete()
        audit.note("segment.delete", subject, by, name=name)


def needed_by(segment: Segment) -> list[str]:
    """What uses this segment and is not over yet, in words such as “broadcast 12”."""
    return [
        name for _, names in signals.needed.send(Segment, segment=segment) for name in names or ()
    ]


def find(name: str) -> Segment:
    """The segment of that name. Raises SegmentError that names the known ones."""
    segment = Segment.objects.filter(name=one_line(name)).first()
    if segment is not None:
        return segment
    names = Segment.objects.order_by("name").values_list("name", flat=True)
    raise SegmentError(no_such("segment", name, names[: NAMED + 1]))


def segment_name(key: int) -> str:
    """The name of a segment; what to call one that has been deleted."""
    name = Segment.objects.filter(pk=key).values_list("name", flat=True).first()
    return name or _("a deleted segment")


def _fill(segment: Segment, name: str, conditions: Sequence[Condition], match: str) -> None:
    name = one_line(name)
    if not name or clean(name, LONGEST_NAME) != name:
        raise SegmentError(f"Give the segment a name of 1 to {LONGEST_NAME} characters.")
    if not 0 < len(conditions) <= MOST_CONDITIONS:
        raise SegmentError(f"Give the segment 1 to {MOST_CONDITIONS} conditions.")
    if match not in Segment.Match.values:
        raise SegmentError("Choose whether all conditions must hold or any of them.")
    segment.name, segment.match = name, match
    segment.conditions = [condition.dump() for condition in conditions]


def _save(segment: Segment) -> None:
    try:
        with transaction.atomic():
            segment.save()
    except IntegrityError:
        raise SegmentError(
            f"There is already a segment called “{segment.name}”. Choose another name."
        ) from None


def _facts(segment: Segment) -> dict[str, object]:
    return {
        "match": segment.match,
        "conditions": [condition.short() for condition in conditions_of(segment)],
    }


def _subject(segment: Segment) -> str:
    return f"segment {segment.pk}"
