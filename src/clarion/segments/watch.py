"""Watching a segment: who was not in it and is now has joined it.

A worker goes through all contacts again and again, some thousand at a time, and compares who is in
the segment with its memberships. The first time through only writes these: who is in the segment
already has not joined it. A chunk, its memberships and what follows from them are one transaction.
"""

from collections.abc import Collection
from datetime import timedelta

from clarion.kit import clock, db
from clarion.segments import signals
from clarion.segments.conditions import all_sql
from clarion.segments.members import conditions_of
from clarion.segments.models import Segment

CHUNK = 5_000  # contacts of one transaction
PAUSE = timedelta(seconds=60)  # from the beginning of one time through to that of the next


def watch_only(segment_ids: Collection[int]) -> None:
    """Watch these segments and no others. Who is in a new one now does not join it later."""
    watched = set(Segment.objects.filter(is_watched=True).values_list("pk", flat=True))
    wanted = set(segment_ids)
    if ended := watched - wanted:  # nothing is written each second for nothing
        with db.write():
            Segment.objects.filter(pk__in=ended).update(is_watched=False)
            db.execute(
                f"DELETE FROM segments_membership WHERE segment_id {db.in_list()}",
                [db.json_param([key] for key in sorted(ended))],
            )
    if added := wanted - watched:
        Segment.objects.filter(pk__in=added, is_watched=False).update(
            is_watched=True, is_known=False, cursor=0, next_look_at=None
        )


def begin_anew() -> None:
    """Whoever is in a watched segment when all contacts are next looked at does not join it.

    For a database that was restored: some have joined by the passing of time since the backup, and
    what followed from that has happened already.
    """
    Segment.objects.filter(is_watched=True).update(is_known=False, cursor=0, next_look_at=None)


def advance(segment_id: int, size: int = CHUNK) -> bool:
    """Look at the next contacts of a watched segment; False when that has time.

    Signals ``joined``.
    """
    with db.write():
        watched = Segment.objects.filter(pk=segment_id, is_watched=True)
        segment = db.select_unlocked(watched).first()
        now = clock.from_us(db.now_us())
        if segment is None or (segment.next_look_at and segment.next_look_at > now):
            return False
        if segment.cursor == 0:
            segment.next_look_at = None
        last = db.fetch(
            "SELECT max(id) FROM (SELECT id FROM contacts_contact WHERE id > %s "
            "ORDER BY id LIMIT %s) q",
            [segment.cursor, size],
        )[0][0]
        if last is None:
            segment.cursor, segment.is_known = 0, True
            segment.next_look_at = now + PAUSE
        else:
            joined = _compare(segment, segment.cursor + 1, last)
            segment.cursor = last
            if joined and segment.is_known:
                signals.joined.send(Segment, segment_id=segment.pk, contact_ids=joined)
        segment.save(update_fields=["cursor", "is_known", "next_look_at"])
    return True


def _compare(segment: Segment, first: int, last: int) -> list[int]:
    """Bring the memberships of a span of contacts up to date; returns who is new."""
    holds, params = all_sql(
        conditions_of(segment),
        any_will_do=segment.match == Segment.Match.ANY,
        end=db.planner_fence(),
    )
    members = (
        "SELECT 1 FROM segments_membership m "
        f"WHERE m.segment_id = %s AND m.contact_id = c.id{db.planner_fence()}"
    )
    joined = db.fetch(
        "INSERT INTO segments_membership (segment_id, contact_id) "
        "SELECT %s, c.id FROM contacts_contact c WHERE c.id BETWEEN %s AND %s "
        f"AND NOT EXISTS ({members}) AND {holds} "
        "ON CONFLICT (segment_id, contact_id) DO NOTHING RETURNING contact_id",
        [segment.pk, first, last, segment.pk, *params],
    )
    db.execute(
        "DELETE FROM segments_membership WHERE segment_id = %s AND contact_id BETWEEN %s AND %s "
        "AND NOT EXISTS (SELECT 1 FROM contacts_contact c "
        f"WHERE c.id = segments_membership.contact_id AND {holds}{db.planner_fence()})",
        [segment.pk, first, last, *params],
    )
    return [row[0] for row in joined]
