"""The proof of consents as a file: every change, with the text that was shown."""

from collections.abc import Iterator
from typing import Any, Final

from clarion.consents.models import Change, Consent
from clarion.contacts.models import Contact
from clarion.kit import db, sheets

COLUMNS: Final = (
    "at", "consent", "contact", "name", "change", "how", "by", "version", "text", "detail", "ip",
    "user_agent",
)  # fmt: skip
AT_ONCE = 2_000  # rows that are read together


def export_csv(
    zone: str, *, consent: Consent | None = None, contact: Contact | None = None
) -> Iterator[bytes]:
    """All changes, or those of a consent or a contact, as a CSV file in parts, oldest first.

    ``change`` is given or withdrawn; ``text`` is what the contact was shown. Raises ValueError for
    an unknown time zone.
    """
    write = sheets.moments(zone)
    return sheets.stream(COLUMNS, (_line(row, write) for row in _rows(consent, contact)))


def _line(row: tuple[Any, ...], write: Any) -> str:
    _, at, consent, contact, name, was_given, how, agent, version, text, detail, ip, user_agent = (
        row
    )
    return ",".join(
        (
            write(at),
            sheets.cell(consent),
            str(contact),
            sheets.cell(name),
            "given" if was_given else "withdrawn",
            how,
            sheets.cell(agent),
            str(version or ""),
            sheets.cells((text, detail, ip, user_agent)),
        )
    )


def _rows(consent: Consent | None, contact: Contact | None) -> Iterator[tuple[Any, ...]]:
    where, params = ["k.id > %s"], [0]
    for column, chosen in (("k.consent_id", consent), ("k.contact_id", contact)):
        if chosen is not None:
            where.append(f"{column} = %s")
            params.append(chosen.pk)
    while rows := db.fetch(
        "SELECT k.id, k.at, n.name, k.contact_id, c.name, k.given, k.how, g.name, t.number, "
        "t.text, k.detail, k.ip, k.user_agent FROM consents_change k "
        "JOIN consents_consent n ON n.id = k.consent_id "
        "JOIN contacts_contact c ON c.id = k.contact_id "
        "LEFT JOIN consents_textversion t ON t.id = k.version_id "
        "LEFT JOIN accounts_agent g ON g.id = k.agent_id "
        f"WHERE {' AND '.join(where)} ORDER BY k.id LIMIT {AT_ONCE}",
        params,
    ):
        yield from rows
        params[0] = rows[-1][0]


def document(change: Change) -> dict[str, Any]:
    """One change as plain values."""
    return {
        "at": change.at,
        "consent": change.consent.name,
        "given": change.given,
        "how": change.how,
        "by": change.agent.name if change.agent else "",
        "version": change.version.number if change.version else None,
        "text": change.version.text if change.version else "",
        "detail": change.detail,
        "ip": change.ip,
        "user_agent": change.user_agent,
    }
