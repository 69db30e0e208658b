"""Faults of our own, and a database that is away at the wrong moment, leave nobody half way."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError

from clarion.broadcasts import launch
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.reconcile import reconcile
from clarion.channels.contract import Outgoing
from clarion.channels.webhook.kind import WebhookKind
from clarion.engine import snapshot
from clarion.engine.process import ThreadedWorker
from clarion.records.models import Record
from crash.rehearsal import wait_completed
from support import factory
from support.listener import Listener

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as listener:
        yield listener


def sent(listener: Listener, **channel: Any) -> Broadcast:
    """A broadcast to five people, when all is over."""
    where = factory.channel(url=f"{listener.url}/hook", **channel)
    factory.people(where, 5)
    broadcast = launch.start(factory.draft([where]), by=factory.BY, undo_seconds=0)
    with ThreadedWorker():
        wait_completed(broadcast, 60)
    assert reconcile(broadcast.pk).ok
    return broadcast


def test_a_database_that_is_away_when_the_message_is_read_loses_nobody(
    database_url: str, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, times = snapshot.job, iter(range(3))

    def unreadable(broadcast_id: int, revision: int) -> snapshot.Job:
        if next(times, None) is not None:
            raise OperationalError("the connection was closed")
        return read(broadcast_id, revision)

    monkeypatch.setattr(snapshot, "job", unreadable)

    broadcast = sent(listener)

    assert factory.states(broadcast) == {"sent": 5}
    assert len(listener.heard) == 5


def test_a_fault_before_sending_fails_that_person_alone(
    database_url: str, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = WebhookKind.request

    def faulty(self: WebhookKind, message: Outgoing) -> Any:
        if message.to == "u3":
            raise KeyError("a fault of ours")
        return build(self, message)

    monkeypatch.setattr(WebhookKind, "request", faulty)

    broadcast = sent(listener)

    assert factory.states(broadcast) == {"sent": 4, "failed": 1}
    assert Record.objects.get(status="error").reason is not None
    assert {heard.body["to"] for heard in listener.heard} == {"u0", "u1", "u2", "u4"}


@pytest.mark.parametrize(("idempotent", "states"), [(False, {"in_doubt": 5}), (True, {"sent": 5})])
def test_a_fault_in_reading_the_reply_leaves_them_in_doubt(
    database_url: str,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
    idempotent: bool,
    states: dict[str, int],
) -> None:
    read, times = WebhookKind.outcome, iter(range(5))

    def faulty(self: WebhookKind, reply: Any) -> Any:
        if next(times, None) is not None:
            raise ZeroDivisionError
        return read(self, reply)

    monkeypatch.setattr(WebhookKind, "outcome", faulty)

    # Enough tries for one of them to meet every fault.
    broadcast = sent(listener, idempotent=idempotent, backoff=0.01, attempts=6)

    assert factory.states(broadcast) == states
    reasons = {
        record.reason.text for record in Record.objects.filter(status="error") if record.reason
    }
    assert reasons == {
        "Clarion had a fault with this message. The worker's log has the details: please report it."
    }
