"""Whether a story's webhook is down or fails for its person: what a control question decides."""

import asyncio
from collections.abc import Callable

import pytest

from clarion.channels.contract import Reply, Request
from clarion.channels.models import Channel
from clarion.engine import snapshot, story_watch
from clarion.engine.attempt import requeued
from clarion.engine.claim import Claimed
from clarion.engine.control_question import asked_before
from clarion.engine.results import StoryDown
from clarion.engine.story_watch import StoryWatch
from clarion.records.deliveries.settle import Settlement
from clarion.transport.messages import HttpReply, HttpRequest
from engine.stories import launch, story, text, webhook
from support import factory

BROADCAST, CHANNEL = 7, 3
OLD, NEW = HttpRequest("POST", "https://old.example/"), HttpRequest("POST", "https://new.example/")


def person(delivery: int) -> Claimed:
    return Claimed(delivery, BROADCAST, delivery, 0, False, 0, "u", "active", {}, 0)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(story_watch, "KEPT", 0.0)


def judge(
    steps: list[int], *, control: HttpRequest | None, asks: Callable[[], HttpRequest | None]
) -> tuple[dict[int, str], list[Settlement], list[Claimed]]:
    """What becomes of a person for each step whose webhook, NEW, fails: down, charged, kept.

    ``control``: what was answered before; it is answered again. ``asks`` looks for another one.
    """
    charged: list[Settlement] = []

    async def answer(_: Request) -> Reply:
        return HttpReply(200, {}, b"")

    async def look(_: int, __: int) -> HttpRequest | None:
        return asks()

    async def run() -> tuple[dict[int, str], list[Settlement], list[Claimed]]:
        watch = StoryWatch(charged.append, answer, look, lambda _: None)
        for step in steps:
            if control is not None:
                watch.answered((BROADCAST, step), control, 0.0)
            failing = person(step + 1)
            watch.failed(failing, requeued(failing, CHANNEL), StoryDown(step, NEW, "It is down."))
        watch.ask_controls()
        for _ in range(5):
            await asyncio.sleep(0)
        return watch.down(), charged, watch.give_up()

    return asyncio.run(run())


def test_a_control_that_is_answered_shows_that_it_fails_for_its_person() -> None:
    down, charged, kept = judge([0], control=NEW, asks=lambda: None)
    assert (down, [s.delivery for s in charged], kept) == ({}, [1], [])


def test_the_webhook_that_a_live_broadcast_had_before_proves_nothing() -> None:
    down, charged, kept = judge([0], control=OLD, asks=lambda: None)
    assert (down, charged, len(kept)) == ({BROADCAST: "It is down."}, [], 1)


def test_nobody_is_kept_back_for_good_where_no_control_can_be_made() -> None:
    down, charged, kept = judge([0], control=None, asks=lambda: [NEW][1])
    assert (down, charged, len(kept)) == ({BROADCAST: "It is down."}, [], 1)


def test_two_webhooks_that_are_down_make_a_broadcast_wait_once() -> None:
    down, _, kept = judge([0, 1], control=None, asks=lambda: None)
    assert (list(down), len(kept)) == ([BROADCAST], 2)


@pytest.mark.django_db
@pytest.mark.parametrize("step", [0, 1])
def test_a_story_that_got_shorter_meanwhile_has_no_control(step: int, channel: Channel) -> None:
    factory.people(channel, 1)
    broadcast = launch(channel, story(text("Hello")))
    assert asked_before(snapshot.job(broadcast.pk, 1), step) is None


def test_a_webhook_step_is_asked_for_by_nobody_yet(channel: Channel, db: None) -> None:
    broadcast = launch(channel, story(webhook("https://new.example/")))
    assert asked_before(snapshot.job(broadcast.pk, 1), 0) is None
