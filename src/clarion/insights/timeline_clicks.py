"""The clicks in a contact's timeline."""

from django.utils.translation import gettext as _

from clarion.clicks.rows import read
from clarion.insights.timeline_sources import ContactIds, Line, Start
from clarion.kit import clock, db


def clicks(ids: ContactIds, start: Start) -> list[Line]:
    """They clicked a link of a message, or a scanner opened it."""
    beyond, params = start.sql("r.recorded_at", "r.id")
    rows = read(f"r.address_id {db.in_list()} AND {beyond}", [ids.packed, *params])
    return [
        Line(
            (clock.to_us(row.recorded_at), 0, row.id),
            "click",
            _("Link clicked") if row.clicked_by == "person" else _("Link opened by a scanner"),
            row.target,
            tone="good" if row.clicked_by == "person" else "calm",
            channel=row.channel,
            broadcast=row.broadcast_id,
            broadcast_title=row.broadcast,
        )
        for row in rows
    ]
