"""SMS from end to end: a worker, the simulated SMSC, receipts and messages on one connection."""

import pytest

from clarion.broadcasts import launch
from clarion.broadcasts.reconcile import reconcile
from clarion.channels.models import Channel
from clarion.chats.models import Message
from clarion.contacts.models import Address
from clarion.records.models import Delivery, Segment
from crash.rehearsal import Provider, wait_completed
from support import factory
from support.processes import Processes
from support.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


def numbers(channel: Channel, count: int) -> None:
    for person in factory.people(channel, count):
        value = f"49151{person.pk:07}"
        Address.objects.filter(pk=person.pk).update(value=value)


def test_messages_receipts_and_what_people_write(processes: Processes, engine: None) -> None:
    provider = Provider(processes)
    channel = factory.channel(
        "sms", "smpp", port=provider.smpp_port, sender="NEWS", window=5, rate=None
    )
    numbers(channel, 20)
    # With nothing to send.
    writer = Address.objects.order_by("pk")[0]
    provider.post(
        "/_/inbound", smpp="us", **{"from": f"{writer.value}", "text": "STOP", "parts": 2}
    )
    eventually(Message.objects.exists, timeout=60)
    assert Message.objects.get().text == "STOP"
    writer.refresh_from_db()
    assert writer.state == "opted_out"

    draft = factory.draft([channel], text="Привет " * 20)  # three parts
    broadcast = launch.start(draft, by=factory.BY, undo_seconds=0)
    wait_completed(broadcast, 60)
    accepted = provider.accepted()
    assert len(accepted) == 19
    assert set(accepted.values()) == {1}
    # Each part has a receipt; a message is delivered when all have.
    expected = {"delivered": 19, "skipped": 1}
    eventually(lambda: factory.states(broadcast) == expected, timeout=60)
    assert Segment.objects.filter(status="delivered").count() == 3 * 19
    assert reconcile(broadcast.pk).ok


def test_receipts_move_deliveries(processes: Processes, engine: None) -> None:
    provider = Provider(processes, failed=30)
    channel = factory.channel("sms", "smpp", port=provider.smpp_port, rate=None)
    numbers(channel, 30)
    draft = factory.draft([channel], text="Hello")
    broadcast = launch.start(draft, by=factory.BY, undo_seconds=0)
    wait_completed(broadcast, 60)
    eventually(lambda: "sent" not in factory.states(broadcast), timeout=60)
    assert set(factory.states(broadcast)) == {"delivered", "failed"}
    failed = Delivery.objects.filter(state="failed")[0]
    assert failed.reason is not None
    assert failed.reason.code.startswith(("UNDELIV", "EXPIRED"))
