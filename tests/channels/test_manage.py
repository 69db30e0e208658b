"""Adding, changing, pausing and checking channels."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Coroutine
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from channels.telegram.fixtures import TOKEN as TELEGRAM_TOKEN
from channels.webhook.fixtures import SECRET as WEBHOOK_SECRET
from clarion.accounts import audit
from clarion.accounts.models import Agent, AuditEntry
from clarion.channels import manage
from clarion.channels.errors import ChannelError, SettingsError
from clarion.channels.limits import DEFAULT
from clarion.channels.manage import (
    add_channel,
    ask_provider,
    ask_to_register,
    get_channel,
    pause_channel,
    resume_channel,
    update_channel,
)
from clarion.channels.models import Channel
from clarion.channels.signals import paused
from support import factory

BY = audit.COMMAND_LINE
URL = "https://receiver.example/messages"


def add(name: str = "main", **changes: Any) -> Channel:
    fields: dict[str, Any] = {
        "name": name,
        "kind": "webhook",
        "settings": {"url": URL, "secret": WEBHOOK_SECRET},
        "by": BY,
    }
    return add_channel(**{**fields, **changes})


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


@pytest.mark.django_db
def test_adding() -> None:
    agent = Agent.objects.create_agent(name="Eva", email="e@x.example", role="admin", password=None)
    channel = add(" News ", rate=12.5, attempts=3, backoff=2, by=agent)
    stored = Channel.objects.get(pk=channel.pk)
    assert (stored.name, stored.kind, stored.state) == ("News", "webhook", "active")
    assert (stored.rate, stored.attempts, stored.backoff) == (12.5, 3, 2.0)
    assert stored.config["url"] == URL
    assert stored.config["secret"] == WEBHOOK_SECRET
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject, entry.actor) == (
        "channel.add",
        f"channel {stored.pk}",
        "Eva",
    )
    assert WEBHOOK_SECRET not in json.dumps(entry.detail)


@pytest.mark.django_db
def test_settings_are_sealed_in_the_database() -> None:
    add()
    with connection.cursor() as cursor:
        cursor.execute("SELECT config FROM channels_channel")
        (sealed,) = cursor.fetchone()
    assert "receiver" not in sealed
    assert WEBHOOK_SECRET not in sealed


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "settings", "rate"),
    [
        ("webhook", {"url": URL}, None),
        ("telegram", {"token": TELEGRAM_TOKEN}, 30.0),
        ("email", {"host": "h", "sender": "a@b.example"}, 10.0),
    ],
)
def test_the_rate_is_the_kinds_when_none_is_given(
    kind: str, settings: dict[str, str], rate: float | None
) -> None:
    assert add(kind=kind, settings=settings).rate == rate


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": " "}, "name of 1 to 100"),
        ({"name": "x" * 101}, "name of 1 to 100"),
        ({"name": "a\nb"}, "name of 1 to 100"),
        ({"name": "17"}, "only digits"),
        ({"kind": "pigeon"}, "no channel kind"),
        ({"rate": 0.0}, "messages a second"),
        ({"rate": -1.0}, "messages a second"),
        ({"rate": float("nan")}, "messages a second"),
        ({"rate": float("inf")}, "messages a second"),
        ({"attempts": -1}, "attempts must be from 1"),
        ({"attempts": 101}, "attempts must be from 1"),
        ({"backoff": -0.1}, "retry delay must be"),
        ({"backoff": float("nan")}, "retry delay must be"),
        ({"settings": {}}, "url: Fill this in"),
    ],
)
def test_what_can_not_be_added(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ChannelError, match=words):
        add(**changes)
    assert not Channel.objects.exists()
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db
def test_a_name_is_given_once() -> None:
    add("News")
    with pytest.raises(ChannelError, match="already a channel called “News”"):
        add("News")
    assert actions() == ["channel.add"]


@pytest.mark.django_db
def test_changing() -> None:
    channel = add(rate=5.0)
    update_channel(channel, settings={"url": f"{URL}/2", "secret": ""}, rate=None, by=BY)
    stored = Channel.objects.get()
    assert stored.config["url"] == f"{URL}/2"
    assert stored.config["secret"] == WEBHOOK_SECRET
    assert stored.rate is None
    entry = AuditEntry.objects.latest("id")
    assert entry.action == "channel.update"
    assert entry.detail == {"rate": None, "settings": ["url"]}


@pytest.mark.django_db
def test_changing_nothing_is_no_change() -> None:
    channel = add(rate=5.0, attempts=5)
    same: dict[str, Any] = {"rate": 5.0, "attempts": 5, "backoff": DEFAULT}
    update_channel(channel, settings={"url": URL}, **same, by=BY)
    assert actions() == ["channel.add"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changes",
    [{"settings": {"url": "x"}}, {"rate": 0.0}, {"attempts": -1}, {"backoff": -1.0}],
)
def test_a_change_that_is_refused_changes_nothing(changes: dict[str, Any]) -> None:
    channel = add()
    with pytest.raises(ChannelError):
        update_channel(channel, **{"rate": 7.0, "attempts": 2, **changes}, by=BY)
    stored = Channel.objects.get()
    assert (stored.rate, stored.attempts, stored.config) == (None, 5, channel.config)
    assert actions() == ["channel.add"]


@pytest.mark.django_db
def test_settings_that_are_left_out_keep_what_was_stored_meanwhile() -> None:
    channel = add()
    update_channel(Channel.objects.get(), settings={"secret": "new-secret"}, by=BY)
    update_channel(channel, settings={"url": f"{URL}/2"}, by=BY)
    stored = Channel.objects.get()
    assert (stored.config["secret"], stored.config["url"]) == ("new-secret", f"{URL}/2")


@pytest.mark.django_db
def test_finding_one() -> None:
    with pytest.raises(ChannelError, match="Add one first"):
        get_channel("News")
    channel = add("News")
    assert get_channel(" News ") == channel
    with pytest.raises(ChannelError, match=r"no channel called “news”\. Choose one of: News\."):
        get_channel("news")


@pytest.mark.django_db
def test_pausing_and_resuming() -> None:
    told: list[tuple[str, str]] = []

    def listen(sender: object, channel: Channel, reason: str, **_: object) -> None:
        told.append((channel.name, reason))

    paused.connect(listen)
    channel = add("News")
    pause_channel(channel, reason="The token is wrong.", by=audit.WORKER)
    pause_channel(channel, reason="Something else.", by=BY)
    assert (channel.state, channel.paused_reason) == ("paused", "The token is wrong.")
    assert told == [("News", "The token is wrong.")]
    resume_channel(channel, by=BY)
    resume_channel(channel, by=BY)
    assert (channel.state, channel.paused_reason) == ("active", "")
    assert actions() == ["channel.add", "channel.pause", "channel.resume"]
    assert AuditEntry.objects.order_by("id")[1].detail == {"reason": "The token is wrong."}


@pytest.mark.django_db
def test_pausing_with_a_stale_copy_reads_what_is_true() -> None:
    channel, stale = add(), Channel.objects.get()
    pause_channel(channel, reason="First.", by=BY)
    pause_channel(stale, reason="Second.", by=BY)
    assert (stale.state, stale.paused_reason) == ("paused", "First.")


@pytest.mark.django_db(transaction=True)
def test_many_pause_at_once_and_one_does_it() -> None:
    channel = add()

    def pause() -> None:
        pause_channel(Channel.objects.get(pk=channel.pk), reason="Broken.", by=audit.WORKER)
        connection.close()

    threads = [threading.Thread(target=pause) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert actions() == ["channel.add", "channel.pause"]


# Checking and registering, against a peer that answers as told.

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


async def with_peer(
    answer: bytes, then: Callable[[int], Awaitable[str]]
) -> tuple[str, list[bytes]]:
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
        heard.append(head + await reader.readexactly(length))
        writer.write(answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        return await then(port), heard


def http(status: str, body: bytes = b"") -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status.encode(), len(body), body)


def unsaved(kind: str, **config: Any) -> Channel:
    channel = Channel(pk=3, name="main", kind=kind)
    channel.config = config
    return channel


def telegram(port: int) -> Channel:
    return unsaved(
        "telegram",
        token=TELEGRAM_TOKEN,
        api_root=f"http://127.0.0.1:{port}",
        webhook_secret="hush_hush",
    )


@pytest.mark.django_db
@pytest.mark.parametrize("changes", [{"url": "https://new.example.org/"}, {}])
def test_the_result_of_a_check_is_kept_with_the_settings_it_was_made_with(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str]
) -> None:
    channel = factory.channel("Shop", "webhook", url="https://old.example.org/")

    def answer_late(asked: Channel) -> manage.Answer:
        update_channel(Channel.objects.get(pk=asked.pk), settings=changes, by=factory.BY)
        return manage.Answer("It can be reached.")

    monkeypatch.setattr(manage, "_answer", answer_late)
    monkeypatch.setattr(manage, "asyncio", SimpleNamespace(run=lambda answer: answer))
    assert manage.check_channel(channel) == "It can be reached."
    channel.refresh_from_db()
    assert (channel.checked_at is None) == bool(changes)


async def test_checking_a_webhook_sends_no_message() -> None:
    async def check(port: int) -> str:
        url = f"http://127.0.0.1:{port}/messages"
        return (await ask_provider(unsaved("webhook", url=url, allow_private=True))).sentence

    sentence, heard = await with_peer(http("204 No Content"), check)
    assert "can be reached" in sentence
    assert [request.split(b"\r\n")[0] for request in heard] == [b"OPTIONS /messages HTTP/1.1"]


async def test_checking_a_bot() -> None:
    async def check(port: int) -> str:
        return (await ask_provider(telegram(port))).sentence

    body = b'{"ok": true, "result": {"id": 1, "username": "clarion_bot"}}'
    sentence, _ = await with_peer(http("200 OK", body), check)
    assert "@clarion_bot" in sentence
    with pytest.raises(ChannelError, match="BotFather"):
        await with_peer(http("401 Unauthorized", b'{"ok": false}'), check)


async def test_a_private_address_is_refused_unless_it_is_allowed() -> None:
    channel = unsaved("webhook", url="http://127.0.0.1:9/messages")
    with pytest.raises(ChannelError, match="allow private addresses"):
        await ask_provider(channel)


@pytest.mark.parametrize(
    "make",
    [
        lambda port: unsaved("webhook", url=f"http://127.0.0.1:{port}/", allow_private=True),
        telegram,
        lambda port: unsaved("email", host="127.0.0.1", port=port, sender="a@b.example"),
    ],
)
async def test_nobody_there_is_a_sentence_without_secrets(
    make: Callable[[int], Channel], free_port: int
) -> None:
    with pytest.raises(ChannelError, match="nothing accepts connections there") as error:
        await ask_provider(make(free_port))
    assert TELEGRAM_TOKEN not in str(error.value)


async def test_settings_that_no_longer_fit_are_said_to_be_so() -> None:
    for channel in (unsaved("webhook", url=5), unsaved("pigeon")):
        with pytest.raises(ChannelError, match="Save them again"):
            await ask_provider(channel)


async def test_registering_a_bots_webhook() -> None:
    async def register(port: int) -> str:
        return await ask_to_register(telegram(port), "https://clarion.example/")

    answer = http("200 OK", b'{"ok": true, "result": true}')
    sentence, heard = await with_peer(answer, register)
    assert "now sends new messages" in sentence
    assert (
        json.loads(heard[0].partition(b"\r\n\r\n")[2])["url"] == "https://clarion.example/hooks/3/"
    )


async def test_registering_where_there_is_nothing_to_register() -> None:
    channel = unsaved("webhook", url=URL)
    with pytest.raises(ChannelError, match=r"https://clarion\.example/hooks/3/"):
        await ask_to_register(channel, "https://clarion.example")
    with pytest.raises(ChannelError, match="CLARION_PUBLIC_URL"):
        await ask_to_register(telegram(9), "")


async def test_registering_without_a_secret() -> None:
    channel = unsaved("telegram", token=TELEGRAM_TOKEN, webhook_secret="")
    with pytest.raises(ChannelError, match="webhook secret"):
        await ask_to_register(channel, "https://clarion.example")


def test_settings_errors_are_channel_errors() -> None:
    assert issubclass(SettingsError, ChannelError)
    assert issubclass(ChannelError, ValueError)


def _reads_mail(name: str, **settings: str) -> Channel:
    mailbox = {"bounce_host": "imap.example.org", "bounce_username": "b", "bounce_password": "x"}
    return factory.channel(name, "email", **(mailbox | settings))


@pytest.mark.django_db
def test_no_channel_deletes_what_another_one_still_has_to_read() -> None:
    first = _reads_mail("First")
    with pytest.raises(SettingsError, match=r"“First” reads this mailbox too"):
        _reads_mail("Second", bounce_host="IMAP.example.org", bounce_delete="true")
    second = _reads_mail("Second")
    with pytest.raises(SettingsError, match=r"“Second” reads this mailbox too"):
        update_channel(first, settings={"bounce_delete": "true"}, by=factory.BY)
    update_channel(second, settings={"bounce_folder": "Bounces"}, by=factory.BY)
    update_channel(first, settings={"bounce_delete": "true"}, by=factory.BY)
    with pytest.raises(SettingsError, match=r"“First” deletes what it has read in this mailbox"):
        update_channel(second, settings={"bounce_folder": "INBOX"}, by=factory.BY)
    with pytest.raises(SettingsError, match=r"“First” deletes what it has read"):
        _reads_mail("Third")
    factory.sealed(first)  # what nobody can read stands in no one's way
    _reads_mail("Third")
