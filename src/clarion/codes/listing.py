"""All codes of a pool, as a CSV file for spreadsheets."""

from collections.abc import Iterator

from clarion.codes.models import CodePool
from clarion.kit import db, sheets

TITLES = ("code", "contact", "contact_name", "issued_at", "redeemed")


def as_csv(pool: CodePool, zone: str) -> Iterator[bytes]:
    """The file, piece by piece; moments are written in this time zone."""
    rows = db.stream(
        "SELECT c.code, c.contact_id, p.name, c.issued_at, c.redeemed FROM codes_code c "
        "LEFT JOIN contacts_contact p ON p.id = c.contact_id AND c.issued_at IS NOT NULL "
        "WHERE c.pool_id = %s ORDER BY c.id",
        [pool.pk],
    )
    moment = sheets.moments(zone)
    lines = (
        f"{sheets.cell(code)},{contact or ''},{sheets.cell(name)},{moment(at)},{redeemed}"
        if at is not None
        else f"{sheets.cell(code)},,,,{redeemed}"
        for code, contact, name, at, redeemed in rows
    )
    return sheets.stream(TITLES, lines)
