"""Hard bounces and spam complaints in the timeline of a contact."""

from clarion.contacts.models import AddressReport
from clarion.insights.timeline_sources import ContactIds, Line, Start, key_of, rows_of


def reports(ids: ContactIds, start: Start) -> list[Line]:
    """A provider reported a hard bounce or a spam complaint."""
    rows = rows_of(
        "t.id, t.cause, t.detail, h.name",
        "contacts_address a JOIN contacts_addressreport t "
        "ON t.channel_id = a.channel_id AND t.value = a.value "
        "JOIN channels_channel h ON h.id = a.channel_id",
        "a.contact_id = %s", [ids.contact], "t.at", start,
    )  # fmt: skip
    return [
        Line(
            key_of(row),
            "state",
            str(AddressReport.Cause(row[2]).label),
            row[3],
            tone="bad",
            channel=row[4],
        )
        for row in rows
    ]
