"""What one contact was sent, and why or why not (N1)."""

from dataclasses import dataclass
from datetime import datetime

from clarion.contacts import identities
from clarion.kit import clock, db

LOOKED_AT = 500  # broadcasts, newest first


@dataclass(frozen=True, slots=True)
class Place:
    """This person's place in one broadcast."""

    moved_at: datetime
    broadcast_id: int
    number: int | None  # its №
    title: str
    channel: str
    state: str
    reason: str
    attempts: int
    record_id: int | None  # the newest attempt


def history(contact_id: int, limit: int = 50) -> list[Place]:
    """Where this person stands in the newest broadcasts that they are part of.

    Of the last 500 broadcasts; each is a look-up in the index of deliveries. What was sent to this
    person alone (singles) stands in their chats.
    """
    rows = db.fetch(
        "SELECT d.moved_at, b.id, b.number, b.title, h.name, d.state, coalesce(o.text, ''),"
        " d.attempts,"
        " (SELECT max(r.id) FROM records_record AS r"
        "  WHERE r.address_id = d.address_id AND r.delivery_id = d.id)"
        " FROM (SELECT id, number, title FROM broadcasts_broadcast WHERE type <> 'single'"
        "  ORDER BY id DESC LIMIT %s) AS b"
        " CROSS JOIN contacts_address AS a"
        " JOIN records_delivery AS d ON d.broadcast_id = b.id AND d.address_id = a.id"
        " JOIN channels_channel AS h ON h.id = d.channel_id"
        " LEFT JOIN records_reason AS o ON o.id = d.reason_id"
        " WHERE a.contact_id = %s ORDER BY b.id DESC, d.id DESC LIMIT %s",
        [LOOKED_AT, contact_id, limit],
    )
    return [Place(clock.from_us(row[0]), *row[1:]) for row in rows]


@dataclass(frozen=True, slots=True)
class Sent:
    """One thing that was sent to an address, or was meant to be; as its last attempt left it."""

    record_id: int
    at: datetime  # of that attempt
    broadcast_id: int
    title: str
    type: str  # of the broadcast; empty when it has been deleted
    agent: str
    state: str  # where the delivery stands
    reason: str  # why it failed, is in doubt, or has to be tried again
    content: str  # what exactly was sent
    responses: int


def sent_to(address_id: int, before: tuple[int, int] | None = None, limit: int = 50) -> list[Sent]:
    """What an address was sent, newest first; a person has few records, so all are looked at.

    ``before``: the moment (microseconds) and record id that the page before ended with.
    """
    beyond = "WHERE (r.recorded_at, r.id) < (%s, %s)" if before else ""
    rows = db.fetch(
        "SELECT r.id, r.recorded_at, r.broadcast_id, coalesce(b.title, ''), coalesce(b.type, ''),"
        " coalesce(g.name, ''), coalesce(d.state,"
        " CASE r.status WHEN 'error' THEN 'failed' ELSE 'sent' END),"
        " coalesce(CASE WHEN d.state IN ('queued', 'sending') THEN w.text ELSE o.text END, ''),"
        " r.content, r.responses"
        f" FROM (SELECT max(id) AS id FROM records_record WHERE address_id {db.in_list()}"
        "  GROUP BY delivery_id) AS n JOIN records_record AS r ON r.id = n.id"
        " LEFT JOIN records_delivery AS d ON d.id = r.delivery_id"
        " LEFT JOIN broadcasts_broadcast AS b ON b.id = r.broadcast_id"
        " LEFT JOIN accounts_agent AS g ON g.id = b.agent_id"
        " LEFT JOIN records_reason AS o ON o.id = d.reason_id"
        " LEFT JOIN records_reason AS w ON w.id = r.reason_id"
        f" {beyond} ORDER BY r.recorded_at DESC, r.id DESC LIMIT %s",
        [
            db.json_param([number] for number in identities.same_as([address_id])),
            *(before or ()),
            limit,
        ],
    )
    return [Sent(row[0], clock.from_us(row[1]), *row[2:]) for row in rows]


@dataclass(frozen=True, slots=True)
class Held:
    """One delivery that waits for a chat to be closed."""

    since: datetime
    broadcast_id: int
    number: int | None  # its №
    title: str
    text: str


def held_for(address_id: int) -> list[Held]:
    """What is held for an address, oldest first."""
    rows = db.fetch(
        "SELECT d.moved_at, d.broadcast_id, b.number, coalesce(b.title, ''), coalesce(b.text, '') "
        "FROM records_delivery AS d LEFT JOIN broadcasts_broadcast AS b ON b.id = d.broadcast_id "
        "WHERE d.address_id = %s AND d.state = 'held' ORDER BY d.moved_at, d.id",
        [address_id],
    )
    return [Held(clock.from_us(row[0]), *row[1:]) for row in rows]
