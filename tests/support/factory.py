"""Small worlds for tests: a channel, people on it, a broadcast in some state, what became of it.

The first part does what agents and workers do. The second writes single rows, for the tests of
``records`` and of what reads it: any state, at any moment, without a worker.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from cryptography.fernet import Fernet

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.broadcasts import drafts, launch
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.query import Audience
from clarion.broadcasts.states import MOVES
from clarion.channels import limits
from clarion.channels.manage import add_channel
from clarion.channels.models import Channel
from clarion.channels.registry import kind_class
from clarion.contacts.attributes import note_attributes
from clarion.contacts.models import Address, Contact
from clarion.engine import lifecycle, reap
from clarion.engine.claim import Claimed, claim
from clarion.engine.expand import expand_chunk
from clarion.engine.settle import settle
from clarion.kit import clock, db
from clarion.records import measures, tallies
from clarion.records.deliveries.settle import Settlement
from clarion.records.models import Delivery, Part, Reason, Receipt, Record
from clarion.records.states import ALL

DELIVERY_STATES = ALL
BROADCAST_STATES = tuple(MOVES)
BY = audit.COMMAND_LINE
START = 1_790_000_000 * clock.SECOND  # microseconds; when all happens that is written row by row
_SETTINGS: dict[str, dict[str, Any]] = {
    "webhook": {"url": "http://127.0.0.1:9/hook", "allow_private": True},  # nobody listens
    "telegram": {"token": "123456:" + "a" * 35},
    "webpush": {
        "worker_url": "http://127.0.0.1:9/worker.js",
        "subject": "mailto:us@example.org",
        "site": "https://shop.example/",
        "title": "The shop",
    },
    "email": {"host": "127.0.0.1", "port": 9, "sender": "Us <us@example.org>"},
    "smpp": {"host": "127.0.0.1", "port": 9, "system_id": "us", "allow_private": True},
}


def agent(role: str = "admin", name: str = "Ada") -> Agent:
    """An agent who can log in with the password “correct horse”."""
    email = f"{name.lower()}@clarion.example"
    return Agent.objects.create_agent(name=name, email=email, role=role, password="correct horse")


def channel(
    name: str = "sink",
    kind: str = "webhook",
    *,
    rate: float | limits.Default | None = limits.DEFAULT,
    attempts: int | limits.Default = limits.ATTEMPTS,
    backoff: float | limits.Default = 0.1,
    **settings: Any,
) -> Channel:
    """A channel of any kind; ``settings`` in place of the usual ones, or besides them."""
    chosen = _SETTINGS.get(kind, {}) | settings
    written = {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in chosen.items()
    }
    return add_channel(
        name=name, kind=kind, settings=written, rate=rate, attempts=attempts, backoff=backoff,
        by=BY,
    )  # fmt: skip


def sealed(channel: Channel) -> Channel:
    """The channel with settings that nobody can read: the key that they were saved with is lost."""
    lost = Fernet(Fernet.generate_key()).encrypt(b"{}").decode()
    db.execute("UPDATE channels_channel SET config = %s WHERE id = %s", [lost, channel.pk])
    return Channel.objects.get(pk=channel.pk)


def address(on: Channel, value: str, name: str = "", **fields: Any) -> Address:
    """One person, on a channel, who has written to it; ``fields`` as of the address."""
    contact = Contact.objects.create(name=name)
    fields = _written_to(on) | fields
    return Address.objects.create(contact=contact, channel=on, value=value, **fields)


def people(channel: Channel, count: int, *, prefix: str = "u") -> list[Address]:
    """That many people with a name and an address on the channel, to which they have written."""
    contacts = Contact.objects.bulk_create(
        Contact(name=f"Person {n}", attributes={"city": "Berlin"}) for n in range(count)
    )
    note_attributes(["city"])
    return Address.objects.bulk_create(
        Address(contact=contact, channel=channel, value=f"{prefix}{n}", **_written_to(channel))
        for n, contact in enumerate(contacts)
    )


def _written_to(channel: Channel) -> dict[str, Any]:
    """What an address shows of someone who has written: just now, where that has an effect."""
    recently = {"wrote_at": clock.now()} if kind_class(channel.kind).limits.window else {}
    return {"has_written": True, **recently}


def draft(channels: Sequence[Channel], **fields: Any) -> Broadcast:
    """A draft to everybody on these channels; ``fields`` as of ``create_draft``."""
    usual: dict[str, Any] = {
        "title": "Spring",
        "text": "Hello {{ contact.name }}",
        "audience": Audience(kind="all"),
    }
    return drafts.create_draft(by=BY, channels=channels, **(usual | fields))


def sending(channels: Sequence[Channel], **fields: Any) -> Broadcast:
    """A broadcast that is being sent: expanded, nothing claimed yet."""
    broadcast = launch.start(draft(channels, **fields), by=BY, undo_seconds=0)
    lifecycle.start_due()
    expand(broadcast)
    return broadcast


def live(channels: Sequence[Channel], **fields: Any) -> Broadcast:
    """A live broadcast: ``fields`` say of which type (``type``, ``trigger``, ``recurrence``)."""
    return launch.start(draft(channels, **fields), by=BY)


def expand(broadcast: Broadcast) -> None:
    """Write all deliveries of a broadcast."""
    while expand_chunk(broadcast):
        pass
    broadcast.refresh_from_db()


def states(broadcast: Broadcast) -> dict[str, int]:
    """How many deliveries are in which state, counted from the rows."""
    return dict(
        db.fetch(
            "SELECT state, count(*) FROM records_delivery WHERE broadcast_id = %s GROUP BY state",
            [broadcast.pk],
        )
    )


def settle_all(channel: Channel, state: str = "sent", **facts: Any) -> list[Claimed]:
    """Claim all that is queued on a channel, and settle it; ``facts`` as of ``outcome``."""
    worker = reap.register()
    claimed = in_order(claim(channel.pk, worker, 1_000).messages)
    settle(worker, [outcome(one, channel, state, **facts) for one in claimed])
    return claimed


def settle_each(channel: Channel, outcomes: Iterable[str | dict[str, Any]]) -> list[Claimed]:
    """Claim one delivery for each outcome (a state, or facts with one), and settle it so.

    Of those that are claimed, the first outcome is that of the first that was expanded.
    """
    facts = [{"state": one} if isinstance(one, str) else one for one in outcomes]
    worker = reap.register()
    claimed = in_order(claim(channel.pk, worker, len(facts)).messages)
    settle(
        worker,
        [outcome(one, channel, **more) for one, more in zip(claimed, facts, strict=True)],
    )
    return claimed


def in_order(claimed: Iterable[Claimed]) -> list[Claimed]:
    """Sort them as they were expanded: PostgreSQL returns what it claims in any order."""
    return sorted(claimed, key=lambda one: one.delivery)


def outcome(claimed: Claimed, channel: Channel, state: str = "sent", **facts: Any) -> Settlement:
    """What a worker reports of its first attempt; ``facts`` are fields of the Settlement."""
    usual: dict[str, Any] = {"attempted": True, "content": f"Hello {claimed.contact['name']}"}
    if state in {"failed", "skipped", "in_doubt"}:
        usual |= {"reason": "The receiver answered 500 (server error).", "code": "500"}
    elif state != "queued":
        usual |= {"responses": 1}
    return Settlement(
        claimed.delivery, claimed.broadcast, channel.pk, claimed.address, state,
        attempts=facts.pop("attempts", 1), at=clock.now_us(), **(usual | facts),
    )  # fmt: skip


# Row by row


def broadcast(title: str = "", by: Agent | None = None) -> Broadcast:
    """A broadcast to nobody yet."""
    return Broadcast.objects.create(title=title, agent=by, scheduled_at=clock.from_us(START))


def live_row(title: str, **fields: Any) -> Broadcast:
    """A live broadcast without channels; ``fields`` say of which type."""
    usual: dict[str, Any] = {"text": "Hello", "time_zone": "UTC"}
    return Broadcast.objects.create(
        title=title, state="live", started_at=clock.now(), **(usual | fields)
    )


def delivery(of: Broadcast, to: Address, state: str = "sent", **more: Any) -> Delivery:
    """A delivery with its tally; the broadcast expects one person more."""
    if state == "sending":
        more.setdefault("worker_id", 1)
    row = Delivery.objects.create(
        broadcast=of,
        channel=to.channel,
        address=to,
        state=state,
        moved_at=clock.from_us(START),
        **more,
    )
    tallies.add({(of.pk, to.channel_id, state): 1})
    measure(row, "queued", state)
    of.total += 1
    of.save(update_fields=["total"])
    return row


def measure(of: Delivery, before: str, after: str) -> None:
    """Count a move of a delivery in the numbers over time."""
    change = measures.Change(
        of.broadcast_id, of.channel_id, before, after, START, START,
        was_recovered=of.recovered, is_recovered=of.recovered,
    )  # fmt: skip
    measures.note({change: 1})


def reason(text: str = "The provider refused it.", code: str = "400") -> Reason:
    """A reason for failures."""
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


def receipt(of: Delivery, status: str, at: int = START, external_id: str = "") -> Receipt:
    """What a provider reported about a delivery; ``at`` in microseconds."""
    moment = clock.from_us(at)
    return Receipt.objects.create(
        delivery=of, channel_id=of.channel_id, status=status, at=moment, received_at=moment,
        external_id=external_id or f"x{of.pk}",
    )  # fmt: skip


def part(of: Delivery, content: str, at: int = START, **more: Any) -> Part:
    """A message of a story that another one was to follow; ``at`` in microseconds."""
    return Part.objects.create(
        delivery=of,
        broadcast_id=of.broadcast_id,
        channel_id=of.channel_id,
        address_id=of.address_id,
        sent_at=clock.from_us(at),
        content=content,
        **{"number": Part.objects.filter(delivery=of).count(), "attempt": 1} | more,
    )
