"""Connections that providers report over: who keeps them, and what arrives on them."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from django.db import OperationalError

from channels.smpp.fixtures import packet
from clarion.channels.contract import InboundPart
from clarion.channels.manage import pause_channel, update_channel
from clarion.channels.models import Channel
from clarion.channels.registry import adapter
from clarion.chats.models import Message
from clarion.contacts.models import Address
from clarion.engine import connections, fragments, inbox, reap
from clarion.engine.callbacks import Verified, store
from clarion.engine.connections import Connections, hold, wanted_now
from clarion.engine.models import Callback, Connection, InboundFragment
from clarion.engine.threads import DatabaseThreads
from clarion.kit import clock, db
from clarion.transport.errors import Unavailable
from clarion.transport.messages import SmppReply
from clarion.transport.smpp import SmppClient
from clarion.transport.smpp_session import BindRefused
from support import factory

pytestmark = pytest.mark.django_db
PERSON = "4915112345678"


def smsc(name: str = "sms", **settings: object) -> Channel:
    return factory.channel(name, "smpp", **settings)


def workers(count: int) -> list[int]:
    return [reap.register(f"journal-{number}") for number in range(count)]


def end(worker: int) -> None:
    db.execute("UPDATE engine_worker SET lease_until = 0 WHERE id = %s", [worker])


def test_one_worker_holds_a_connection_until_it_ends() -> None:
    channel, (first, second) = smsc(), workers(2)
    wanted = {channel.pk: 1}
    assert hold(first, wanted) == {channel.pk}
    assert hold(second, wanted) == set()
    assert hold(first, wanted) == {channel.pk}
    end(first)
    assert hold(second, wanted) == {channel.pk}
    assert hold(first, wanted) == set()
    assert Connection.objects.get().worker_id == second


def test_as_many_workers_hold_one_as_the_provider_allows() -> None:
    channel, three = smsc(), workers(3)
    assert [hold(worker, {channel.pk: 2}) for worker in three] == [
        {channel.pk},
        {channel.pk},
        set(),
    ]
    assert [hold(worker, {channel.pk: 1}) for worker in three] == [{channel.pk}, set(), set()]


def test_what_is_not_wanted_any_longer_is_given_back() -> None:
    channel, (first, second) = smsc(), workers(2)
    hold(first, {channel.pk: 1})
    assert hold(first, {}) == set()
    assert hold(second, {channel.pk: 1}) == {channel.pk}


def test_paused_channels_are_wanted_too_and_those_without_readable_settings_are_not() -> None:
    channel, broken = smsc(), smsc("broken", system_id="other")
    factory.channel()
    pause_channel(channel, reason="", by=factory.BY)
    Channel.objects.filter(pk=broken.pk).update(config={"host": 3})
    (wanted,) = wanted_now()
    assert (wanted.id, wanted.active, wanted.most) == (channel.pk, False, 1)


class Recorder(SmppClient):
    """A client that opens nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[str] = []
        self.kept: dict[str, tuple[object, object]] = {}

    def keep(self, account, hear, troubled) -> None:  # type: ignore[no-untyped-def]
        self.done.append(f"keep {account.system_id}")
        self.kept[account.system_id] = (hear, troubled)

    async def release(self, account) -> None:  # type: ignore[no-untyped-def]
        self.done.append(f"release {account.system_id}")


class SameThread(DatabaseThreads):
    """Runs database work where it is asked for, within the test's transaction."""

    def __init__(self) -> None:
        pass

    async def run(self, work, *args, **kwargs):  # type: ignore[no-untyped-def]
        return work(*args, **kwargs)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that waits for nothing, where the test's transaction is."""
    with pytest.raises(StopIteration) as end:
        work.send(None)
    return end.value.value


@pytest.fixture
def client() -> Recorder:
    return Recorder()


def test_a_worker_sends_only_on_what_it_keeps_open(client: Recorder) -> None:
    channel, (mine, other) = smsc(window=7), workers(2)
    kind = wanted_now()[0].kind
    own, others = Connections(SameThread(), client), Connections(SameThread(), client)

    async def rounds() -> list[int]:
        rooms = [own.room(channel.pk, kind, 64)]
        await own.refresh(mine)
        await others.refresh(other)
        rooms += [
            each.room(channel.pk, kind, most) for each, most in ((own, 64), (own, 3), (others, 9))
        ]
        return rooms

    assert run(rounds()) == [0, 7, 3, 0]
    assert client.done == ["keep us"]
    webhook = factory.channel()
    assert own.room(webhook.pk, adapter(webhook), 64) == 64


def test_other_settings_open_another_connection(client: Recorder) -> None:
    channel, (mine,) = smsc(), workers(1)
    own = Connections(SameThread(), client)
    run(own.refresh(mine))
    update_channel(channel, by=factory.BY, settings={"system_id": "new"})
    run(own.refresh(mine))
    run(own.close())
    assert client.done == ["keep us", "release us", "keep new", "release new"]


def test_a_refused_account_is_paused_and_not_tried_before_something_changes(
    client: Recorder,
) -> None:
    channel, (mine,) = smsc(), workers(1)
    own = Connections(SameThread(), client)
    run(own.refresh(mine))
    client.kept["us"][1](BindRefused(SmppReply("bind", 0x0E)), 1.0)  # type: ignore[operator]
    run(own.refresh(mine))
    channel.refresh_from_db()
    assert (channel.state, "refused the login" in channel.paused_reason) == ("paused", True)
    run(own.refresh(mine))
    assert client.done == ["keep us", "release us"]
    Channel.objects.update(state="active")
    run(own.refresh(mine))
    assert client.done[2:] == ["keep us"]


def test_what_may_be_over_soon_makes_the_channel_wait(client: Recorder) -> None:
    channel, (mine,) = smsc(), workers(1)
    own = Connections(SameThread(), client)
    run(own.refresh(mine))
    for trouble in (BindRefused(SmppReply("bind", 0x05)), Unavailable("{server} is away.", "x")):
        client.kept["us"][1](trouble, 60.0)  # type: ignore[operator]
    run(own.refresh(mine))
    channel.refresh_from_db()
    assert (channel.state, channel.waits_reason) == ("active", "The server is away.")
    assert channel.waits_until is not None
    assert channel.waits_until > clock.now()
    assert client.done == ["keep us"]


def test_a_worker_that_can_not_connect_leaves_the_channel_to_the_others(client: Recorder) -> None:
    channel, (mine, other) = smsc(connections=2), workers(2)
    kind = wanted_now()[0].kind
    own, others = Connections(SameThread(), client), Connections(SameThread(), Recorder())
    run(others.refresh(other))
    run(own.refresh(mine))
    in_use = BindRefused(SmppReply("bind", 0x05))
    client.kept["us"][1](in_use, 60.0)  # type: ignore[operator]
    run(own.refresh(mine))
    run(own.refresh(mine))
    channel.refresh_from_db()
    assert channel.waits_until is None
    assert (own.room(channel.pk, kind, 9), others.room(channel.pk, kind, 9)) == (0, 9)
    assert client.done == ["keep us", "release us"]
    end(other)
    own._resting.clear()  # it has rested
    run(own.refresh(mine))
    client.kept["us"][1](in_use, 60.0)  # type: ignore[operator]
    run(own.refresh(mine))
    channel.refresh_from_db()
    assert channel.waits_until is not None, "no other one sends"


def test_two_channels_with_one_account(client: Recorder) -> None:
    smsc()
    second, (mine,) = smsc("second"), workers(1)
    own = Connections(SameThread(), client)
    run(own.refresh(mine))
    run(own.refresh(mine))
    second.refresh_from_db()
    assert (second.state, second.paused_reason) == ("paused", connections.SHARED)


@pytest.mark.django_db(transaction=True)
def test_what_arrives_is_stored_before_it_is_acknowledged(
    client: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel, (mine,) = smsc(), workers(1)
    body = packet(content=b"STOP").body

    async def hear() -> object:
        threads = DatabaseThreads("test", 1)
        own = Connections(threads, client)
        await own.refresh(mine)
        kept = await client.kept["us"][0](body)  # type: ignore[operator]
        threads.close()
        return kept

    assert asyncio.run(hear()) is True
    stored = Callback.objects.get()
    assert (stored.channel_id, bytes(stored.body), stored.lane) == (channel.pk, body, "people")
    assert inbox.apply_waiting(clock.now_us() + clock.SECOND)
    assert Message.objects.get().text == "STOP"
    assert Address.objects.get().state == "opted_out"

    def full(_: object) -> None:
        raise OperationalError("disk full")

    monkeypatch.setattr(connections, "store", full)
    assert asyncio.run(hear()) is False


# messages in parts


def part(number: int, text: str, total: int = 2, reference: int = 7) -> bytes:
    header = bytes((5, 0, 3, reference, total, number))
    return packet(content=header + text.encode("ascii"), esm_class=0x40).body


def arrive(channel: Channel, *bodies: bytes) -> None:
    hooks = [packet(content=b"") for _ in bodies]
    rows = [
        Verified(channel.pk, type(hook)({}, "", body, clock.now()), "people")
        for hook, body in zip(hooks, bodies, strict=True)
    ]
    store(rows)
    while inbox.apply_waiting(clock.now_us() + clock.SECOND):
        pass


def test_parts_are_one_message_in_whatever_order_they_come() -> None:
    channel = smsc()
    arrive(channel, part(2, "OP"))
    assert not Message.objects.exists()
    arrive(channel, part(2, "OP"), part(1, "x", reference=8))  # one again, and one of another
    assert not Message.objects.exists()
    arrive(channel, part(1, "ST"))
    assert Message.objects.get().text == "STOP"
    assert Address.objects.get().state == "opted_out"
    assert InboundFragment.objects.count() == 1


def test_parts_that_do_not_come_leave_a_gap() -> None:
    channel = smsc()
    arrive(channel, part(1, "Hello", 4), part(3, "there", 4))
    assert inbox.give_up_fragments() == 0
    assert inbox.give_up_fragments(clock.now_us() + 2 * fragments.PATIENCE) == 1
    assert Message.objects.get().text == "Hello…there…"
    assert not InboundFragment.objects.exists()


def test_a_character_in_two_halves_is_joined() -> None:
    channel, emoji = smsc(), "😀".encode("utf-16-be")
    moment = clock.now()
    one = InboundPart(PERSON, "a", "r", 1, 2, emoji[:2], moment)
    assert fragments.add(channel, one) is None
    whole = fragments.add(channel, InboundPart(PERSON, "b", "r", 2, 2, emoji[2:], moment))
    assert whole is not None
    assert whole.text == "😀"
