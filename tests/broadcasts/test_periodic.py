"""Periodic broadcasts: each run is made once, at its time, whatever happens."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from clarion.broadcasts import control, launch, periodic
from clarion.broadcasts.errors import LaunchError
from clarion.broadcasts.models import Broadcast, Pick
from clarion.broadcasts.query import Audience
from clarion.channels.models import Channel
from clarion.content import stories
from clarion.engine import lifecycle
from clarion.kit import clock
from support import factory

pytestmark = pytest.mark.django_db
DAILY = {"every": "day", "at": "09:00"}
BERLIN = "Europe/Berlin"
At = Callable[[str], datetime]


@pytest.fixture
def channel() -> Channel:
    channel = factory.channel()
    factory.people(channel, 2)
    return channel


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> At:
    """Set the clock: all of Clarion sees this moment (given in UTC)."""

    def set_clock(moment: str) -> datetime:
        now = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        monkeypatch.setattr(clock, "now", lambda: now)
        monkeypatch.setattr("clarion.kit.db.now_us", lambda: clock.to_us(now))
        return now

    return set_clock


def live(channel: Channel, recurrence: dict[str, Any] = DAILY, **fields: Any) -> Broadcast:
    usual = {"title": "News", "text": "Hello", "recurrence": recurrence, "time_zone": BERLIN}
    return factory.live([channel], **(usual | fields))


def planned(broadcast: Broadcast) -> str:
    broadcast.refresh_from_db()
    return f"{broadcast.next_run_at:%m-%d %H:%M}"


def runs(broadcast: Broadcast) -> list[str]:
    runs = broadcast.runs.order_by("pk")
    return [f"{run.scheduled_at:%m-%d %H:%M} {run.state}" for run in runs]


def test_c3_each_run_is_a_broadcast_of_its_own(channel: Channel, at: At) -> None:
    at("2024-10-26T06:00")
    broadcast = live(channel)
    assert (broadcast.state, planned(broadcast)) == ("live", "10-26 07:00")
    assert periodic.spawn_due(at("2024-10-26T06:59")) == 0
    assert periodic.spawn_due(at("2024-10-26T07:00")) == 1
    assert periodic.spawn_due(at("2024-10-26T07:01")) == 0
    assert planned(broadcast) == "10-27 08:00"  # the clocks go back: one hour later by UTC
    assert runs(broadcast) == ["10-26 07:00 scheduled"]

    lifecycle.start_due()
    run = broadcast.runs.get()
    factory.expand(run)
    assert (run.state, run.type, run.recurrence, run.is_live) == ("sending", "broadcast", {}, False)
    assert factory.states(run) == {"queued": 2}
    broadcast.refresh_from_db()
    assert broadcast.total == 0


def test_c3_a_run_takes_over_everything_of_its_parent(channel: Channel, at: At) -> None:
    at("2024-05-01T00:00")
    person = factory.people(channel, 1, prefix="picked")[0]
    broadcast = live(
        channel,
        audience=Audience(kind="picks", picked_from="hand", without_tags=[]),
        picks=[person.pk],
        end_open_chats=True,
        rate=3.0,
        data={"season": "spring"},
    )
    periodic.spawn_due(at("2024-05-01T07:00"))
    run = broadcast.runs.get()
    for field in (
        "title", "text", "data_type", "audience", "end_open_chats", "rate", "data", "time_zone",
        "agent", "weight", "priority",
    ):  # fmt: skip
        assert getattr(run, field) == getattr(broadcast, field), field
    assert list(run.channels.all()) == [channel]
    assert list(Pick.objects.filter(broadcast=run).values_list("address", flat=True)) == [person.pk]


def test_c3_a_story_goes_out_in_the_version_that_was_started(channel: Channel, at: At) -> None:
    at("2024-05-01T00:00")
    said = [{"kind": "text", "text": "Hello"}]
    story = stories.create_story(name="Welcome", blocks=said, by=factory.BY)
    started = stories.newest(story)
    broadcast = live(channel, data_type="story", story=story)
    better = [{"kind": "text", "text": "Half a thou"}]
    stories.save_story(story, blocks=better, by=factory.BY, number=started.number)
    periodic.spawn_due(at("2024-05-01T07:00"))
    run = broadcast.runs.get()
    assert (run.story, run.story_version) == (story, started)


@pytest.mark.django_db(transaction=True)
def test_c3_many_engines_make_a_run_once(channel: Channel, at: At) -> None:
    at("2024-05-01T00:00")
    broadcast = live(channel)
    now = at("2024-05-01T07:00")

    def engine(_: int) -> int:
        with closing(connection):
            return periodic.spawn_due(now)

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(engine, range(6))) == 1
    assert broadcast.runs.count() == 1


def test_c6_of_missed_runs_only_the_newest_is_made_and_says_so(channel: Channel, at: At) -> None:
    at("2024-05-01T00:00")
    broadcast = live(channel)
    assert periodic.spawn_due(at("2024-05-04T07:30")) == 1
    assert runs(broadcast) == ["05-04 07:00 scheduled"]
    run = broadcast.runs.get()
    assert run.state_reason == "3 runs before this one were left out: no worker was running then."
    assert planned(broadcast) == "05-05 07:00"


def test_c6_a_run_that_is_too_late_is_missed_and_asks(channel: Channel, at: At) -> None:
    at("2024-05-01T00:00")
    broadcast = live(channel)
    periodic.spawn_due(at("2024-05-02T12:00"))
    lifecycle.start_due()
    assert runs(broadcast) == ["05-02 07:00 missed"]
    launch.accept_missed(broadcast.runs.get(), by=factory.BY)
    assert runs(broadcast) == ["05-02 12:01 scheduled"]


@pytest.mark.parametrize("cron", ["* * * * *", "*/5 8-18 * * 1-5"])
def test_c6_years_without_an_engine_are_soon_over(channel: Channel, at: At, cron: str) -> None:
    at("2024-05-01T00:00")
    broadcast = live(channel, {"every": "cron", "cron": cron}, time_zone="UTC")
    assert periodic.spawn_due(at("2026-05-06T15:00")) == 1
    assert runs(broadcast) == ["05-06 15:00 scheduled"]
    assert broadcast.runs.get().state_reason.startswith("At least 1,000 runs before this one were")


def test_c3_pause_and_resume(channel: Channel, at: At) -> None:
    at("2024-05-01T00:00")
    broadcast = live(channel)
    control.pause(broadcast, by=factory.BY)
    assert periodic.spawn_due(at("2024-05-02T07:10")) == 0
    assert planned(broadcast) == "05-03 07:00"
    # No engine was running at the next one, and somebody resumes before one does.
    at("2024-05-03T07:10")
    control.resume(broadcast, by=factory.BY)
    assert (broadcast.state, planned(broadcast)) == ("live", "05-04 07:00")
    assert periodic.spawn_due(at("2024-05-03T07:11")) == 0
    assert periodic.spawn_due(at("2024-05-04T07:00")) == 1
    assert runs(broadcast) == ["05-04 07:00 scheduled"]


def test_c3_a_stopped_one_makes_no_more_runs(channel: Channel, at: At) -> None:
    at("2024-05-01T00:00")
    broadcast = live(channel)
    control.stop(broadcast, by=factory.BY)
    assert periodic.spawn_due(at("2024-05-02T07:00")) == 0


def test_c3_new_rules_of_a_zone_move_the_next_run(channel: Channel, at: At) -> None:
    at("2024-05-01T00:00")
    broadcast = live(channel)
    # As computed by rules under which the zone was an hour behind.
    Broadcast.objects.filter(pk=broadcast.pk).update(
        next_run_at=datetime(2024, 5, 1, 8, tzinfo=UTC)
    )
    assert periodic.recompute() == 1
    assert planned(broadcast) == "05-01 07:00"
    assert periodic.recompute() == 0
    at("2024-05-01T07:05")  # what is due stays due
    assert periodic.recompute() == 0
    assert planned(broadcast) == "05-01 07:00"


def test_one_whose_next_run_can_not_be_told_does_not_stop_the_others(
    channel: Channel, at: At
) -> None:
    at("2024-05-01T00:00")
    broken, fine = live(channel), live(channel)
    Broadcast.objects.filter(pk=broken.pk).update(time_zone="Gone/Away")
    assert periodic.spawn_due(at("2024-05-01T07:00")) == 1
    broken.refresh_from_db()
    assert broken.state == "paused"
    assert "There is no time zone called “Gone/Away”." in broken.state_reason
    assert runs(fine) == ["05-01 07:00 scheduled"]
    assert periodic.spawn_due(at("2024-05-01T07:01")) == 0


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"recurrence": {"every": "cron", "cron": "0 9 30 2 *"}}, "never runs"),
        ({"recurrence": {"every": "week", "at": "09:00"}}, "Choose the days of the week"),
        ({"text": ""}, "Write a text."),
    ],
)
def test_c3_what_can_not_run_does_not_start(
    channel: Channel, fields: dict[str, Any], says: str
) -> None:
    with pytest.raises(LaunchError, match=says):
        live(channel, **{"recurrence": DAILY, **fields})
    assert Broadcast.objects.get().state == "draft"


def test_c3_words_and_upcoming(channel: Channel, at: At) -> None:
    at("2024-05-01T00:00")
    broadcast = live(channel)
    assert periodic.words(broadcast) == "Every day at 09:00, Europe/Berlin"
    assert [f"{run:%d %H}" for run in periodic.upcoming(broadcast, 2)] == ["01 07", "02 07"]
    assert periodic.words(Broadcast(recurrence={"every": "day"})) == (
        "Write the time of day like 09:00."
    )
