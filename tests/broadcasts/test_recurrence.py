"""When periodic broadcasts run, across every kind of clock change."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clarion.broadcasts.errors import RecurrenceError
from clarion.broadcasts.recurrence import next_run, parse, runs, words

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
ISTANBUL, SAO_PAULO, PYONGYANG = "Europe/Istanbul", "America/Sao_Paulo", "Asia/Pyongyang"
APIA = "Pacific/Apia"
ZONES = [BERLIN, NEW_YORK, LORD_HOWE, ISTANBUL, SAO_PAULO, PYONGYANG, APIA, "UTC", "Asia/Kathmandu"]


def local(rule: dict[str, object], zone: str, after: str, count: int) -> list[str]:
    """The runs by the clock on the wall, with the offset from UTC where it says more."""
    start = datetime.fromisoformat(after).replace(tzinfo=ZoneInfo(zone))
    moments = runs(parse(rule), zone, start, count)
    return [f"{moment.astimezone(ZoneInfo(zone)):%m-%d %H:%M%z}" for moment in moments]


def daily(at: str) -> dict[str, object]:
    return {"every": "day", "at": at}


def cron(expression: str) -> dict[str, object]:
    return {"every": "cron", "cron": expression}


def test_c3_a_time_that_the_clocks_skip_runs_once_shortly_after() -> None:
    assert local(daily("02:30"), BERLIN, "2024-03-30T00:00", 3) == [
        "03-30 02:30+0100", "03-31 03:00+0200", "04-01 02:30+0200",
    ]  # fmt: skip
    assert local(daily("02:30"), NEW_YORK, "2024-03-09T12:00", 2) == [
        "03-10 03:00-0400", "03-11 02:30-0400",
    ]  # fmt: skip
    assert local(daily("02:15"), LORD_HOWE, "2024-10-05T12:00", 2) == [
        "10-06 02:30+1100", "10-07 02:15+1100",
    ]  # fmt: skip
    assert local(daily("00:00"), SAO_PAULO, "2018-11-03T12:00", 2) == [
        "11-04 01:00-0200", "11-05 00:00-0200",
    ]  # fmt: skip


def test_c3_a_time_that_comes_twice_runs_once() -> None:
    assert local(daily("02:30"), BERLIN, "2024-10-26T12:00", 2) == [
        "10-27 02:30+0200", "10-28 02:30+0100",
    ]  # fmt: skip
    assert local(daily("01:45"), LORD_HOWE, "2024-04-06T12:00", 2) == [
        "04-07 01:45+1100", "04-08 01:45+1030",
    ]  # fmt: skip


def test_c3_asked_within_the_second_of_two_equal_hours_it_is_tomorrow() -> None:
    second = datetime(2024, 10, 27, 2, 10, tzinfo=ZoneInfo(BERLIN), fold=1)
    assert next_run(parse(daily("02:30")), BERLIN, second) == datetime(
        2024, 10, 28, 1, 30, tzinfo=UTC
    )


def test_c3_several_skipped_times_are_one_run() -> None:
    assert local(cron("*/20 2,3 * * *"), BERLIN, "2024-03-31T00:00", 4) == [
        "03-31 03:00+0200", "03-31 03:20+0200", "03-31 03:40+0200", "04-01 02:00+0200",
    ]  # fmt: skip


@pytest.mark.parametrize("expression", ["0 * * * *", "0 0-23 * * *", "0 */1 * * *"])
def test_c3_hourly_runs_every_real_hour(expression: str) -> None:
    for zone, day in [
        (BERLIN, "2024-03-31"), (BERLIN, "2024-10-27"), (NEW_YORK, "2024-11-03"),
        (SAO_PAULO, "2018-02-17"), (ISTANBUL, "2016-09-07"),
    ]:  # fmt: skip
        start = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)) - timedelta(minutes=1)
        moments = runs(parse(cron(expression)), zone, start, 50)
        gaps = {after - before for before, after in pairwise(moments)}
        assert gaps == {timedelta(hours=1)}, (zone, day)


def test_c3_hourly_where_clocks_change_by_half_an_hour() -> None:
    assert local(cron("0 * * * *"), LORD_HOWE, "2024-04-07T00:30", 3) == [
        "04-07 01:00+1100", "04-07 02:00+1030", "04-07 03:00+1030",
    ]  # fmt: skip
    assert local(cron("45 * * * *"), LORD_HOWE, "2024-04-07T01:00", 3) == [
        "04-07 01:45+1100", "04-07 01:45+1030", "04-07 02:45+1030",
    ]  # fmt: skip
    assert local(cron("0 * * * *"), LORD_HOWE, "2024-10-06T00:30", 2) == [
        "10-06 01:00+1030", "10-06 03:00+1100",
    ]  # fmt: skip


def test_c3_zones_that_changed_their_rules() -> None:
    # Turkey stayed in summer time in 2016: no change in October any more.
    assert local(daily("03:30"), ISTANBUL, "2016-10-29T12:00", 2) == [
        "10-30 03:30+0300", "10-31 03:30+0300",
    ]  # fmt: skip
    assert local(daily("03:30"), ISTANBUL, "2015-11-07T12:00", 2) == [
        "11-08 03:30+0300", "11-09 03:30+0200",
    ]  # fmt: skip
    # Brazil gave up summer time in 2019.
    assert local(daily("00:30"), SAO_PAULO, "2019-11-02T12:00", 2) == [
        "11-03 00:30-0300", "11-04 00:30-0300",
    ]  # fmt: skip
    # North Korea went half an hour back in August 2015, and forward again on 4 May 2018 at 23:30.
    assert local(daily("23:45"), PYONGYANG, "2015-08-13T12:00", 3) == [
        "08-13 23:45+0900", "08-14 23:45+0900", "08-15 23:45+0830",
    ]  # fmt: skip
    assert local(daily("23:45"), PYONGYANG, "2018-05-03T12:00", 3) == [
        "05-03 23:45+0830", "05-05 00:00+0900", "05-05 23:45+0900",
    ]  # fmt: skip


def test_c3_a_day_that_a_country_left_out_has_no_run() -> None:
    assert local(daily("09:00"), APIA, "2011-12-28T12:00", 3) == [
        "12-29 09:00-1000", "12-31 09:00+1400", "01-01 09:00+1400",
    ]  # fmt: skip
    assert local({"every": "week", "at": "09:00", "days": [4]}, APIA, "2011-12-28T12:00", 1) == [
        "01-06 09:00+1400"
    ]


def test_c3_days_of_the_week_and_of_the_month() -> None:
    weekly = {"every": "week", "at": "09:00", "days": [3, 0, 3]}
    assert local(weekly, BERLIN, "2024-05-01T00:00", 3) == [
        "05-02 09:00+0200", "05-06 09:00+0200", "05-09 09:00+0200",
    ]  # fmt: skip
    sunday = {"every": "week", "at": "09:00", "days": [6]}
    assert local(sunday, "UTC", "2024-05-01T00:00", 1) == ["05-05 09:00+0000"]
    first = {"every": "month", "at": "09:00", "day": 1}
    assert local(first, "UTC", "2024-01-15T00:00", 2) == ["02-01 09:00+0000", "03-01 09:00+0000"]


@pytest.mark.parametrize(
    ("day", "days"),
    [
        (31, ["01-31", "02-29", "03-31", "04-30"]),
        ("last", ["01-31", "02-29", "03-31", "04-30"]),
        (30, ["01-30", "02-29", "03-30", "04-30"]),
        (29, ["01-29", "02-29", "03-29", "04-29"]),
    ],
)
def test_c3_a_short_month_runs_on_its_last_day(day: object, days: list[str]) -> None:
    rule = {"every": "month", "at": "09:00", "day": day}
    assert [run[:5] for run in local(rule, "UTC", "2024-01-01T00:00", 4)] == days
    assert local(rule, "UTC", "2023-02-01T00:00", 1) == ["02-28 09:00+0000"]


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({}, "Choose how often it runs: every day, week or month, or by a cron expression."),
        ({"every": "year"}, "Choose how often it runs"),
        ({"every": "day"}, "Write the time of day like 09:00."),
        ({"every": "day", "at": "24:00"}, "Write the time of day like 09:00."),
        ({"every": "day", "at": "9.30"}, "Write the time of day like 09:00."),
        ({"every": "day", "at": 9}, "Write the time of day like 09:00."),
        ({"every": "day", "at": "-1:30"}, "Write the time of day like 09:00."),
        ({"every": "week", "at": "09:00"}, "Choose the days of the week on which it runs."),
        ({"every": "week", "at": "09:00", "days": [7]}, "Choose the days of the week"),
        ({"every": "week", "at": "09:00", "days": "mon"}, "Choose the days of the week"),
        ({"every": "month", "at": "09:00"}, "Choose a day of the month from 1 to 31."),
        ({"every": "month", "at": "09:00", "day": 32}, "Choose a day of the month from 1 to 31."),
        ({"every": "cron"}, "Write a cron expression."),
        (cron("0 9 * *"), "A cron expression has five short parts."),
        (cron("* 0 9 * * *"), "A cron expression has five short parts."),
        (cron("0 25 * * *"), "The hour “25” of the cron expression is wrong."),
        (cron("61 9 * * *"), "The minute “61” of the cron expression is wrong."),
        (cron("0 9 * * noday"), "The day of the week “noday” of the cron expression is wrong."),
        (cron("0 9 30 2 *"), "“0 9 30 2 *” never runs: there is no such day."),
        (cron("0 9 31 4,6 *"), "“0 9 31 4,6 *” never runs: there is no such day."),
        ({**daily("09:00"), "until": "2030"}, "There is no field “until”."),
    ],
)
def test_c3_what_can_not_run_is_refused_with_a_sentence(rule: dict[str, object], says: str) -> None:
    with pytest.raises(RecurrenceError) as refused:
        parse(rule)
    assert str(refused.value).startswith(says)
    assert str(refused.value).endswith(".")


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone called “Mars/Olympus”"):
        next_run(parse(daily("09:00")), "Mars/Olympus", datetime.now(UTC))


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (daily("9:00"), "Every day at 09:00, Europe/Berlin"),
        (
            {"every": "week", "at": "09:00", "days": [0, 3]},
            "Every Monday and Thursday at 09:00, Europe/Berlin",
        ),
        (
            {"every": "week", "at": "09:00", "days": [0, 2, 4]},
            "Every Monday, Wednesday and Friday at 09:00, Europe/Berlin",
        ),
        (
            {"every": "week", "at": "09:00", "days": [*range(7)]},
            "Every day at 09:00, Europe/Berlin",
        ),
        (
            {"every": "month", "at": "18:05", "day": 3},
            "On day 3 of every month at 18:05, Europe/Berlin",
        ),
        (
            {"every": "month", "at": "18:05", "day": 30},
            "On day 30 of every month, or its last, at 18:05, Europe/Berlin",
        ),
        (
            {"every": "month", "at": "18:05", "day": "last"},
            "On the last day of every month at 18:05, Europe/Berlin",
        ),
        (
            cron("*/15  9-17 * * mon-fri"),
            "Every 15th minute from 09:00 through 17:59 on Monday through Friday, Europe/Berlin",
        ),
    ],
)  # fmt: skip
def test_c3_words(rule: dict[str, object], said: str) -> None:
    assert words(parse(rule), BERLIN) == said


MOMENTS = st.datetimes(
    min_value=datetime.fromisoformat("2011-01-01"),
    max_value=datetime.fromisoformat("2032-01-01"),
    timezones=st.just(UTC),
)
TIMES = st.builds(lambda h, m: f"{h:02}:{m:02}", st.integers(0, 23), st.integers(0, 59))
RULES = st.one_of(
    st.builds(daily, TIMES),
    st.builds(
        lambda at, days: {"every": "week", "at": at, "days": days},
        TIMES,
        st.lists(st.integers(0, 6), min_size=1),
    ),
    st.builds(lambda at, day: {"every": "month", "at": at, "day": day}, TIMES, st.integers(1, 31)),
    st.builds(
        lambda minute, hour: cron(f"{minute} {hour} * * *"),
        st.sampled_from(["0", "*/7", "5,50", "30-40/3", "59"]),
        st.sampled_from(["*", "*/3", "0", "1-3", "22,23,0"]),
    ),
)


@given(rule=RULES, zone=st.sampled_from(ZONES), after=MOMENTS)
def test_c3_runs_rise_and_do_not_depend_on_when_one_asks(
    rule: dict[str, object], zone: str, after: datetime
) -> None:
    recurrence = parse(rule)
    moments = runs(recurrence, zone, after, 6)
    assert len(moments) == 6
    assert all(early < late for early, late in zip([after, *moments], moments, strict=False))
    for before, moment in zip([after, *moments], moments, strict=False):
        assert next_run(recurrence, zone, before) == moment
        assert next_run(recurrence, zone, moment - timedelta(microseconds=1)) == moment


@given(at=TIMES, zone=st.sampled_from(ZONES), after=MOMENTS)
def test_c3_daily_is_once_for_every_date_that_exists(at: str, zone: str, after: datetime) -> None:
    tz = ZoneInfo(zone)
    moments = [run.astimezone(tz) for run in runs(parse(daily(at)), zone, after, 40)]
    dates = [run.date() for run in moments]
    late = [run for run in moments if f"{run:%H:%M}" != at]
    assert len(late) <= 2  # two clock changes can lie within 40 days
    if not late:
        assert len(set(dates)) == 40
        skipped = {(b - a).days for a, b in pairwise(dates)}
        assert skipped <= ({1, 2} if zone == APIA else {1})
    for run in late:  # right after the clocks went on
        before = (run.astimezone(UTC) - timedelta(minutes=1)).astimezone(tz)
        assert before.utcoffset() < run.utcoffset()


@given(
    minute=st.sampled_from(["0", "45", "*/20", "7,31"]),
    zone=st.sampled_from(ZONES),
    change=st.sampled_from(
        [
            datetime(2024, 3, 31, 1, tzinfo=UTC), datetime(2024, 10, 27, 1, tzinfo=UTC),
            datetime(2024, 11, 3, 6, tzinfo=UTC), datetime(2024, 4, 6, 15, tzinfo=UTC),
            datetime(2024, 10, 5, 15, 30, tzinfo=UTC), datetime(2018, 2, 18, 2, tzinfo=UTC),
            datetime(2018, 5, 4, 15, tzinfo=UTC), datetime(2015, 8, 14, 15, tzinfo=UTC),
            datetime(2011, 12, 30, 10, tzinfo=UTC),
        ]
    ),
    shift=st.integers(-240, 60),
)  # fmt: skip
def test_c3_hourly_agrees_with_looking_at_the_clock_every_minute(
    minute: str, zone: str, change: datetime, shift: int
) -> None:
    shown = {"0": {0}, "45": {45}, "*/20": {0, 20, 40}, "7,31": {7, 31}}[minute]
    after = change + timedelta(minutes=shift)
    looked = [
        moment
        for step in range(1, 400)
        if (moment := after + timedelta(minutes=step)).astimezone(ZoneInfo(zone)).minute in shown
    ]
    assert runs(parse(cron(f"{minute} * * * *")), zone, after, len(looked)) == looked


@given(st.text(alphabet="0123456789*/,-#LWAMONJSUFE² ", max_size=40))
def test_no_cron_expression_does_more_than_be_refused(expression: str) -> None:
    try:
        recurrence = parse(cron(expression))
    except RecurrenceError:
        return
    assert next_run(recurrence, BERLIN, datetime(2024, 1, 1, tzinfo=UTC))
    assert words(recurrence, BERLIN).endswith("Europe/Berlin")
