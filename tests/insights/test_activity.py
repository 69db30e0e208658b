"""J5: events and records in one list."""

import pytest

from clarion.broadcasts.models import Broadcast, Event
from clarion.insights.activity import GROUPS, Activity, activity
from clarion.insights.merged import Span
from clarion.kit import clock
from clarion.kit.paging import Cursor, CursorError
from support import factory

pytestmark = pytest.mark.django_db
ALL = Span()
KINDS = ("begin", "pause", "edited", "held")


@pytest.fixture
def broadcast() -> Broadcast:
    """One with 12 events and 30 records, many at the same moment."""
    channel = factory.channel("App")
    found, other = factory.broadcast("Spring"), factory.broadcast("Other")
    for number in range(12):
        at = clock.from_us(factory.START + number // 3)
        for of in (found, other):
            Event.objects.create(broadcast=of, at=at, kind=KINDS[number % 4], actor="Ada")
    because = factory.reason()
    for number in range(15):
        person = factory.address(channel, f"u{number}", f"Name {number}")
        for of in (found, other):
            delivery = factory.delivery(of, person, "sent")
            factory.record(delivery, factory.START + number // 4, because, attempt=1)
            factory.record(delivery, factory.START + number // 2, attempt=2)
    return found


def everything(broadcast: Broadcast, span: Span = ALL, limit: int = 4) -> list[Activity]:
    lines: list[Activity] = []
    cursor = None
    while True:
        page = activity(broadcast.pk, span, cursor, limit)
        assert len(page.rows) <= limit
        lines += page.rows
        cursor = page.next_cursor
        if cursor is None:
            return lines


def test_all_of_it_once_newest_first(broadcast: Broadcast) -> None:
    lines = everything(broadcast)

    keys = [line.key for line in lines]
    assert keys == sorted(keys, reverse=True)
    assert len(set(keys)) == len(keys) == 12 + 30
    assert lines == everything(broadcast, limit=500)
    assert {line.record.broadcast_id for line in lines if line.record} == {broadcast.pk}


@pytest.mark.parametrize(
    ("group", "kinds", "number"),
    [
        ("status", {"begin", "pause"}, 6),
        ("changes", {"edited"}, 3),
        ("waits", {"held"}, 3),
        ("messages", {"messages"}, 15),
        ("errors", {"errors"}, 15),
    ],
)
def test_one_group(broadcast: Broadcast, group: str, kinds: set[str], number: int) -> None:
    lines = everything(broadcast, Span(group))

    assert {line.kind for line in lines} == kinds
    assert len(lines) == number


@pytest.mark.parametrize("group", ["", *GROUPS])
def test_between_two_moments(broadcast: Broadcast, group: str) -> None:
    since, until = (clock.from_us(factory.START + more) for more in (1, 3))

    lines = everything(broadcast, Span(group, since, until))

    assert lines == [
        line for line in everything(broadcast, Span(group)) if since <= line.at < until
    ]
    assert lines


def test_what_a_line_says(broadcast: Broadcast) -> None:
    event = next(line for line in everything(broadcast) if line.kind == "pause")
    error = next(line for line in everything(broadcast) if line.kind == "errors")

    assert (event.actor, event.detail, event.record) == ("Ada", {}, None)
    assert error.record is not None
    assert (error.record.name, error.record.error) == ("Name 14", "The provider refused it.")


def test_an_agent_is_called_as_today(broadcast: Broadcast) -> None:
    agent = factory.agent(name="Old name")
    broadcast.events.filter(kind="pause").update(agent=agent)
    agent.name = "New name"
    agent.save()

    lines = everything(broadcast, Span("status"))

    assert {line.actor for line in lines} == {"Ada", "New name"}


def test_wrong_questions_are_refused(broadcast: Broadcast) -> None:
    with pytest.raises(ValueError, match="no group"):
        activity(broadcast.pk, Span("nonsense"))
    with pytest.raises(CursorError):
        activity(broadcast.pk, cursor="nonsense")
    with pytest.raises(CursorError):
        activity(broadcast.pk, cursor=str(Cursor((1, 2, 3), backward=True)))
