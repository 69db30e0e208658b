"""The dashboard in a real browser: with nothing, one broadcast and 2,000, by keyboard, live."""

import re

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from clarion.kit import clock
from clarion.records import measures
from support import factory
from web.browsing import Site, add_admin, enter, look

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.only_on("sqlite")]


@pytest.fixture
def site(page: Page, live_server: LiveServer) -> Site:
    return enter(page, live_server.url, add_admin())


@pytest.fixture
def shop(db: None) -> Channel:
    """A channel that has been checked."""
    channel = factory.channel("Shop")
    Channel.objects.filter(pk=channel.pk).update(checked_at=clock.now(), check_failed=False)
    factory.people(channel, 10)
    return channel


def test_with_nothing_it_leads_to_the_first_broadcast(site: Site) -> None:
    page = site.open("/")

    expect(page.get_by_role("heading", name="Send your first broadcast")).to_be_visible()
    page.get_by_role("link", name="Add a channel").click()
    expect(page).to_have_url(re.compile("/channels/add/$"))


def test_with_one_broadcast_it_moves_while_one_looks(site: Site, shop: Channel) -> None:
    factory.sending([shop], title="Spring")
    page = site.open("/")
    moving = page.get_by_role("region", name="Being sent now")
    expect(moving).to_contain_text("0 of 10 completed")

    factory.settle_each(shop, ["sent"] * 4 + ["failed", "in_doubt"])

    expect(moving).to_contain_text("4 of 10 completed")
    expect(moving).to_contain_text("1 failed")
    attention = page.get_by_role("region", name="Needs attention")
    expect(attention).to_contain_text("1 message may or may not have been sent.")
    attention.get_by_role("link", name="Spring").click()
    expect(page).to_have_url(re.compile(r"/recipients/\?state=in_doubt"))


def test_the_chart_has_the_numbers_of_the_rows_by_keyboard(site: Site, shop: Channel) -> None:
    factory.sending([shop], title="Spring")
    factory.settle_each(shop, ["sent"] * 4 + ["failed"])
    page = site.open("/")
    figure = page.get_by_role("figure", name="Messages over time")
    expect(figure.locator("svg")).to_be_visible()

    figure.get_by_text("Show the numbers").focus()
    page.keyboard.press("Enter")

    total = figure.get_by_role("row", name="Total").get_by_role("cell")
    expect(total).to_have_text(["4", "not reported", "not reported", "1", "0"])
    look(page)


def test_the_range_is_chosen_and_its_numbers_open_the_records(site: Site, shop: Channel) -> None:
    factory.sending([shop], title="Spring")
    factory.settle_each(shop, ["sent"] * 4 + ["failed"])
    page = site.open("/")

    page.get_by_role("link", name="24 hours").click()

    expect(page.get_by_role("link", name="24 hours")).to_have_attribute("aria-current", "true")
    rows = page.locator("#chart-all tbody tr")
    expect(rows).to_have_count(24)
    page.locator("#figure-sent a").click()
    expect(page.locator("h1")).to_have_text("Broadcast records")
    expect(page.locator(".records tbody tr")).to_have_count(4)


def test_with_two_thousand_broadcasts(site: Site, shop: Channel) -> None:
    made = Broadcast.objects.bulk_create(
        Broadcast(title=f"Broadcast {n}", text="Hello", state="completed", total=10)
        for n in range(2_000)
    )
    now = clock.now_us()
    measures.note(
        {
            measures.Change(
                one.pk, shop.pk, "sending", "sent", at := now - n * measures.QUARTER, at,
                was_recovered=False, is_recovered=False,
            ): 10
            for n, one in enumerate(made)
        }
    )  # fmt: skip
    measures.fold()

    page = site.open("/?range=30d")

    newest = page.get_by_role("region", name="Newest broadcasts")
    expect(newest.get_by_role("link", name="Broadcast 1999")).to_be_visible()
    expect(newest.locator("tbody tr")).to_have_count(15)
    expect(page.locator("#figure-sent .figure-now")).to_have_text("20,000")
    look(page)
    newest.get_by_role("link", name="All broadcasts").click()
    expect(page.locator("h1")).to_have_text("Broadcasts")
