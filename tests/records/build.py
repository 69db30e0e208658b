"""Small worlds for the tests of this room."""

from collections.abc import Iterable
from typing import Any

from clarion.accounts.models import Agent
from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from clarion.contacts.models import Address, Contact
from clarion.kit import clock
from clarion.records import tallies
from clarion.records.models import Delivery, Reason, Record

START = 1_790_000_000 * clock.SECOND


def channel(name: str = "Shop bot", kind: str = "webhook") -> Channel:
    return Channel.objects.create(name=name, kind=kind)


def agent(name: str, email: str) -> Agent:
    return Agent.objects.create_agent(name=name, email=email, role="admin", password=None)


def address(on: Channel, value: str, name: str = "") -> Address:
    contact = Contact.objects.create(name=name)
    return Address.objects.create(contact=contact, channel=on, value=value)


def broadcast(title: str = "", total: int = 0, by: Agent | None = None) -> Broadcast:
    return Broadcast.objects.create(
        title=title, total=total, agent=by, scheduled_at=clock.from_us(START)
    )


def delivery(of: Broadcast, to: Address, state: str = "sent", **more: Any) -> Delivery:
    """A delivery with its tally; the broadcast expects one person more."""
    if state == "sending":
        more.setdefault("worker_id", 1)
    made = Delivery.objects.create(
        broadcast=of, channel=to.channel, address=to, state=state, moved_at=START, **more
    )
    tallies.add({(of.pk, to.channel_id, state): 1})
    of.total += 1
    of.save(update_fields=["total"])
    return made


def reason(text: str = "The provider refused it.", code: str = "400") -> Reason:
    return Reason.objects.get_or_create(code=code, text=text)[0]


def record(of: Delivery, at: int = START, because: Reason | None = None, **more: Any) -> Record:
    """A completed record, or one of an error with its reason; ``at`` in microseconds."""
    facts: dict[str, Any] = {
        "attempt": 1,
        "status": "error" if because else "completed",
        "reason": because,
        "responses": 0 if because else 1,
        "latency": at - START,
        "content": "Hello",
    }
    return Record.objects.create(
        delivery=of,
        broadcast_id=of.broadcast_id,
        channel_id=of.channel_id,
        address_id=of.address_id,
        recorded_at=clock.from_us(at),
        **(facts | more),
    )


def people(on: Channel, names: Iterable[str]) -> list[Address]:
    return [address(on, f"u{number}", name) for number, name in enumerate(names)]
