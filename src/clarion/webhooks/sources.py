"""Where events come from: tables to which rows are only added, read in the order of their ids.

Nothing is written for an endpoint while messages are sent, so sending costs the same with and
without one.
"""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from clarion.clicks.models import OPENED
from clarion.kit import db
from clarion.webhooks.events import Event

_ADDRESS: Final = "a.contact_id, coalesce(nullif(a.written, ''), a.value)"
_ADDRESSES: Final = "LEFT JOIN contacts_address a ON a.id ="
_RANGE: Final = "WHERE s.id > %s AND s.id <= %s"
_ENDED: Final[Mapping[str, str]] = {"failed": "delivery.failed", "in_doubt": "delivery.in_doubt"}
_STEPS: Final[Mapping[str, str]] = {
    "begin": "broadcast.started",
    "pause": "broadcast.paused",
    "resume": "broadcast.resumed",
    "stop": "broadcast.stopped",
    "complete": "broadcast.completed",
    "missed": "broadcast.missed",
}
_STATES: Final[Mapping[str, str]] = {
    "active": "address.opted_in",
    "opted_out": "address.opted_out",
    "blocked": "address.unreachable",
    "deactivated": "address.unreachable",
    "unreachable": "address.unreachable",
}


class Source(NamedTuple):
    """The rows of a table, and how its rows with after < id <= last become events, in order."""

    rows: str
    read: Callable[[int, int], list[tuple[int, Event]]]  # each with the id of its row


def _attempts(after: int, last: int) -> list[tuple[int, Event]]:
    # Failed for good is what its delivery is now, and no attempt came after it.
    rows = db.fetch(
        "SELECT s.id, s.recorded_at, s.delivery_id, s.broadcast_id, s.channel_id, s.address_id, "
        f"{_ADDRESS}, s.attempt, s.status, x.code, x.text, d.state, d.external_id, "
        "EXISTS (SELECT 1 FROM records_record n WHERE n.address_id = s.address_id "
        "AND n.delivery_id = s.delivery_id AND n.id > s.id) "
        f"FROM records_record s {_ADDRESSES} s.address_id "
        "LEFT JOIN records_delivery d ON d.id = s.delivery_id "
        f"LEFT JOIN records_reason x ON x.id = s.reason_id {_RANGE} ORDER BY s.id",
        [after, last],
    )
    events = []
    for key, at, *recipient, attempt, status, code, text, state, external, is_repeated in rows:
        data = {**_recipient(*recipient), "attempt": attempt}
        if status == "completed":
            name = "delivery.sent"
            data["external_id"] = external
        else:
            name = "delivery.attempt_failed"
            if not is_repeated:
                name = _ENDED.get(state, name)
            data |= {"code": code or "", "reason": text or ""}
        events.append((key, Event(f"attempt-{key}-{at}", name, at, data)))
    return events


def _receipts(after: int, last: int) -> list[tuple[int, Event]]:
    rows = db.fetch(
        "SELECT s.id, s.at, s.delivery_id, d.broadcast_id, s.channel_id, d.address_id, "
        f"{_ADDRESS}, s.status, s.external_id, x.code, x.text FROM records_receipt s "
        "LEFT JOIN records_delivery d ON d.id = s.delivery_id "
        f"{_ADDRESSES} d.address_id LEFT JOIN records_reason x ON x.id = d.reason_id "
        f"{_RANGE} AND s.status IN ('delivered', 'read', 'failed') ORDER BY s.id",
        [after, last],
    )
    events = []
    for key, at, *recipient, status, external, code, text in rows:
        data = {**_recipient(*recipient), "external_id": external}
        if status == "failed":
            data |= {"code": code or "", "reason": text or ""}
        events.append((key, Event(f"receipt-{key}-{at}", f"delivery.{status}", at, data)))
    return events


def _clicks(after: int, last: int) -> list[tuple[int, Event]]:
    rows = db.fetch(
        "SELECT s.id, s.recorded_at, s.delivery_id, s.broadcast_id, s.channel_id, s.address_id, "
        f"{_ADDRESS}, s.link_id, l.target FROM clicks_click s {_ADDRESSES} s.address_id "
        f"LEFT JOIN clicks_link l ON l.id = s.link_id {_RANGE} AND s.clicked_by = 'person' "
        "ORDER BY s.id",
        [after, last],
    )
    events = []
    for key, at, *recipient, link, url in rows:
        name, data = "email.opened", _recipient(*recipient)
        if link != OPENED:
            name, data = "link.clicked", {**data, "url": url}
        events.append((key, Event(f"click-{key}-{at}", name, at, data)))
    return events


def _messages(after: int, last: int) -> list[tuple[int, Event]]:
    rows = db.fetch(
        f"SELECT s.id, s.at, a.channel_id, s.chat_id, {_ADDRESS}, s.text "
        f"FROM chats_message s {_ADDRESSES} s.chat_id {_RANGE} AND s.inbound ORDER BY s.id",
        [after, last],
    )
    return [
        (key, Event(f"message-{key}-{at}", "message.received", at, {**_chat(*chat), "text": text}))
        for key, at, *chat, text in rows
    ]


def _address_states(after: int, last: int) -> list[tuple[int, Event]]:
    rows = db.fetch(
        f"SELECT s.id, s.at, a.channel_id, s.address_id, {_ADDRESS}, s.state "
        f"FROM contacts_addresschange s {_ADDRESSES} s.address_id {_RANGE} ORDER BY s.id",
        [after, last],
    )
    return [
        (key, Event(f"address-{key}-{at}", _STATES[state], at, {**_chat(*chat), "state": state}))
        for key, at, *chat, state in rows
        if state in _STATES
    ]


def _consents(after: int, last: int) -> list[tuple[int, Event]]:
    rows = db.fetch(
        "SELECT s.id, s.at, s.contact_id, s.consent_id, c.name, s.given, s.how "
        "FROM consents_change s LEFT JOIN consents_consent c ON c.id = s.consent_id "
        f"{_RANGE} ORDER BY s.id",
        [after, last],
    )
    events = []
    for key, at, contact, consent, name, is_given, how in rows:
        data = {"contact_id": contact, "consent_id": consent, "consent": name, "how": how}
        what = "consent.given" if is_given else "consent.withdrawn"
        events.append((key, Event(f"consent-{key}-{at}", what, at, data)))
    return events


def _broadcasts(after: int, last: int) -> list[tuple[int, Event]]:
    rows = db.fetch(
        "SELECT s.id, s.at, s.kind, s.actor, s.broadcast_id, b.title, b.type, s.detail "
        "FROM broadcasts_event s JOIN broadcasts_broadcast b ON b.id = s.broadcast_id "
        f"{_RANGE} ORDER BY s.id",
        [after, last],
    )
    events = []
    for key, at, kind, actor, broadcast, title, type_, detail in rows:
        if kind in _STEPS:
            data = {"broadcast_id": broadcast, "title": title, "broadcast_type": type_, "by": actor}
            if kind == "pause":
                data["reason"] = json.loads(detail).get("reason", "")
            events.append((key, Event(f"broadcast-{key}-{at}", _STEPS[kind], at, data)))
    return events


def _recipient(
    delivery: int, broadcast: int | None, channel: int, address: int | None,
    contact: int | None, user_id: str | None,
) -> dict[str, Any]:  # fmt: skip
    return {
        "delivery_id": delivery,
        "broadcast_id": broadcast,
        **_chat(channel, address, contact, user_id),
    }


def _chat(
    channel: int | None, address: int | None, contact: int | None, user_id: str | None
) -> dict[str, Any]:
    return {
        "channel_id": channel,
        "chat": address,
        "contact_id": contact,
        "user_id": user_id,
    }


SOURCES: Final[Mapping[str, Source]] = MappingProxyType(
    {
        "attempts": Source("FROM records_record", _attempts),
        "receipts": Source("FROM records_receipt", _receipts),
        "clicks": Source("FROM clicks_click", _clicks),
        "messages": Source("FROM chats_message", _messages),
        "address_states": Source("FROM contacts_addresschange", _address_states),
        "consents": Source("FROM consents_change", _consents),
        "broadcasts": Source("FROM broadcasts_event", _broadcasts),
    }
)


def newest_ids() -> dict[str, int]:
    """The newest id of each source, 0 for an empty one."""
    picks = ", ".join(f"(SELECT coalesce(max(id), 0) {source.rows})" for source in SOURCES.values())
    return dict(zip(SOURCES, db.fetch(f"SELECT {picks}")[0], strict=True))
