"""What one address was sent, and what is held for it."""

from dataclasses import dataclass
from datetime import datetime

from clarion.contacts import identities
from clarion.kit import clock, db
from clarion.records.contents import with_contents
from clarion.records.messages import Recorded, messages_of


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
    text: str  # the message that the attempt ended with; empty: none
    was_sent: bool  # it was accepted by the provider


def sent_to(address_id: int, before: tuple[int, int] | None = None, limit: int = 50) -> list[Sent]:
    """What an address was sent, newest first; a person has few records, so all are looked at.

    Of a story the message that its newest attempt ended with: ``parts_sent_to`` has those before
    it. ``before``: the moment (microseconds) and record id that the page before ended with.
    """
    beyond = "AND (r.recorded_at, r.id) < (%s, %s)" if before else ""
    rows = db.fetch(
        "SELECT r.id, r.recorded_at, r.broadcast_id, coalesce(b.title, ''), coalesce(b.type, ''),"
        " coalesce(g.name, ''), coalesce(d.state,"
        " CASE r.status WHEN 'error' THEN 'failed' ELSE 'sent' END),"
        " coalesce(CASE WHEN d.state IN ('queued', 'sending') THEN w.text ELSE o.text END, ''),"
        " r.delivery_id, r.attempt, r.status = 'error', r.responses, r.recorded_at,"
        " r.shared_id, r.content"
        f" FROM (SELECT max(id) AS id FROM records_record WHERE address_id {db.in_list()}"
        "  GROUP BY delivery_id) AS n JOIN records_record AS r ON r.id = n.id"
        " LEFT JOIN records_delivery AS d ON d.id = r.delivery_id"
        " LEFT JOIN broadcasts_broadcast AS b ON b.id = r.broadcast_id"
        " LEFT JOIN accounts_agent AS g ON g.id = b.agent_id"
        " LEFT JOIN records_reason AS o ON o.id = d.reason_id"
        " LEFT JOIN records_reason AS w ON w.id = r.reason_id"
        # What a story ended with may be nothing: all it sent are its parts then.
        " WHERE NOT (r.status = 'completed' AND r.content = '' AND r.responses > 0)"
        f" {beyond} ORDER BY r.recorded_at DESC, r.id DESC LIMIT %s",
        [_same_as(address_id), *(before or ()), limit],
    )
    rows = with_contents(rows)
    messages = messages_of([Recorded(*row[8:]) for row in rows])
    return [
        Sent(row[0], clock.from_us(row[1]), *(*row[2:8], row[-1], not of_it.attempted))
        for row, of_it in zip(rows, messages, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class SentPart:
    """A message of a story that was sent to an address, and that another one was to follow."""

    id: int
    at: datetime
    broadcast_id: int
    title: str
    type: str  # of the broadcast; empty when it has been deleted
    agent: str
    state: str  # sent, or what a receipt of it says
    record_id: int  # of its attempt; 0: that has not ended
    text: str


def parts_sent_to(
    address_id: int, before: tuple[int, int] | None = None, limit: int = 50
) -> list[SentPart]:
    """The messages of stories that an address was sent, but for the last of each, newest first.

    ``before``: the moment (microseconds) and id that the page before ended with.
    """
    beyond = "AND (p.sent_at, p.id) < (%s, %s)" if before else ""
    rows = db.fetch(
        "SELECT p.id, p.sent_at, p.broadcast_id, coalesce(b.title, ''), coalesce(b.type, ''),"
        " coalesce(g.name, ''), coalesce((SELECT t.status FROM records_receipt AS t"
        "  WHERE t.channel_id = p.channel_id AND t.external_id = p.external_id ORDER BY"
        "  CASE t.status WHEN 'read' THEN 0 WHEN 'delivered' THEN 1 ELSE 2 END LIMIT 1), 'sent'),"
        " coalesce((SELECT max(r.id) FROM records_record AS r"
        "  WHERE r.address_id = p.address_id AND r.delivery_id = p.delivery_id"
        "  AND r.attempt = p.attempt), 0), p.shared_id, p.content"
        " FROM records_part AS p"
        " LEFT JOIN broadcasts_broadcast AS b ON b.id = p.broadcast_id"
        " LEFT JOIN accounts_agent AS g ON g.id = b.agent_id"
        f" WHERE p.address_id {db.in_list()} {beyond} ORDER BY p.sent_at DESC, p.id DESC LIMIT %s",
        [_same_as(address_id), *(before or ()), limit],
    )
    return [SentPart(row[0], clock.from_us(row[1]), *row[2:]) for row in with_contents(rows)]


def _same_as(address_id: int) -> str:
    """The parameter of the address and those that were merged into it."""
    return db.json_param([number] for number in identities.same_as([address_id]))


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
        "WHERE d.address_id = %s AND d.stage = 'held' ORDER BY d.moved_at, d.id",
        [address_id],
    )
    return [Held(clock.from_us(row[0]), *row[1:]) for row in rows]
