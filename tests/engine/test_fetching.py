"""Fetching what came in: stored before it is confirmed, by one worker at a time."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from clarion.channels.abilities import Fetched, FetchRefused
from clarion.channels.contract import Reply, Request
from clarion.channels.manage import update_channel
from clarion.channels.models import Channel
from clarion.chats.models import Message
from clarion.engine import fetching, inbox
from clarion.engine.fetching import Turn
from clarion.engine.models import Callback, FetchPosition
from clarion.kit import clock, db
from clarion.transport.errors import NotSent
from clarion.transport.messages import HttpReply, HttpRequest
from support import factory

pytestmark = pytest.mark.django_db


def bot(**settings: Any) -> Channel:
    return factory.channel(
        kind="telegram", token="123456:ABC", **{"updates": "polling", **settings}
    )


def update(number: int, text: str) -> bytes:
    chat = {"id": 17, "type": "private", "first_name": "Ben"}
    message = {"message_id": number, "date": 1, "chat": chat, "from": chat, "text": text}
    return json.dumps({"update_id": number, "message": message}).encode()


def turn_of(channel: Channel) -> Turn:
    turn = fetching.take(channel.pk)
    assert turn is not None
    return turn


def test_what_was_fetched_and_how_far_is_stored_together_and_applied() -> None:
    channel = bot()
    turn = turn_of(channel)
    kept = fetching.keep(turn, Fetched((update(7, "Hello"), update(8, "Bye")), "9"))
    assert kept is not None
    assert (kept.cursor, FetchPosition.objects.get().cursor) == ("9", "9")
    request = kept.request()
    assert isinstance(request, HttpRequest)
    assert b'"offset":9' in request.body

    while inbox.apply_waiting():
        pass
    assert sorted(Message.objects.values_list("text", flat=True)) == ["Bye", "Hello"]


def test_one_worker_asks_and_another_one_when_its_turn_is_over() -> None:
    channel = bot()
    assert fetching.to_serve() == [channel.pk]
    first = turn_of(channel)
    assert fetching.to_serve() == []
    assert fetching.take(channel.pk) is None

    FetchPosition.objects.update(lease_until=clock.from_us(db.now_us() - 1))  # it froze
    second = turn_of(channel)
    assert fetching.keep(first, Fetched((update(7, "Hello"),), "8")) is None
    assert not Callback.objects.exists(), "it is fetched again by the other one"
    assert fetching.keep(second, Fetched((update(7, "Hello"),), "8")) is not None
    fetching.give_back(first, "", 0)  # whose turn it is not any longer
    assert fetching.take(channel.pk) is None
    fetching.give_back(second, "", 0)
    assert turn_of(channel).cursor == "8"


def test_a_channel_with_a_webhook_is_left_alone() -> None:
    channel = bot(updates="webhook")
    assert fetching.to_serve() == []
    assert fetching.take(channel.pk) is None


def test_a_changed_setting_ends_the_turn() -> None:
    channel = bot()
    turn = turn_of(channel)
    update_channel(channel, by=factory.BY, settings={"updates": "webhook"})
    assert fetching.keep(turn, Fetched((update(7, "Hello"),), "8")) is None
    assert not Callback.objects.exists()


def test_a_refusal_is_shown_as_a_failed_check_until_it_works_again() -> None:
    channel = bot()
    fetching.give_back(turn_of(channel), "A webhook is registered for this bot.", fetching.REST)
    channel.refresh_from_db()
    assert (channel.check_failed, channel.check_result) == (
        True, "A webhook is registered for this bot.",
    )  # fmt: skip
    assert fetching.to_serve() == [], "it rests"

    FetchPosition.objects.update(lease_until=clock.from_us(0))
    assert fetching.keep(turn_of(channel), Fetched((), "")) is not None
    channel.refresh_from_db()
    assert (channel.check_failed, channel.check_result) == (False, fetching.WORKS)


class Provider:
    """Answers requests in order; then holds them open."""

    def __init__(self, *replies: HttpReply | Exception) -> None:
        self.replies = list(replies)
        self.held_open = asyncio.Event()

    async def send(self, request: Request) -> Reply:
        if not self.replies:
            self.held_open.set()
            await asyncio.Event().wait()
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply


class Database:
    """Stands in for the database: what was kept and given back."""

    def __init__(self, kind: Any) -> None:
        self.turn = Turn(1, kind, "t", "")
        self.kept: list[Fetched] = []
        self.given_back: list[tuple[str, int]] = []

    async def run(self, work: Callable[..., Any], *args: Any) -> Any:
        if work is fetching.to_serve:
            return [1]
        if work is fetching.take:
            return self.turn
        if work is fetching.keep:
            self.kept.append(args[1])
            return self.turn
        assert work is fetching.give_back
        self.given_back.append(args[1:])
        return None


def kind() -> Any:
    from clarion.channels.telegram.config import TelegramConfig
    from clarion.channels.telegram.kind import TelegramKind

    return TelegramKind(TelegramConfig.model_validate({"token": "1:A", "updates": "polling"}))


async def test_it_asks_on_until_it_is_told_to_stop_and_gives_the_lease_back() -> None:
    updates = {"ok": True, "result": [json.loads(update(7, "Hello"))]}
    provider = Provider(HttpReply(200, {}, json.dumps(updates).encode()))
    database = Database(kind())
    fetchers = fetching.Fetchers(database.run, provider.send)
    await fetchers.serve_channels()
    await asyncio.wait_for(provider.held_open.wait(), 30)
    await fetchers.close()
    assert [each.cursor for each in database.kept] == ["8"]
    assert database.given_back == [("", 0)]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            HttpReply(409, {}, b'{"ok":false,"description":"Conflict: webhook is active"}'),
            "webhook",
        ),
        (NotSent("The server can't be reached."), ""),
    ],
)
async def test_after_a_refusal_it_rests(answer: Any, words: str) -> None:
    database = Database(kind())
    fetchers = fetching.Fetchers(database.run, Provider(answer).send)
    await fetchers.serve_channels()
    for task in list(fetchers._tasks.values()):
        await asyncio.wait_for(task, 30)
    ((problem, rest),) = database.given_back
    assert rest == fetching.REST
    assert words in problem
    assert bool(words) is bool(problem), "a moment without a connection is no problem yet"
    assert not database.kept


async def test_a_connection_that_is_missing_for_long_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fetching, "LONG", 0.0)
    database = Database(kind())
    provider = Provider(NotSent("The server can't be reached."))
    fetchers = fetching.Fetchers(database.run, provider.send)
    await fetchers.serve_channels()
    for task in list(fetchers._tasks.values()):
        await asyncio.wait_for(task, 30)
    assert database.given_back == [("The server can't be reached.", fetching.REST)]


async def test_a_server_that_holds_no_request_open_is_not_asked_without_a_pause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fetching, "PAUSE", 3_600 * clock.SECOND)  # however slow this machine is
    provider = Provider(*[HttpReply(200, {}, b'{"ok": true, "result": []}')] * 3)
    database = Database(kind())
    fetchers = fetching.Fetchers(database.run, provider.send)
    await fetchers.serve_channels()
    for task in list(fetchers._tasks.values()):
        await asyncio.wait_for(task, 30)
    assert database.given_back == [("", fetching.PAUSE)]
    assert len(provider.replies) == 2


class Unwilling:
    """A kind whose provider gives out nothing, and must not be asked again soon."""

    def fetch(self, cursor: str) -> Request:
        """Any request."""
        return HttpRequest("GET", "https://mail.example/")

    def fetched(self, reply: Reply, cursor: str) -> Fetched:
        """A refusal."""
        raise FetchRefused("The login was refused.", 300.0)


class Slow(Unwilling):
    """A kind that is asked once an hour."""

    def fetched(self, reply: Reply, cursor: str) -> Fetched:
        """Nothing new."""
        return Fetched((), "7", pause=3_600.0)


@pytest.mark.parametrize(
    ("of", "given_back"),
    [
        (Unwilling(), ("The login was refused.", 300 * clock.SECOND)),
        (Slow(), ("", 3_600 * clock.SECOND)),
    ],
)
async def test_a_kind_says_how_long_its_provider_is_left_in_peace(
    of: Any, given_back: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "FetchesUpdates", Unwilling)
    database = Database(of)
    fetchers = fetching.Fetchers(database.run, Provider(HttpReply(200, {}, b"")).send)
    await fetchers.serve_channels()
    for task in list(fetchers._tasks.values()):
        await asyncio.wait_for(task, 30)
    assert database.given_back == [given_back]
