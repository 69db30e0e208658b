"""Trouble of an account or its server uses up nobody's attempts, however few people there are."""

import socket
import ssl
import threading
from contextlib import ExitStack
from typing import Any

import pytest
from django.conf import settings
from django.db.models import Max, Value
from django.db.models.functions import Concat

from clarion.broadcasts import launch
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.reconcile import reconcile
from clarion.channels.limits import DEFAULT
from clarion.channels.manage import end_wait, resume_channel, update_channel
from clarion.channels.models import Channel
from clarion.channels.webhook import kind
from clarion.contacts.models import Address
from clarion.engine.pipeline import DOWN_AFTER
from clarion.engine.process import ThreadedWorker
from clarion.kit import clock
from clarion.records.models import Delivery, Record
from crash.rehearsal import wait_completed
from engine.mailbox import Mailbox, mail_channel, serve, welcome
from support import factory
from support.listener import Heard, Listener
from support.ports import closed_port
from support.sizes import EACH_SIZE, FEW, MANY
from support.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


class SilentServer:
    """Accepts connections, and says nothing."""

    def __enter__(self) -> str:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=4_000)
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/hook"

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def started(channel: Channel, people: int) -> Broadcast:
    factory.people(channel, people)
    Address.objects.update(value=Concat("value", Value("@x.example")))
    return launch.start(factory.draft([channel]), by=factory.BY, undo_seconds=0)


def is_all_queued(broadcast: Broadcast, people: int) -> bool:
    return factory.states(broadcast) == {"queued": people}


def assert_nobody_was_charged(broadcast: Broadcast, people: int) -> None:
    """All are queued still, and no attempt was counted or recorded."""
    eventually(lambda: is_all_queued(broadcast, people), timeout=120)
    assert Delivery.objects.aggregate(most=Max("attempts")) == {"most": 0}
    assert not Record.objects.exists()
    broadcast.refresh_from_db()
    assert broadcast.state == "sending"


@pytest.mark.parametrize("people", EACH_SIZE)
@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("self-signed", "certificate is not trusted"),
        ("no-starttls", "does not offer STARTTLS"),
        ("tls-on-a-plain-port", "TLS handshake failed"),
        ("only-xoauth2", "offers no login with a password"),
    ],
)
def test_settings_that_can_not_be_right_pause_the_channel(
    database_url: str,
    servers: ExitStack,
    server_tls: ssl.SSLContext,
    people: int,
    trouble: str,
    words: str,
) -> None:
    mailbox = Mailbox(mechanism="XOAUTH2" if trouble == "only-xoauth2" else "")
    login = {"username": "u", "password": "p"} if trouble == "only-xoauth2" else {}
    security = {"only-xoauth2": "none", "tls-on-a-plain-port": "tls"}.get(trouble, "starttls")
    options = {"tls_context": server_tls} if trouble == "self-signed" else {}
    port = serve(servers, mailbox, **options)
    channel = mail_channel(port, security=security, **login)
    broadcast = started(channel, people)

    def is_paused() -> bool:
        channel.refresh_from_db()
        return channel.state == "paused"

    with ThreadedWorker():
        eventually(is_paused, timeout=120)
        assert words in channel.paused_reason
        assert channel.paused_at is not None
        assert_nobody_was_charged(broadcast, people)
        if people == FEW:
            port = serve(servers, Mailbox(), auth_require_tls=False, authenticator=welcome)
            good = {"security": "none", "port": str(port)}
            update_channel(channel, settings=good | login, by=factory.BY)
            resume_channel(channel, by=factory.BY)
            wait_completed(broadcast, 120)
            assert factory.states(broadcast) == {"sent": people}
            assert channel.paused_at is None
    assert reconcile(broadcast.pk).ok


@pytest.mark.parametrize("people", EACH_SIZE)
@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("closed-port", "nothing accepts connections there"),
        (
            "450 4.1.8 <n@x>: Sender address rejected: Domain not found",
            "refused the sender",
        ),
        ("451 4.3.0 Temporary lookup failure", "accepts no mail at the moment"),
    ],
)
def test_a_server_that_takes_nothing_makes_the_channel_wait(
    database_url: str, servers: ExitStack, people: int, trouble: str, words: str
) -> None:
    with closed_port() as port:
        mailbox = Mailbox(sender_refused="" if trouble == "closed-port" else trouble)
        if trouble != "closed-port":
            port = serve(servers, mailbox)
        channel = mail_channel(port)
        broadcast = started(channel, people)

        def waits_again() -> bool:
            """Tried once more with one message, and still waiting since the first time."""
            channel.refresh_from_db()
            since, until = channel.waits_since, channel.waits_until
            return bool(since and until) and (until - since).total_seconds() > 2

        with ThreadedWorker():
            eventually(waits_again, timeout=120)
            assert (channel.state, words in channel.waits_reason) == ("active", True)
            assert_nobody_was_charged(broadcast, people)

            if trouble == "closed-port":
                serve(servers, mailbox, port=port)
            mailbox.sender_refused = ""
            end_wait(channel, by=factory.BY)
            wait_completed(broadcast, 300)

            def is_forgotten() -> bool:
                channel.refresh_from_db()
                return channel.waits_since is None

            eventually(is_forgotten, timeout=60)
    assert factory.states(broadcast) == {"sent": people}
    assert len(set(mailbox.received)) == len(mailbox.received) == people
    assert (channel.waits_until, channel.waits_reason) == (None, "")
    assert not Record.objects.filter(status="error").exists()
    assert reconcile(broadcast.pk).ok


def test_a_server_that_takes_nothing_is_tried_with_one_message_at_a_time(
    database_url: str, servers: ExitStack
) -> None:
    mailbox = Mailbox(sender_refused="450 4.1.8 <n@x.example>: Domain not found")
    channel = mail_channel(serve(servers, mailbox))
    started(channel, 500)
    with ThreadedWorker():
        eventually(lambda: mailbox.froms >= 1, timeout=60)
        eventually(lambda: Channel.objects.get().waits_until, timeout=60)
        eventually(lambda: not Delivery.objects.filter(state="sending").exists(), timeout=60)
        first = mailbox.froms
        eventually(lambda: mailbox.froms >= first + 2, timeout=60)
        until = Channel.objects.get().waits_until
        assert until is not None
        eventually(lambda: Channel.objects.get().waits_until > until, timeout=60)
        assert mailbox.froms <= first + 4


@pytest.mark.parametrize("people", EACH_SIZE)
def test_a_mail_server_that_answers_later_is_asked_again_after_minutes(
    database_url: str, servers: ExitStack, people: int
) -> None:
    mailbox = Mailbox()
    mailbox.recipient_refused = "451 4.7.1 Please try again later"
    channel = mail_channel(serve(servers, mailbox))
    update_channel(channel, backoff=DEFAULT, by=factory.BY)
    broadcast = started(channel, people)

    def all_were_attempted() -> bool:
        return Record.objects.filter(status="error").count() == people

    with ThreadedWorker():
        eventually(all_were_attempted, timeout=120)
        eventually(lambda: is_all_queued(broadcast, people), timeout=60)
    recorded = dict(Record.objects.values_list("delivery", "recorded_at"))
    for delivery in Delivery.objects.all():
        assert delivery.attempts == 1
        assert delivery.due_at is not None
        assert 290 < (delivery.due_at - recorded[delivery.pk]).total_seconds() <= 300


@pytest.mark.parametrize("people", EACH_SIZE)
def test_a_webhook_that_is_not_there_makes_the_channel_wait(database_url: str, people: int) -> None:
    with closed_port() as port:
        channel = factory.channel(url=f"http://127.0.0.1:{port}/hook", attempts=1)
        factory.people(channel, people)
        broadcast = launch.start(factory.draft([channel]), by=factory.BY, undo_seconds=0)

        def waits() -> bool:
            channel.refresh_from_db()
            return channel.waits_since is not None

        with ThreadedWorker():
            eventually(waits, timeout=120)
            assert "nothing accepts connections there" in channel.waits_reason
            assert_nobody_was_charged(broadcast, people)


@pytest.mark.parametrize("people", EACH_SIZE)
def test_a_webhook_that_answers_503_uses_up_nobodys_attempts(
    database_url: str, people: int
) -> None:
    being_replaced = [True]

    def answer(heard: Heard) -> tuple[int, Any]:
        return (503 if being_replaced[0] else 200), {}

    with Listener(answer) as listener:
        channel = factory.channel(url=f"{listener.url}/in", attempts=1)
        factory.people(channel, people)
        broadcast = launch.start(factory.draft([channel]), by=factory.BY, undo_seconds=0)
        with ThreadedWorker():
            eventually(lambda: Channel.objects.get().waits_since, timeout=60)
            assert Channel.objects.get().waits_reason == "The receiver is not available (503)."
            assert_nobody_was_charged(broadcast, people)
            if people == FEW:
                being_replaced[0] = False
                wait_completed(broadcast, 60)
                assert factory.states(broadcast) == {"sent": FEW}


@pytest.mark.parametrize("people", EACH_SIZE)
def test_a_server_that_never_answers_leaves_one_recipient_in_doubt(
    database_url: str, people: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kind, "_TIMEOUT", 0.5)
    with SilentServer() as url:
        channel = factory.channel(url=url)
        factory.people(channel, people)
        broadcast = launch.start(factory.draft([channel]), by=factory.BY, undo_seconds=0)

        def waits_again() -> bool:
            """Tried once more, and still waiting since the first time."""
            channel.refresh_from_db()
            since, until = channel.waits_since, channel.waits_until
            return bool(since and until) and (until - since).total_seconds() > 2

        with ThreadedWorker():
            eventually(waits_again, timeout=60)
            assert "no complete reply came within 0.5 s" in channel.waits_reason
            eventually(lambda: not factory.states(broadcast).get("sending"), timeout=60)
        assert factory.states(broadcast) == {"in_doubt": 1, "queued": people - 1}
    assert reconcile(broadcast.pk).ok


def test_a_server_that_answers_checks_only_is_sent_little(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kind, "_TIMEOUT", 0.3)
    silent, held = threading.Event(), threading.Event()
    silent.set()

    def answer(heard: Heard) -> tuple[int, Any]:
        if silent.is_set():
            held.wait(60)
        return 200, {}

    with Listener(answer) as listener:
        channel = factory.channel(url=f"{listener.url}/hook")
        factory.people(channel, 50)
        broadcast = launch.start(factory.draft([channel]), by=factory.BY, undo_seconds=0)
        with ThreadedWorker():
            eventually(lambda: Channel.objects.get().waits_since, timeout=60)
            assert factory.states(broadcast).get("in_doubt", 0) <= DOWN_AFTER
            monkeypatch.setattr(kind, "_TIMEOUT", 30.0)  # the machine may be slow
            silent.clear()
            held.set()
            end_wait(channel, by=factory.BY)
            wait_completed(broadcast, 60)
    states = factory.states(broadcast)
    assert states["in_doubt"] <= DOWN_AFTER + 1
    assert states["sent"] == 50 - states["in_doubt"]


def test_a_server_that_stops_answering_is_sent_no_more_than_is_on_the_wire(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kind, "_TIMEOUT", 2.0)
    silent, held = threading.Event(), threading.Event()

    def answer(heard: Heard) -> tuple[int, Any]:
        if silent.is_set():
            held.wait(60)
        return 200, {}

    with Listener(answer) as listener:
        channel = factory.channel(url=f"{listener.url}/hook", rate=500.0)
        factory.people(channel, MANY)
        broadcast = launch.start(factory.draft([channel]), by=factory.BY, undo_seconds=0)
        with ThreadedWorker():
            eventually(lambda: factory.states(broadcast).get("sent", 0) > 100, timeout=60)
            silent.set()
            eventually(lambda: Channel.objects.get().waits_since, timeout=60)
            eventually(lambda: factory.states(broadcast).get("sending", 0) <= 1, timeout=60)
            states = factory.states(broadcast)
            most_at_once = settings.CLARION.concurrency
            assert 0 < states["in_doubt"] <= most_at_once + 5
            assert states["queued"] > 0
            held.set()
            silent.clear()
            end_wait(channel, by=factory.BY)
            wait_completed(broadcast, 300)
    assert reconcile(broadcast.pk).ok


def bot(listener: Listener) -> Channel:
    return factory.channel("bot", "telegram", token="123456:abc", api_root=listener.url)


def too_many(seconds: int) -> tuple[int, Any]:
    description = f"Too Many Requests: retry after {seconds}"
    parameters = {"retry_after": seconds}
    return 429, {"ok": False, "error_code": 429, "description": description,
                 "parameters": parameters}  # fmt: skip


@pytest.mark.parametrize("people", EACH_SIZE)
def test_a_limit_of_the_account_makes_the_channel_wait_until_somebody_ends_that(
    database_url: str, people: int
) -> None:
    flooded = [True]

    def answer(heard: Heard) -> tuple[int, Any]:
        return too_many(10_080) if flooded[0] else (200, {"ok": True, "result": {"message_id": 1}})

    with Listener(answer) as listener:
        channel = bot(listener)
        factory.people(channel, people, prefix="100")
        broadcast = launch.start(factory.draft([channel]), by=factory.BY, undo_seconds=0)

        def waits_long() -> bool:
            channel.refresh_from_db()
            until = channel.waits_until
            return until is not None and (until - clock.now()).total_seconds() > 9_000

        with ThreadedWorker():
            eventually(waits_long, timeout=60)
            assert channel.waits_reason == "Telegram asks us to wait (429, too many requests)."
            assert_nobody_was_charged(broadcast, people)

            if people == FEW:
                flooded[0] = False
                assert end_wait(channel, by=factory.BY)
                wait_completed(broadcast, 60)
                assert factory.states(broadcast) == {"sent": people}


def test_a_limit_of_one_group_does_not_silence_the_bot(database_url: str) -> None:
    def answer(heard: Heard) -> tuple[int, Any]:
        if str(heard.body["chat_id"]).startswith("-"):
            return too_many(10_080)
        return 200, {"ok": True, "result": {"message_id": 1}}

    with Listener(answer) as listener:
        channel = bot(listener)
        people = factory.people(channel, 10, prefix="100")
        Address.objects.filter(pk=people[0].pk).update(value="-1001234")
        broadcast = launch.start(factory.draft([channel]), by=factory.BY, undo_seconds=0)
        with ThreadedWorker():
            eventually(lambda: factory.states(broadcast) == {"sent": 9, "queued": 1}, timeout=60)
    waiting = Delivery.objects.get(state="queued")
    assert (waiting.address_id, waiting.attempts) == (people[0].pk, 0)
    assert (waiting.due_at - clock.now()).total_seconds() > 9_000
    channel.refresh_from_db()
    assert channel.waits_until is None
