"""Spans of time: whole days of a zone also when clocks change, and the same time before."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from clarion.insights import spans
from clarion.insights.spans import DAY, HOUR, MINUTE, QUARTER

BERLIN, KATHMANDU = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu")
NOW = datetime(2026, 11, 30, 10, 17, 5, tzinfo=UTC)


def test_days_are_those_of_the_zone() -> None:
    week = spans.latest("7d", BERLIN, NOW)

    assert len(week.starts) == 7
    assert week.since == datetime(2026, 11, 24, tzinfo=BERLIN)
    assert week.until == datetime(2026, 12, 1, tzinfo=BERLIN)


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_a_day_on_which_clocks_change_is_whole(day: str, hours: int) -> None:
    noon = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=BERLIN)

    began, ended = spans.latest("7d", BERLIN, noon).pairs()[-1]

    assert ended - began == hours * 3_600_000_000


def test_hours_end_with_the_running_one() -> None:
    day = spans.latest("24h", KATHMANDU, NOW)  # 16:02 there

    assert len(day.starts) == 24
    assert day.until == datetime(2026, 11, 30, 17, tzinfo=KATHMANDU)
    assert {bound.minute for bound in day.bounds} == {0}
    with pytest.raises(KeyError):
        spans.latest("1y", UTC, NOW)


@pytest.mark.parametrize("name", spans.RANGES)
@pytest.mark.parametrize("zone", [UTC, BERLIN, KATHMANDU])
def test_the_time_before_is_as_long_and_does_not_overlap(name: str, zone: ZoneInfo) -> None:
    now = spans.latest(name, zone, NOW)
    since, until = spans.before(now, NOW)

    # By the seconds: within one zone, Python subtracts what clocks show.
    began, ended, today = (moment.timestamp() for moment in (since, until, now.since))
    passed = NOW.timestamp() - today
    assert began < ended <= today
    assert 0 <= (ended - began) - passed < 900
    assert until.timestamp() % 900 == since.timestamp() % 900 == 0


def test_before_a_day_with_clocks_changed_are_as_many_days() -> None:
    now = spans.latest("7d", BERLIN, datetime(2026, 3, 31, 12, tzinfo=BERLIN))

    since, until = spans.before(now, datetime(2026, 3, 31, 12, tzinfo=BERLIN))

    assert since == datetime(2026, 3, 18, tzinfo=BERLIN)
    assert until.date() == datetime(2026, 3, 24, tzinfo=BERLIN).date()


@pytest.mark.parametrize(
    ("length", "step", "most"),
    [
        (timedelta(0), MINUTE, 1),
        (timedelta(minutes=59), MINUTE, 60),
        (HOUR, QUARTER, 6),
        (timedelta(hours=11), QUARTER, 48),
        (timedelta(hours=30), HOUR, 32),
        (timedelta(days=60), DAY, 62),
    ],
)
def test_a_broadcast_has_spans_that_fit_its_length(
    length: timedelta, step: timedelta, most: int
) -> None:
    first = NOW.replace(second=0)

    fitted = spans.of_broadcast(first, first + length, BERLIN)

    assert fitted.step == step
    assert fitted.since <= first
    assert fitted.until > first + length
    assert len(fitted.starts) <= most
