"""The clicks and the opened e-mails in a contact's timeline."""

from django.utils.translation import gettext as _

from clarion.clicks.rows import ClickRow, read
from clarion.insights.timeline_sources import ContactIds, Line, Start
from clarion.kit import clock, db


def clicks(ids: ContactIds, start: Start) -> list[Line]:
    """They clicked a link of a message or opened an e-mail, or a program did."""
    beyond, params = start.sql("r.recorded_at", "r.id")
    rows = read(f"r.address_id {db.in_list()} AND {beyond}", [ids.packed, *params])
    return [
        Line(
            (clock.to_us(row.recorded_at), 0, row.id),
            "click",
            _what(row),
            row.target,
            tone="good" if row.clicked_by == "person" else "calm",
            channel=row.channel,
            broadcast=row.broadcast_id,
            broadcast_title=row.broadcast,
        )
        for row in rows
    ]


def _what(row: ClickRow) -> str:
    is_person = row.clicked_by == "person"
    if row.event == "open":
        return _("E-mail opened") if is_person else _("E-mail loaded by a program")
    return _("Link clicked") if is_person else _("Link opened by a scanner")
