"""Chats as agents see them: what both sides said, and what broadcasts sent between (G3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.broadcasts import events, singles
from clarion.broadcasts.contact_history import parts_sent_to, sent_to
from clarion.broadcasts.models import Broadcast
from clarion.chats.control import ChatError, find
from clarion.chats.listing import ChatFilter, ChatRow, chat_list
from clarion.chats.models import Message
from clarion.clicks.rows import clicked_by
from clarion.contacts.models import Address
from clarion.content.errors import ContentError
from clarion.content.rendering import preview
from clarion.kit import clock, db
from clarion.kit.paging import Cursor, Key, Page
from clarion.records.deliveries import hold
from clarion.records.held import held_counts


@dataclass(frozen=True, slots=True)
class Listed:
    """One chat in the list, with what was said last and how many deliveries are held for it."""

    chat: ChatRow
    text: str  # what was said last
    ours: bool  # whether we said it
    held: int


@dataclass(frozen=True, slots=True)
class Said:
    """One thing in a chat, whoever said it.

    ``kind``: them (they wrote), note (what happened to the chat), reply (an agent), single
    (another one sent to them alone: a test, a story behind a button), broadcast, or click (they
    opened a tracked link, which is the text).
    """

    key: Key  # moment in microseconds, source, id: what a chat is sorted by
    kind: str
    at: datetime
    text: str
    agent: str = ""
    media: str = ""  # what they sent where it was no text, such as “photo”
    broadcast_id: int = 0
    title: str = ""
    state: str = ""  # where the delivery stands; empty for what they wrote and for notes
    reason: str = ""
    record_id: int = 0  # 0: no attempt has ended yet
    was_sent: bool = True  # False: the message that could not be sent, or may not have been
    # Of a message of a story that another one followed: its id.
    part_id: int = 0

    @property
    def ident(self) -> str:
        """A name that stays the same while a reply goes from queued to read."""
        if self.kind == "click":
            return f"c{self.key[2]}"
        if self.part_id:
            return f"p{self.part_id}"
        return f"b{self.broadcast_id}" if self.broadcast_id else f"m{self.key[2]}"


def conversations(wanted: ChatFilter, cursor: str | None = None, limit: int = 50) -> Page[Listed]:
    """The list of chats. Raises CursorError for a cursor that is not ours."""
    page = chat_list(wanted, cursor, limit)
    numbers = [row.number for row in page.rows]
    held = held_counts(numbers)
    singles_sent = singles.latest(numbers)
    rows = [
        _listed(row, singles_sent.get(row.number), held.get(row.number, 0)) for row in page.rows
    ]
    return Page(rows, page.next_cursor, page.previous_cursor)


def _listed(chat: ChatRow, single: Broadcast | None, held: int) -> Listed:
    if single is not None and (chat.wrote_at is None or single.created_at > chat.wrote_at):
        return Listed(chat, _shown(single), True, held)
    return Listed(chat, chat.text or chat.media, False, held)


def _shown(single: Broadcast) -> str:
    """A single in the words of its source; a story or template by its name."""
    if single.data_type == Broadcast.DataType.STORY:
        return single.story.name if single.story else single.title
    if single.data_type == Broadcast.DataType.TEMPLATE:
        return str(single.template.get("name", ""))
    return singles.plain(single.text)


def thread(address_id: int, before: str | None = None, limit: int = 50) -> Page[Said]:
    """What was said in a chat, newest first: messages, notes, and everything sent to them here.

    ``before`` is a cursor that another page gave. Raises ChatError for an unknown number and
    CursorError for a cursor that is not ours.
    """
    address_id = find(address_id).pk
    key = Cursor.parse(before, values=3).key if before else None
    lines = [
        *_messages(address_id, _before(key, _MESSAGE), limit + 1),
        *_parts(address_id, _before(key, _PART), limit + 1),
        *_sent(address_id, _before(key, _RECORD), limit + 1),
        *_waiting(address_id, _before(key, _SINGLE), limit + 1),
        *_clicks(address_id, _before(key, _CLICK), limit + 1),
    ]
    lines.sort(key=lambda line: line.key, reverse=True)
    return Page(lines[:limit], str(Cursor(lines[limit - 1].key)) if len(lines) > limit else None)


_MESSAGE, _PART, _RECORD, _SINGLE, _CLICK = range(
    5
)  # sources, in the order of what happens at one moment


def _before(key: Key | None, source: int) -> tuple[int, int] | None:
    """The moment and id before which this source goes on after a page that ended with ``key``."""
    if key is None:
        return None
    at, ended_in, last = key
    if source == ended_in:
        return at, last
    return (at, 0) if source > ended_in else (at + 1, 0)


def _messages(address_id: int, before: tuple[int, int] | None, limit: int) -> list[Said]:
    written = Message.objects.filter(chat=address_id).select_related("agent")
    if before:
        at, number = clock.from_us(before[0]), before[1]
        written = written.filter(Q(at__lt=at) | Q(at=at, pk__lt=number))
    return [
        Said(
            key=(clock.to_us(message.at), _MESSAGE, message.pk),
            kind="them" if message.inbound else "note",
            at=message.at,
            text=message.text,
            agent=message.agent.name if message.agent else "",
            media=str(message.payload.get("media", "")),
        )
        for message in written.order_by("-at", "-pk")[:limit]
    ]


def _sent(address_id: int, before: tuple[int, int] | None, limit: int) -> list[Said]:
    return [
        Said(
            key=(clock.to_us(sent.at), _RECORD, sent.record_id),
            kind=_kind(sent.type, sent.agent),
            at=sent.at,
            text=sent.text,
            was_sent=sent.was_sent,
            agent=sent.agent,
            broadcast_id=sent.broadcast_id,
            title=sent.title,
            state=sent.state,
            reason=sent.reason,
            record_id=sent.record_id,
        )
        for sent in sent_to(address_id, before, limit)
    ]


def _parts(address_id: int, before: tuple[int, int] | None, limit: int) -> list[Said]:
    return [
        Said(
            key=(clock.to_us(part.at), _PART, part.id),
            kind=_kind(part.type, part.agent),
            at=part.at,
            text=part.text,
            agent=part.agent,
            broadcast_id=part.broadcast_id,
            title=part.title,
            state=part.state,
            record_id=part.record_id,
            part_id=part.id,
        )
        for part in parts_sent_to(address_id, before, limit)
    ]


def _kind(type_: str, agent: str) -> str:
    if type_ != Broadcast.Type.SINGLE:
        return "broadcast"
    return "reply" if agent else "single"


def _waiting(address_id: int, before: tuple[int, int] | None, limit: int) -> list[Said]:
    """Singles of which nothing has been tried: they wait, or were skipped."""
    beyond = "AND (b.created_at, b.id) < (%s, %s)" if before else ""
    rows = db.fetch(
        "SELECT b.id, d.state, coalesce(o.text, '') FROM broadcasts_pick AS p "
        "JOIN broadcasts_broadcast AS b ON b.id = p.broadcast_id AND b.type = 'single' "
        "JOIN records_delivery AS d ON d.broadcast_id = b.id AND d.address_id = p.address_id "
        "LEFT JOIN records_reason AS o ON o.id = d.reason_id "
        "WHERE p.address_id = %s AND d.id NOT IN "
        "(SELECT r.delivery_id FROM records_record AS r WHERE r.address_id = %s) "
        f"{beyond} ORDER BY b.created_at DESC, b.id DESC LIMIT %s",
        [address_id, address_id, *(before or ()), limit],
    )
    broadcasts = Broadcast.objects.select_related("agent", "story").in_bulk(
        [row[0] for row in rows]
    )
    address = Address.objects.select_related("contact").get(pk=address_id) if rows else None
    return [
        Said(
            key=(clock.to_us(single.created_at), _SINGLE, single.pk),
            kind=_kind(single.type, single.agent.name if single.agent else ""),
            at=single.created_at,
            text=_previewed(single, address),
            agent=single.agent.name if single.agent else "",
            broadcast_id=single.pk,
            title=single.title,
            state=state,
            reason=reason,
        )
        for single, state, reason in (
            (broadcasts[row[0]], *row[1:]) for row in rows if row[0] in broadcasts
        )
    ]


def _clicks(address_id: int, before: tuple[int, int] | None, limit: int) -> list[Said]:
    return [
        Said(
            key=(clock.to_us(click.recorded_at), _CLICK, click.id),
            kind="click",
            at=click.recorded_at,
            text=click.target,
            broadcast_id=click.broadcast_id,
            title=click.broadcast,
        )
        for click in clicked_by(address_id, before, limit)
    ]


def _previewed(single: Broadcast, address: Any) -> str:
    if single.data_type != Broadcast.DataType.TEXT:
        return _shown(single)
    try:
        return preview(single.text, address.contact, address)
    except ContentError:  # its record will say what is wrong
        return single.text


def release(address_id: int, *, by: Agent | str) -> int:
    """Let what is held for one person leave now, although the chat stays open (G2).

    Returns how many deliveries. Raises ChatError when nothing is held.
    """
    with transaction.atomic():
        released = hold.release([address_id])
        if not released:
            raise ChatError("Nothing is held for this contact any more.")
        audit.note("chat.release", f"chat {address_id}", by, deliveries=released.total())
        events.observe_each(released, "release", by, chat=address_id)
    return released.total()


def document(rows: Sequence[Listed]) -> list[dict[str, Any]]:
    """Chats as plain values."""
    return [
        {
            "number": row.chat.number,
            "contact": row.chat.contact_id,
            "name": row.chat.name,
            "user_id": row.chat.user_id,
            "channel": row.chat.channel,
            "state": row.chat.state,
            "agent": row.chat.agent,
            "last_message_at": row.chat.last_message_at,
            "text": row.text,
            "ours": row.ours,
            "held": row.held,
        }
        for row in rows
    ]
