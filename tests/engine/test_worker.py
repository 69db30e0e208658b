"""The worker as a whole, against the simulated provider over real HTTP and SMTP."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction

from clarion.broadcasts import control, drafts, gaps, launch, singles
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.query import Audience
from clarion.broadcasts.reconcile import reconcile
from clarion.channels.contract import Reply, Request
from clarion.channels.manage import resume_channel, update_channel
from clarion.channels.models import Channel
from clarion.contacts.models import Address, Contact
from clarion.engine import reap, snapshot, stops
from clarion.engine.process import ThreadedWorker
from clarion.engine.worker import REFRESH
from clarion.kit import clock, db
from clarion.records import kept_latency
from clarion.records.models import Delivery, Record
from clarion.records.states import DeliveryState
from clarion.transport.clients import Clients
from crash.rehearsal import Provider, wait_completed
from support import factory
from support.listener import Listener
from support.ports import closed_port
from support.processes import Processes
from support.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


class Gate:
    """Lets so many messages leave at full speed; the next ones wait here until it opens.

    So it is known what has left when the test acts, however fast the engine and however slow the
    test.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.arrived = 0  # of the engine's own thread, as all here
        self.left = 0
        self.opened = False

    def closed_for(self, waiting: int) -> bool:
        return self.arrived == self.most + waiting

    async def passed(self) -> None:
        self.arrived += 1
        while self.left >= self.most and not self.opened:
            await asyncio.sleep(0.01)
        self.left += 1


@pytest.fixture
def gate(engine: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Where messages leave the worker, each a moment after it was seen whether it may."""
    send, gate = Clients.send, Gate(1_000)

    async def through(clients: Clients, request: Request) -> Reply:
        await gate.passed()
        return await send(clients, request)

    monkeypatch.setattr(Clients, "send", through)
    yield gate
    gate.opened = True  # else the engine would wait for them for ever


@pytest.fixture
def seen_by_engine(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Wait until the engine goes by what stands in the database now."""
    take, begun = snapshot.take, [0]

    def counted(before: snapshot.Snapshot) -> snapshot.Snapshot:
        begun[0] += 1
        return take(before)

    def wait() -> None:
        # The next look to begin sees it; when one more begins, that one's result is in use.
        before = begun[0]
        eventually(lambda: begun[0] >= before + 2, timeout=60)

    monkeypatch.setattr(snapshot, "take", counted)
    return wait


def sink(provider: Provider, **more: object) -> Channel:
    return factory.channel(url=f"{provider.url}/hook/sink", **more)  # type: ignore[arg-type]


def start(channel: Channel, **fields: Any) -> Broadcast:
    return launch.start(factory.draft([channel], **fields), by=factory.BY, undo_seconds=0)


def test_everybody_gets_it_personally_and_once(processes: Processes, engine: None) -> None:
    provider = Provider(processes)
    channel = sink(provider)
    factory.people(channel, 300)

    broadcast = start(channel)
    wait_completed(broadcast, 60)

    accepted = provider.accepted()
    assert len(accepted) == 300
    assert set(accepted.values()) == {1}
    assert Record.objects.get(address__value="u7").content == "Hello Person 7"
    assert reconcile(broadcast.pk).ok


def test_nothing_waits_while_the_latency_of_a_large_broadcast_is_read(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, read = threading.Event(), threading.Event()

    def keep() -> int:
        reading.set()
        read.wait()
        return 1

    monkeypatch.setattr(kept_latency, "keep", keep)
    channel = sink(Provider(processes))
    factory.people(channel, 3)
    with ThreadedWorker():
        try:
            assert reading.wait(60)
            wait_completed(start(channel), 60)
        finally:
            read.set()


def test_i5_failed_sends_are_retried_and_recovered(processes: Processes, engine: None) -> None:
    provider = Provider(processes)
    channel = sink(provider, backoff=0.01)
    factory.people(channel, 1, prefix="once!500x2 ")
    factory.people(channel, 1, prefix="never!500 ")
    Address.objects.filter(value__startswith="once").update(value="once!500x2")
    Address.objects.filter(value__startswith="never").update(value="never!500")

    broadcast = start(channel)
    wait_completed(broadcast, 60)

    once = Delivery.objects.get(address__value="once!500x2")
    never = Delivery.objects.get(address__value="never!500")
    assert (once.state, once.recovered) == ("sent", True)
    assert never.state == "failed"
    assert Record.objects.filter(address__value="once!500x2", status="error").count() == 2
    assert Record.objects.filter(address__value="never!500", status="error").count() == 5
    assert reconcile(broadcast.pk).ok


def test_f2_nothing_leaves_within_a_second_of_a_stop(
    processes: Processes, gate: Gate, seen_by_engine: Callable[[], None]
) -> None:
    assert REFRESH <= 0.5  # seconds: what is left of one is for the look itself
    provider = Provider(processes)
    channel = sink(provider)
    factory.people(channel, 2_500)
    broadcast = start(channel)
    runners = settings.CLARION.concurrency
    eventually(lambda: gate.closed_for(runners), timeout=60)

    control.stop(broadcast, by=factory.BY)
    seen_by_engine()
    gate.opened = True
    ended = {"sent": gate.most + runners, "unsent": 1_500 - runners}
    eventually(lambda: factory.states(broadcast) == ended, timeout=60)

    assert provider.summary()["total"] == ended["sent"]
    result = reconcile(broadcast.pk)
    assert result.ok, result.lines()


def test_f4_pause_and_resume_lose_and_double_nobody(
    processes: Processes, gate: Gate, seen_by_engine: Callable[[], None]
) -> None:
    provider = Provider(processes)
    channel = sink(provider)
    factory.people(channel, 2_000)
    broadcast = start(channel)
    runners = settings.CLARION.concurrency
    eventually(lambda: gate.closed_for(runners), timeout=60)
    control.pause(broadcast, by=factory.BY)
    seen_by_engine()
    gate.opened = True
    waiting = {"sent": gate.most + runners, "queued": 1_000 - runners}
    eventually(lambda: factory.states(broadcast) == waiting, timeout=60)

    control.resume(broadcast, by=factory.BY)
    wait_completed(broadcast, 120)

    accepted = provider.accepted()
    assert len(accepted) == 2_000
    assert set(accepted.values()) == {1}


def test_an_urgent_message_overtakes_a_long_queue(processes: Processes, engine: None) -> None:
    provider = Provider(processes)
    channel = sink(provider, rate=20.0)
    factory.people(channel, 3_600)  # three minutes' worth
    start(channel)
    eventually(lambda: provider.summary()["total"] > 20, timeout=60)
    (person,) = factory.people(channel, 1, prefix="urgent")
    urgent = drafts.create_draft(
        by=factory.BY,
        text="Now",
        channels=[channel],
        audience=Audience(kind="picks", picked_from="hand"),
        picks=[person.pk],
    )
    Broadcast.objects.filter(pk=urgent.pk).update(priority=10)

    launch.start(urgent, by=factory.BY, undo_seconds=0)
    wait_completed(urgent, 60)

    assert provider.summary()["total"] < 3_600


def test_a_provider_that_throttles_is_obeyed_and_nobody_fails(
    processes: Processes, engine: None
) -> None:
    provider = Provider(processes, rate_limit=100, retry_after=1)
    channel = sink(provider)
    factory.people(channel, 250)

    broadcast = start(channel)
    wait_completed(broadcast, 120)

    assert factory.states(broadcast) == {"sent": 250}
    assert not Record.objects.filter(status="error").exists()


def test_wrong_credentials_pause_the_channel_and_lose_nothing(
    processes: Processes, engine: None
) -> None:
    provider = Provider(processes)
    token = "123456:revoked"
    channel = factory.channel("bot", "telegram", token=token, api_root=provider.url)
    factory.people(channel, 3, prefix="100")

    broadcast = start(channel)

    def is_paused() -> bool:
        channel.refresh_from_db()
        return channel.state == "paused"

    eventually(is_paused, timeout=60)
    assert channel.paused_reason
    assert token not in channel.paused_reason
    eventually(lambda: factory.states(broadcast) == {"queued": 3}, timeout=60)

    good = {"token": "123456:good", "api_root": provider.url}
    update_channel(channel, settings=good, by=factory.BY)
    resume_channel(channel, by=factory.BY)
    wait_completed(broadcast, 60)
    assert factory.states(broadcast) == {"sent": 3}


def test_a_late_answer_to_old_credentials_pauses_nothing() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    factory.sending([channel])
    old = snapshot.take().channels[channel.pk]
    mended = {"url": "http://127.0.0.1:9/mended", "allow_private": "true"}
    update_channel(channel, settings=mended, by=factory.BY)

    stops.pause_as_known(old, "The token is wrong.")
    channel.refresh_from_db()
    assert channel.state == "active"

    stops.pause_as_known(snapshot.take().channels[channel.pk], "The token is wrong.")
    channel.refresh_from_db()
    assert (channel.state, channel.paused_reason) == ("paused", "The token is wrong.")


def test_a_host_that_is_down_for_a_while_uses_up_nobodys_attempts(
    processes: Processes, engine: None
) -> None:
    with closed_port() as port:
        channel = factory.channel(url=f"http://127.0.0.1:{port}/hook/sink", attempts=1)
        factory.people(channel, 2_000)
        broadcast = start(channel)
        eventually(lambda: Channel.objects.get().waits_since, timeout=60)

        Provider(processes, port=port)
        wait_completed(broadcast, 120)

    assert factory.states(broadcast) == {"sent": 2_000}
    assert not Record.objects.filter(status="error").exists()


def test_one_person_whose_text_fails_stops_nobody_else(processes: Processes, engine: None) -> None:
    provider = Provider(processes)
    channel = sink(provider)
    factory.people(channel, 20)
    Contact.objects.filter(name="Person 3").update(name="")

    text = "Hello {{ contact.name }} in {{ contact.city }}"
    broadcast = start(channel, text=text, accepted_gaps=[gaps.ALL])
    wait_completed(broadcast, 60)

    assert factory.states(broadcast) == {"sent": 19, "failed": 1}
    failed = Record.objects.get(status="error")
    assert "contact.name" in failed.reason.text


def test_email_reaches_the_mailbox(processes: Processes, engine: None) -> None:
    provider = Provider(processes)
    channel = factory.channel(
        "mail", "email", port=provider.smtp_port, security="none",
        sender="Clarion <news@clarion.test>",
    )  # fmt: skip
    people = factory.people(channel, 5)
    for person in people:
        Address.objects.filter(pk=person.pk).update(value=f"{person.value}@x.test")

    broadcast = start(channel, title="Spring")
    wait_completed(broadcast, 60)

    assert len(provider.accepted()) == 5
    assert factory.states(broadcast) == {"sent": 5}


def test_a_locked_database_delays_but_loses_and_doubles_nobody(
    processes: Processes, engine: None
) -> None:
    provider = Provider(processes, latency="2ms")
    channel = sink(provider)
    factory.people(channel, 2_000)
    broadcast = start(channel)
    eventually(lambda: provider.summary()["total"] > 100, timeout=60)

    with transaction.atomic():  # on SQLite this is the write lock
        Channel.objects.select_for_update().get(pk=channel.pk)
        # Until all that was claimed before is sent: from here on nothing moves without the lock.
        claimed = Delivery.objects.exclude(state=DeliveryState.QUEUED)
        eventually(lambda: provider.summary()["total"] == claimed.count())
    wait_completed(broadcast, 120)

    accepted = provider.accepted()
    assert len(accepted) == 2_000
    assert set(accepted.values()) == {1}
    assert reconcile(broadcast.pk).ok


def test_waiting_for_the_renewal_is_no_difference_of_clocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, ahead = [clock.now_us()], 5 * clock.SECOND

    def renew(worker_id: int) -> bool:
        now[0] += 3 * clock.SECOND
        return True

    def shared_now() -> int:
        now[0] += 400  # microseconds: the way there and back
        return now[0] - 200 + ahead

    monkeypatch.setattr(reap, "renew", renew)
    monkeypatch.setattr(clock, "now_us", lambda: now[0])
    monkeypatch.setattr(db, "now_us", shared_now)
    monkeypatch.setattr(db, "is_postgres", lambda: True)
    assert reap.renewed(1)[:2] == (True, ahead)


def test_a_worker_forgets_what_it_has_sent(database_url: str) -> None:
    """Singles may come by the million."""
    with Listener() as listener:
        channel = factory.channel(url=f"{listener.url}/hook")
        (person,) = factory.people(channel, 1)
        with ThreadedWorker() as threaded:
            single = singles.send_single(person, by=factory.BY, text="Hello")
            wait_completed(single, 60)
            assert threaded._worker is not None
            worker = threaded._worker
            eventually(lambda: not worker._jobs, 60)
