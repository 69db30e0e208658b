"""Lists of broadcasts: sections, search, dates, pages, facts."""

from datetime import timedelta
from typing import Any

import pytest

from clarion.broadcasts import history
from clarion.broadcasts.history import Sought
from clarion.broadcasts.models import Broadcast
from clarion.kit import clock
from support import factory

pytestmark = pytest.mark.django_db
DAILY = {"every": "day", "at": "09:00"}
NOW = clock.now()


def add_broadcast(title: str, state: str, **fields: Any) -> Broadcast:
    return Broadcast.objects.create(title=title, state=state, **fields)


@pytest.fixture
def world() -> None:
    """One of every state, in every form that one can have."""
    for state in ("draft", "scheduled", "missed", "sending", "paused", "stopped", "completed"):
        add_broadcast(state, state)
    for state in ("live", "paused", "stopped"):
        add_broadcast(f"daily {state}", state, recurrence=DAILY, time_zone="UTC")
        add_broadcast(f"external {state}", state, type="external")
        add_broadcast(f"trigger {state}", state, type="trigger")
    add_broadcast("daily draft", "draft", recurrence=DAILY)
    for state in ("sending", "completed"):
        add_broadcast("single", state, type="single")
        add_broadcast("gone", state, deleted_at=NOW)


def titles(name: str, *args: Any, **more: Any) -> set[str]:
    return {one.title for one in history.section(name, *args, **more).broadcasts}


EXPECTED = {
    "active": {"sending", "paused"}
    | {f"{what} {state}" for what in ("external", "trigger") for state in ("live", "paused")},
    "scheduled": {"scheduled", "missed"},
    "periodic": {"daily live", "daily paused"},
    "completed": {"stopped", "completed", "daily stopped", "external stopped", "trigger stopped"},
    "drafts": {"draft", "daily draft"},
}


def test_everything_stands_in_one_section(world: None) -> None:
    assert {name: titles(name) for name in history.SECTIONS} == EXPECTED
    assert titles("all") == set().union(*EXPECTED.values())


def test_sizes_are_those_of_the_sections(world: None) -> None:
    sizes = {name: len(listed) for name, listed in EXPECTED.items()}
    assert history.section_sizes() == sizes
    # Counted in another way, section by section, when there is a date range.
    assert sum(history.section_sizes(Sought(since=NOW - timedelta(days=1))).values()) == 4
    for types in (("external",), ("trigger", "broadcast")):
        listed = history.section_sizes(Sought(types=types))
        assert listed == {name: len(titles(name, Sought(types=types))) for name in sizes}


def test_a_range_is_about_the_moment_of_its_section() -> None:
    day = timedelta(days=1)
    add_broadcast("a", "completed", finished_at=NOW, started_at=NOW - 5 * day)
    add_broadcast("b", "sending", started_at=NOW)
    add_broadcast("c", "scheduled", scheduled_at=NOW)
    add_broadcast("d", "draft", created_at=NOW)

    for name, title in (("completed", "a"), ("active", "b"), ("scheduled", "c"), ("drafts", "d")):
        assert titles(name, Sought(since=NOW, until=NOW + day)) == {title}
        assert titles(name, Sought(until=NOW)) == set()
        assert history.section_sizes(Sought(since=NOW, until=NOW + day))[name] == 1


def test_pages_follow_one_another_without_gaps() -> None:
    numbers = [add_broadcast(str(n), "completed").pk for n in range(7)]
    ids: list[int] = []
    after = None
    while True:
        page = history.section("completed", after=after, limit=3)
        ids += [one.pk for one in page.broadcasts]
        add_broadcast("newer", "completed")
        if page.after is None:
            break
        after = page.after
    assert ids == numbers[::-1]


def test_a_search_for_a_number_finds_words_too() -> None:
    first = add_broadcast("100 % wool", "completed")
    other = add_broadcast("Other", "completed", text="wool_2")
    assert titles("all", Sought(q=f"#{first.pk}")) >= {first.title}
    assert titles("all", Sought(q="%")) == {first.title}
    assert titles("all", Sought(q="l_2")) == {other.title}
    assert titles("all", Sought(q="9" * 40)) == set()


def test_a_page_costs_the_same_however_long_it_is(
    django_assert_num_queries: Any,
) -> None:
    channel = factory.channel()
    for n in range(20):
        add_broadcast(str(n), "live", type="external").channels.add(channel)
    for limit in (5, 20):
        with django_assert_num_queries(6):
            history.facts(history.section("active", limit=limit).broadcasts)


def test_facts_of_a_parent_tell_of_its_runs() -> None:
    parent = add_broadcast("daily", "live", recurrence=DAILY, time_zone="UTC")
    for n in range(3):
        add_broadcast("run", "completed", parent=parent, scheduled_at=NOW - timedelta(days=n))

    (facts,) = history.facts([parent])

    assert (facts["runs"], facts["last_run_at"]) == (3, NOW)
    assert [one.title for one in history.runs(parent).broadcasts] == ["run"] * 3
    assert history.runs(parent, limit=2).after is not None


def test_an_unfinished_trigger_has_no_words_yet() -> None:
    assert (
        history.when_words(add_broadcast("t", "draft", type="trigger", trigger={"on": "tag"})) == ""
    )
