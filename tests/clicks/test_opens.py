"""Opened e-mails: what is kept, who counts, and that clicks and opens are never mixed."""

import csv
import io

import pytest

from clarion.broadcasts.reconcile import reconcile
from clarion.broadcasts.repairs import repair_tallies
from clarion.clicks import tallies
from clarion.clicks.filters import ClickFilter
from clarion.clicks.links import count_opens
from clarion.clicks.models import OPENED, Click, ClickTally
from clarion.clicks.rows import clicked_by, clicks_of, export_csv, search
from clarion.clicks.scanners import AGENT, PRIVACY, PROXY, SOON, sign_of_image
from clarion.clicks.store import store
from clarion.clicks.tallies import NOTHING, Counts
from clarion.insights.timeline import timeline
from clarion.insights.why import why
from clarion.kit import clock
from clarion.records import measures
from clicks.conftest import MINUTE, World
from support import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def mailed(world: World) -> World:
    """The same broadcast, whose opens are counted."""
    count_opens(world.broadcast.pk)
    return world


def opens(world: World) -> Counts:
    return tallies.counts([world.broadcast.pk], OPENED)[world.broadcast.pk]


def over_time(world: World, name: str) -> int:
    return sum(getattr(each, name) for each in measures.totals(world.broadcast.pk).values())


def differences(world: World) -> list[str]:
    said = reconcile(world.broadcast.pk).differences
    return [each for each in said if "opened" in each or "clicked" in each]


def test_a_person_counts_once_and_clicks_stay_apart(mailed: World) -> None:
    for at in (MINUTE, 2 * MINUTE):
        mailed.click(0, OPENED, at)
    mailed.click(1, OPENED, MINUTE, PROXY)
    mailed.click(1, mailed.shop, 3 * MINUTE)
    assert opens(mailed) == Counts(people=2, clicks=3)
    assert tallies.counts([mailed.broadcast.pk])[mailed.broadcast.pk] == Counts(1, 1)
    assert list(tallies.by_link([mailed.broadcast.pk])) == [mailed.shop]
    assert (over_time(mailed, "opened"), over_time(mailed, "clicked")) == (2, 1)
    assert differences(mailed) == []


def test_programs_are_kept_and_counted_apart(mailed: World) -> None:
    for sign in (PRIVACY, AGENT):
        mailed.click(0, OPENED, MINUTE, sign)
    mailed.click(0, OPENED, 2 * clock.SECOND)
    assert opens(mailed) == Counts(scans=3)
    assert set(Click.objects.values_list("sign", flat=True)) == {PRIVACY, AGENT, SOON}
    assert over_time(mailed, "opened") == 0
    mailed.click(0, OPENED, 2 * MINUTE)
    assert opens(mailed) == Counts(people=1, clicks=1, scans=3)
    assert differences(mailed) == []


def test_what_opened_it_just_before_a_scanner_clicked_everything_is_none(mailed: World) -> None:
    mailed.click(0, OPENED, 4 * clock.SECOND)
    assert opens(mailed).people == 1
    mailed.click(0, mailed.shop, 5 * clock.SECOND)
    mailed.click(0, mailed.news, 6 * clock.SECOND)
    assert opens(mailed) == Counts(scans=1)
    assert over_time(mailed, "opened") == over_time(mailed, "clicked") == 0
    assert differences(mailed) == []


def test_nothing_is_kept_where_opens_are_not_counted(world: World) -> None:
    assert store([world.visit(0, OPENED)]) == 0
    assert opens(world) == NOTHING


def test_lists_have_clicks_or_opens_and_never_both(mailed: World) -> None:
    mailed.click(0, mailed.shop, MINUTE)
    mailed.click(0, OPENED, 2 * MINUTE)
    mailed.click(1, OPENED, 3 * MINUTE, PRIVACY)
    broadcast = mailed.broadcast.pk
    for conditions in ({}, {"broadcast": broadcast}, {"channel": "Shop"}, {"name": "Person"}):
        clicked = search(ClickFilter(**conditions)).rows
        assert [row.event for row in clicked] == ["click"], conditions
        opened = search(ClickFilter(event="open", **conditions)).rows
        assert [row.sign for row in opened] == [PRIVACY, ""], conditions
    firsts = search(ClickFilter(event="open", broadcast=broadcast, first="yes")).rows
    assert [row.user_id for row in firsts] == ["u0"]
    body = b"".join(export_csv(ClickFilter(event="open"))).decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(body)))
    assert [(line["event"], line["link id"], line["link"]) for line in lines] == [
        ("open", "", "")
    ] * 2


def test_the_pages_of_a_person_name_each_open(mailed: World) -> None:
    mailed.click(0, OPENED, MINUTE)
    mailed.click(0, OPENED, 2 * MINUTE, PRIVACY)
    delivery = mailed.deliveries[0]
    assert [row.event for row in clicks_of(delivery.pk)] == ["open", "open"]
    assert clicked_by(delivery.address_id) == []  # what a chat shows
    contact = delivery.address.contact
    lines = [line.title for line in timeline(contact).rows]
    assert {"E-mail opened", "E-mail loaded by a program"} <= set(lines)
    steps = [step.text for step in why(mailed.broadcast, contact).ways[0].steps]
    assert {"They opened the e-mail.", "A program loaded the e-mail."} <= set(steps)


def test_wrong_numbers_are_found_and_repaired(mailed: World) -> None:
    mailed.click(0, OPENED)
    ClickTally.objects.filter(link_id=OPENED).update(people=7, clicks=0)
    (sentence,) = differences(mailed)
    assert "1 recipients opened, but the tallies say 7" in sentence
    (corrected,) = repair_tallies(mailed.broadcast, by=factory.BY)
    assert "the tally of opens: people 6 too high, clicks 1 too low" in corrected
    assert opens(mailed) == Counts(people=1, clicks=1)
    assert differences(mailed) == []


def test_opens_are_deleted_with_their_broadcast(mailed: World) -> None:
    for person in (0, 1):
        mailed.click(person, OPENED)
    mailed.click(0, mailed.shop)
    while tallies.delete([mailed.broadcast.pk], 2):
        pass
    assert not Click.objects.exists()
    assert opens(mailed) == NOTHING


@pytest.mark.parametrize(
    ("program", "sign"),
    [
        ("Mozilla/5.0", PRIVACY),
        ("Mozilla/5.0 (Windows NT 5.1) Firefox/11.0 (via ggpht.com GoogleImageProxy)", PROXY),
        ("YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", PROXY),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.5.0", ""),
        ("Barracuda Sentinel (EE)", AGENT),
        ("", AGENT),
    ],
)  # fmt: skip
def test_mail_programs_and_proxies(program: str, sign: str) -> None:
    assert sign_of_image("GET", {"user-agent": program}) == sign
