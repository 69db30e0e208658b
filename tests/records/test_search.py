"""Every search is compared with a plain reading of all records."""

import random
from urllib.parse import parse_qsl

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clarion.broadcasts.models import Broadcast
from clarion.content import stories
from clarion.kit import clock
from clarion.kit.paging import CursorError
from clarion.records import search as search_module
from clarion.records import sources
from clarion.records.filters import FilterError, RecordFilter, Responses
from clarion.records.models import Delivery, Record
from clarion.records.search import search
from support import factory

NAMES = ["Ada Adler", "ada b_ucher", "Şükrü Çelik", "ŞÜKRÜ öz", "50% Tom", "Иван", "", "Zoë [x]*?"]
REASONS = ["Blocked by the person.", "The provider refused it.", "100 % full\\empty."]
CHANNELS = ["Shop bot", "App", "Newsletter"]


@pytest.fixture
def world(db):
    """Fill in 240 records of four broadcasts, many of them at the same moment."""
    chance = random.Random(1)
    channels = [factory.channel(name) for name in CHANNELS]
    agents = [factory.agent(name="Mira"), factory.agent(name="Noah")]
    people = [
        factory.address(chance.choice(channels), f"u{number}", chance.choice(NAMES))
        for number in range(40)
    ]
    factory.address(channels[0], "never-written-to", "Never Written")
    reasons = [factory.reason(text) for text in REASONS]
    for number in range(4):
        broadcast = factory.broadcast(f"B{number}", by=agents[number % 2])
        # The last one has no records.
        for person in people if number < 3 else ():
            delivery = factory.delivery(broadcast, person)
            for attempt in range(1, chance.choice([2, 2, 3, 4])):
                because = chance.choice([None, None, *reasons])
                factory.record(
                    delivery,
                    factory.START + chance.randrange(12) * clock.SECOND,
                    because,
                    attempt=attempt,
                    responses=chance.choice([0, 0, 1]) if because else chance.choice([0, 1, 1, 3]),
                    content=f"Hello {person.value}",
                )
    # One broadcast whose every attempt failed.
    broadcast = factory.broadcast("all failed", by=agents[0])
    for person in people:
        factory.record(factory.delivery(broadcast, person), factory.START, reasons[0])


def all_records() -> list[Record]:
    return list(
        Record.objects.select_related("address__contact", "channel", "reason", "broadcast__agent")
    )


def plainly(wanted: RecordFilter, records: list[Record]) -> list[int]:
    """The ids of the records that a filter means, newest first, found without any cleverness."""
    matches = []
    for record in records:
        by = record.broadcast.agent
        name = record.address.contact.name.casefold()
        text = record.reason.text.casefold() if record.reason else ""
        if (
            wanted.broadcast in (None, record.broadcast_id)
            and wanted.user in ("", record.address.value)
            and wanted.name.casefold() in name
            and wanted.status in ("", record.status)
            and (not wanted.error or wanted.error.casefold() in text)
            and (wanted.after is None or record.recorded_at >= wanted.after)
            and (wanted.before is None or record.recorded_at < wanted.before)
            and (wanted.responses is None or wanted.responses.fits(record.responses))
            and wanted.channel in ("", record.channel.name)
            and (not wanted.agent or wanted.agent.lower() in (by.name.lower(), by.email))
        ):
            matches.append((record.recorded_at, record.pk))
    return [key for _, key in sorted(matches, reverse=True)]


def paged(wanted: RecordFilter, limit: int) -> list[int]:
    """All ids by turning the pages, forward to the end and backward to the beginning."""
    forward, pages = [], []
    cursor = None
    while True:
        page = search(wanted, cursor, limit)
        forward += [row.id for row in page.rows]
        pages.append(page)
        cursor = page.next_cursor
        if cursor is None:
            break
        assert len(page.rows) == limit
    for later, earlier in zip(reversed(pages), list(reversed(pages))[1:], strict=False):
        assert search(wanted, later.previous_cursor, limit) == earlier
    assert pages[0].previous_cursor is None or len(pages) == 1
    return forward


MOMENTS = st.none() | st.integers(-1, 13).map(
    lambda second: clock.from_us(factory.START + second * clock.SECOND)
)
FILTERS = st.builds(
    RecordFilter,
    user=st.sampled_from(["", "", "", "u3", "u7", "nobody"]),
    name=st.sampled_from(
        ["", "", "", "", "ada", "A", "şükrü", "ÜKRÜ Ç", "50%", "b_u", "иВАН", "zoË [X]*", "nobody"]
    ),
    status=st.sampled_from(["", "", "completed", "error"]),
    error=st.sampled_from(["", "", "", "PROVIDER", "% full\\", "by the person", "nothing such"]),
    after=MOMENTS,
    before=MOMENTS,
    responses=st.none() | st.builds(Responses, st.sampled_from("<>="), st.integers(0, 4)),
    channel=st.sampled_from(["", "", *CHANNELS]),
    agent=st.sampled_from(["", "", "mira", "NOAH@clarion.example"]),
)


# The first way begins with the people of a name, the second walks past all records for it.
@pytest.mark.parametrize("most_people", [sources.MOST_PEOPLE, 0])
def test_any_filter_finds_what_a_plain_reading_finds(world, monkeypatch, most_people):
    monkeypatch.setattr(sources, "MOST_PEOPLE", most_people)
    records = all_records()
    broadcasts = [None, None, *Broadcast.objects.values_list("pk", flat=True), 987654]

    @settings(
        max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
    )
    @given(FILTERS, st.sampled_from(broadcasts), st.sampled_from([1, 7, 50]))
    def check(wanted, broadcast, limit):
        wanted = wanted.model_copy(update={"broadcast": broadcast})
        expected = plainly(wanted, records)
        # Turning 200 pages of one row each teaches nothing that ten do not.
        assert paged(wanted, max(limit, len(expected) // 10)) == expected

    check()


def test_a_row_has_all_that_there_is_to_show(db):
    person = factory.address(factory.channel("App", "webhook"), "u1", "Ada")
    delivery = factory.delivery(factory.broadcast("Spring"), person, "failed")
    record = factory.record(
        delivery, factory.START + 2_500_000, factory.reason("It failed.", "E1"), attempt=3
    )

    (row,) = search(RecordFilter()).rows

    assert (row.id, row.broadcast_id, row.broadcast) == (record.pk, delivery.broadcast_id, "Spring")
    assert (row.channel, row.kind, row.chat) == ("App", "webhook", person.pk)
    assert (row.name, row.user_id, row.contact_id) == ("Ada", "u1", person.contact_id)
    assert (row.status, row.error, row.code, row.attempt) == ("error", "It failed.", "E1", 3)
    assert (row.latency, row.responses) == (2_500_000, 0)
    assert (row.messages.sent, row.messages.attempted) == ((), "Hello")
    assert row.recorded_at == clock.from_us(factory.START + 2_500_000)


def test_records_outlive_their_person(db):
    person = factory.address(factory.channel(), "u1", "Ada")
    factory.record(factory.delivery(factory.broadcast(), person))
    person.contact.delete()

    (row,) = search(RecordFilter()).rows

    assert (row.name, row.user_id, row.contact_id) == ("", "", 0)


def test_new_records_do_not_move_a_page(world):
    first = search(RecordFilter(), limit=10)
    factory.record(Delivery.objects.all()[0], factory.START + 99 * clock.SECOND)

    second = search(RecordFilter(), first.next_cursor, limit=10)

    assert [row.id for row in second.rows] == plainly(RecordFilter(), all_records())[11:21]


@pytest.mark.parametrize("cursor", ["x", "Pg", "é", "PjEuMi4z", "a" * 5000])
def test_a_foreign_cursor_is_refused(db, cursor):
    with pytest.raises(CursorError):
        search(RecordFilter(), cursor)


@pytest.mark.parametrize("field", ["channel", "agent"])
def test_a_channel_or_agent_that_is_not_there_is_told(db, field):
    with pytest.raises(FilterError) as told:
        search(RecordFilter(**{field: "Nobody"}))

    assert told.value.field == field
    assert "Nobody" in str(told.value)


def test_a_page_is_never_longer_than_a_thousand(db, monkeypatch):
    monkeypatch.setattr(search_module, "MOST_ROWS", 3)
    person = factory.address(factory.channel(), "u1")
    delivery = factory.delivery(factory.broadcast(), person)
    for number in range(5):
        factory.record(delivery, factory.START + number)

    assert len(search(RecordFilter(), limit=10**9).rows) == 3
    assert len(search(RecordFilter(), limit=0).rows) == 1


def test_i3_records_are_found_by_the_story_that_was_sent(db):
    shop = factory.channel("Shop")
    made = {}
    for name, person in zip(["Welcome tour", "Farewell"], factory.people(shop, 2), strict=True):
        made[name] = stories.create_story(
            name=name, blocks=[{"kind": "text", "text": "Hi"}], by=factory.BY
        )
        sent = Broadcast.objects.create(title=name, data_type="story", story=made[name])
        factory.record(factory.delivery(sent, person))

    def found(**conditions):
        wanted = RecordFilter.from_query(conditions)
        assert RecordFilter.from_query(dict(parse_qsl(wanted.to_query()))) == wanted
        return [row.broadcast for row in search(wanted).rows]

    welcome = str(made["Welcome tour"].pk)
    assert found(story=welcome) == found(story_name="TOUR") == ["Welcome tour"]
    assert found(story=welcome, story_name="fare") == []
    assert found(story_name="nothing") == []
    assert sorted(found(story_name="e")) == ["Farewell", "Welcome tour"]
