"""Small worlds for tests: a channel, people on it, a broadcast in some state."""

from collections.abc import Sequence
from typing import Any

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.broadcasts import drafts, launch
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.query import Audience
from clarion.broadcasts.states import MOVES
from clarion.channels.manage import add_channel
from clarion.channels.models import Channel
from clarion.contacts.attributes import note_attributes
from clarion.contacts.models import Address, Contact
from clarion.engine import lifecycle
from clarion.engine.expand import expand_chunk
from clarion.kit import db
from clarion.records.states import ALL

DELIVERY_STATES = ALL
BROADCAST_STATES = tuple(MOVES)
BY = audit.COMMAND_LINE


def agent(role: str = "admin", name: str = "Ada") -> Agent:
    """An agent who can log in with the password “correct horse”."""
    email = f"{name.lower()}@clarion.example"
    return Agent.objects.create_agent(name=name, email=email, role=role, password="correct horse")


def channel(
    name: str = "sink",
    *,
    url: str = "http://127.0.0.1:9/hook",
    idempotent: bool = False,
    rate: float | None = None,
    attempts: int = 5,
    backoff: float = 0.1,
) -> Channel:
    """A webhook channel."""
    settings = {"url": url, "allow_private": "true", "idempotent": str(idempotent).lower()}
    return add_channel(
        name=name, kind="webhook", settings=settings, rate=rate, attempts=attempts, backoff=backoff,
        by=BY,
    )  # fmt: skip


def people(channel: Channel, count: int, *, prefix: str = "u") -> list[Address]:
    """That many people with a name and an address on the channel."""
    contacts = Contact.objects.bulk_create(
        Contact(name=f"Person {n}", attributes={"city": "Berlin"}) for n in range(count)
    )
    note_attributes(["city"])
    return Address.objects.bulk_create(
        Address(contact=contact, channel=channel, value=f"{prefix}{n}")
        for n, contact in enumerate(contacts)
    )


def draft(channels: Sequence[Channel], **fields: Any) -> Broadcast:
    """A draft to everybody on these channels; ``fields`` as of ``create_draft``."""
    usual: dict[str, Any] = {
        "title": "Spring",
        "text": "Hello {{ contact.name }}",
        "audience": Audience(kind="all"),
    }
    return drafts.create_draft(by=BY, channels=channels, **(usual | fields))


def sending(channels: Sequence[Channel], **fields: str) -> Broadcast:
    """A broadcast that is being sent: expanded, nothing claimed yet."""
    broadcast = launch.start(draft(channels, **fields), by=BY, undo_seconds=0)
    lifecycle.start_due()
    expand(broadcast)
    return broadcast


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
