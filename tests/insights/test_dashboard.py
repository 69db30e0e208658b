"""The first page's numbers: a range beside as long a time before, and what is sent now and next."""

from datetime import UTC, timedelta

import pytest

from clarion.broadcasts import launch
from clarion.insights import dashboard
from clarion.kit import clock
from clarion.records import measures
from support import factory

pytestmark = pytest.mark.django_db
DAY = 24 * 60 * measures.MINUTE
NOW = clock.from_us(factory.START)


def test_a_range_is_compared_with_the_time_before() -> None:
    channel = factory.channel()
    at = [0, DAY, 7 * DAY, 8 * DAY, 20 * DAY]
    for number, ago in enumerate(at):
        moment = factory.START - ago
        change = measures.Change(
            1, channel.pk, "sending", "sent", moment, moment,
            was_recovered=False, is_recovered=False,
        )  # fmt: skip
        measures.note({change: 10**number})

    shown = dashboard.in_range("7d", UTC, NOW)

    compared = {one.name: one for one in shown.compared}
    assert (compared["sent"].now, compared["sent"].before) == (11, 1100)
    assert compared["sent"].change == pytest.approx(-0.99)
    assert (compared["delivered"].now, compared["delivered"].before) == (None, None)
    assert (compared["failed"].now, compared["failed"].change) == (0, None)
    with pytest.raises(KeyError):
        dashboard.in_range("1y", UTC, NOW)


def test_what_is_sent_now_and_next() -> None:
    channel = factory.channel()
    factory.people(channel, 2)
    running = factory.sending([channel], title="Running")
    soon, later = (clock.now() + timedelta(days=days) for days in (1, 30))
    launch.start(factory.draft([channel], title="Later", scheduled_at=later), by=factory.BY)
    launch.start(factory.draft([channel], title="Soon", scheduled_at=soon), by=factory.BY)
    daily = factory.live([channel], title="Daily", recurrence={"every": "day", "at": "09:00"})
    factory.draft([channel], title="Draft")

    now = dashboard.now(clock.now())

    assert now.under_way == [running]
    titles = [one.title for _, one in now.upcoming]
    assert sorted(titles) == ["Daily", "Later", "Soon"]
    assert titles[-1] == "Later"
    assert [at for at, _ in now.upcoming] == sorted(at for at, _ in now.upcoming)
    assert daily.next_run_at in [at for at, _ in now.upcoming]
