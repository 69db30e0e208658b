"""Finding clicks by every condition, page after page, and exporting them."""

import csv
import io
from typing import Any

import pytest

from clarion.clicks.filters import ClickFilter
from clarion.clicks.models import Link
from clarion.clicks.rows import HEADER, ClickRow, clicks_of, export_csv, search
from clarion.clicks.scanners import AGENT
from clarion.contacts.merging import merge_contacts
from clarion.contacts.models import Address
from clarion.insights.timeline import timeline
from clarion.insights.why import why
from clarion.kit import clock
from clarion.kit.paging import CursorError
from clarion.records.filters import FilterError
from clicks.conftest import MINUTE, World
from support import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def clicked(world: World) -> World:
    """Person 0 clicked the shop twice and the news, person 1 the news; a scanner came to 2."""
    world.click(0, world.shop, 10 * MINUTE)
    world.click(0, world.shop, 20 * MINUTE)
    world.click(0, world.news, 30 * MINUTE)
    world.click(1, world.news, 40 * MINUTE)
    world.click(2, world.shop, 50 * MINUTE, AGENT)
    return world


def moments(**conditions: Any) -> list[int]:
    """The minutes of the clicks that match."""
    wanted = ClickFilter.from_query({key: str(value) for key, value in conditions.items()})
    rows = search(wanted).rows
    return [(clock.to_us(row.recorded_at) - factory.START) // MINUTE for row in rows]


def test_i6_all_conditions(clicked: World) -> None:
    broadcast = clicked.broadcast
    other = factory.broadcast("Other")
    assert moments() == [50, 40, 30, 20, 10]
    assert moments(broadcast=broadcast.pk) == [50, 40, 30, 20, 10]
    assert moments(broadcast=other.pk) == []
    assert moments(user="u0") == [30, 20, 10]
    assert moments(user="u0", link=clicked.shop) == [20, 10]
    assert moments(user="u0", broadcast=other.pk) == []
    assert moments(name="person 1") == [40]
    assert moments(link=clicked.news) == [40, 30]
    assert moments(url="NEWS.example") == [40, 30]
    assert moments(url="nowhere") == []
    assert moments(clicked_by="scanner") == [50]
    assert moments(clicked_by="person", broadcast=broadcast.pk) == [40, 30, 20, 10]
    assert moments(channel="Shop") == [50, 40, 30, 20, 10]
    assert moments(first="yes") == [40, 10]
    assert moments(first="yes", link=clicked.news) == [40, 30]
    assert moments(first="yes", user="u1") == [40]
    since = clock.from_us(factory.START + 20 * MINUTE).isoformat()
    until = clock.from_us(factory.START + 40 * MINUTE).isoformat()
    assert moments(after=since, before=until) == [30, 20]
    assert moments(story=5) == []


@pytest.mark.parametrize(
    ("conditions", "field"),
    [
        ({"channel": "Nowhere"}, "channel"),
        ({"agent": "Nobody"}, "agent"),
        ({"link": "999999"}, "link"),
        ({"clicked_by": "robot"}, "clicked_by"),
        ({"broadcast": "x"}, "broadcast"),
        ({"status": "error"}, "status"),
    ],
)
def test_conditions_that_can_not_be_used(
    clicked: World, conditions: dict[str, str], field: str
) -> None:
    with pytest.raises(FilterError) as refused:
        search(ClickFilter.from_query(conditions))
    assert refused.value.field == field


@pytest.mark.parametrize(
    "conditions", [{}, {"user": "u0"}, {"channel": "Shop"}, {"url": "example"}]
)
def test_pages_have_every_click_once(clicked: World, conditions: dict[str, str]) -> None:
    wanted = ClickFilter.from_query(conditions)
    every = search(wanted).rows
    paged, cursor = list[ClickRow](), None
    while True:
        page = search(wanted, cursor, limit=2)
        paged += page.rows
        cursor = page.next_cursor
        if cursor is None:
            break
    assert paged == every
    with pytest.raises(CursorError):
        search(wanted, "x")


def test_what_a_row_says(clicked: World) -> None:
    row = search(ClickFilter(user="u1")).rows[0]
    assert (row.broadcast, row.channel, row.kind) == ("Spring", "Shop", "webhook")
    assert (row.user_id, row.name, row.clicked_by, row.sign) == ("u1", "Person 1", "person", "")
    assert row.target == "https://news.example/{{ x }}"


def test_the_export_has_what_the_list_has(clicked: World) -> None:
    Link.objects.filter(pk=clicked.shop).update(target='https://shop.example/?a="=1,2"')
    lines = list(csv.reader(io.StringIO(b"".join(export_csv(ClickFilter())).decode("utf-8-sig"))))
    assert tuple(lines[0]) == HEADER
    rows = search(ClickFilter()).rows
    assert [line[0] for line in lines[1:]] == [str(row.id) for row in rows]
    assert lines[1][-4:] == ['https://shop.example/?a="=1,2"', "scanner", AGENT, "click"]
    with pytest.raises(FilterError):
        export_csv(ClickFilter(channel="Nowhere"))


def test_clicks_of_one_delivery_and_of_a_contact(clicked: World) -> None:
    delivery = clicked.deliveries[0]
    assert [row.link_id for row in clicks_of(delivery.pk)] == [
        clicked.shop, clicked.shop, clicked.news,
    ]  # fmt: skip
    contact = delivery.address.contact
    titles = [line.title for line in timeline(contact).rows]
    assert titles.count("Link clicked") == 3
    steps = why(clicked.broadcast, contact).ways[0].steps
    assert [step.text for step in steps if step.what == "click"] == [
        "They clicked the link https://shop.example/.",
        "They clicked the link https://shop.example/.",
        "They clicked the link https://news.example/{{ x }}.",
    ]
    scanned = why(clicked.broadcast, clicked.deliveries[2].address.contact).ways[0].steps
    assert "A link scanner opened https://shop.example/." in [step.text for step in scanned]


def test_clicks_follow_a_contact_who_is_merged(clicked: World) -> None:
    gone = clicked.deliveries[0].address.contact
    other = factory.address(factory.channel("Mail", "email"), "ada@example.org", "Ada")
    merge_contacts(other.contact_id, gone.pk)
    contact_ids = {row.contact_id for row in search(ClickFilter(user="u0")).rows}
    assert contact_ids == {other.contact_id}
    assert Address.objects.get(value="u0").contact_id == other.contact_id


def test_a_deleted_contact_leaves_clicks_without_a_name(clicked: World) -> None:
    clicked.deliveries[1].address.contact.delete()
    row = next(row for row in search(ClickFilter()).rows if row.contact_id == 0)
    assert (row.name, row.user_id, row.target) == ("", "", "https://news.example/{{ x }}")
