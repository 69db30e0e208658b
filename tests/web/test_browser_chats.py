"""Chats in a real browser, with a real engine: what comes appears, what is written leaves."""

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from clarion.channels.contract import Inbound
from clarion.channels.models import Channel
from clarion.chats import control
from clarion.chats.inbound import receive
from clarion.contacts.models import Address
from clarion.kit import clock
from crash.rehearsal import Provider
from support import factory
from support.chromium import Complaints
from support.processes import Processes
from web.browsing import Site, add_admin, enter, look

# Engine and views have tests on both databases, and test_browser_first_broadcast joins them there.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.only_on("sqlite")]


@pytest.fixture
def site(page: Page, live_server: LiveServer) -> Site:
    return enter(page, live_server.url, add_admin())


def write(address: Address, text: str, number: str = "1") -> None:
    receive(address.channel, Inbound(address.value, number, text, clock.now()))


def shop(processes: Processes) -> Channel:
    return factory.channel("Shop", url=f"{Provider(processes).url}/hook/sink")


def test_g3_without_chats_and_without_words(site: Site) -> None:
    look(site.open("/chats/"))
    look(site.open("/chats/?q=nobody"))
    (address,) = factory.people(factory.channel("Shop"), 1)
    look(site.open(f"/chats/{address.pk}/"))


def test_g3_read_take_over_reply_and_close(
    processes: Processes, site: Site, engine: None, complaints: Complaints
) -> None:
    complaints.allow("422")
    anna, *others = factory.people(shop(processes), 4)
    for address in (*others, anna):
        write(address, "Where is my parcel?")
    page = site.open("/chats/")
    look(page)
    page.get_by_role("link", name="Person 0", exact=True).click()
    page.get_by_role("button", name="Take over").click()
    box = page.get_by_label("Reply")

    box.fill("   ")
    box.press("Control+Enter")
    expect(page.get_by_text("Write a reply first.")).to_be_visible()
    box.fill("It left {{ today }}.")
    box.press("Control+Enter")
    expect(page.locator(".said-us")).to_contain_text("It left {{ today }}.")
    expect(page.locator(".said-us")).to_contain_text("Sent")
    expect(box).to_have_value("")
    expect(box).to_be_focused()

    box.type("Half a rep")
    write(anna, "Thank you!", "2")
    expect(page.locator(".said-them").last).to_contain_text("Thank you!")
    expect(box).to_have_value("Half a rep")
    look(page)
    page.get_by_role("link", name="Person 2").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Person 2")
    page.go_back()
    expect(box).to_have_value("Half a rep")

    page.get_by_role("button", name="Close").click()
    expect(page.get_by_text("Closed by Ada Lovelace.")).to_be_visible()


def test_g1_what_is_half_written_survives_a_broadcast_that_closes_the_chat(
    site: Site, complaints: Complaints
) -> None:
    complaints.allow("422")
    (anna,) = factory.people(factory.channel("Shop"), 1)
    page = site.open(f"/chats/{anna.pk}/")
    page.get_by_role("button", name="Take over").click()
    box = page.get_by_label("Reply")
    box.fill("One more thing")

    control.close_all([anna.pk], 12)

    expect(page.get_by_text("Closed by broadcast 12.")).to_be_visible()
    box.press("Control+Enter")
    expect(page.get_by_text("Take it over first, then reply.")).to_be_visible()
    expect(box).to_have_value("One more thing")
    page.get_by_role("button", name="Take over").click()
    expect(box).to_have_value("One more thing")


def test_a_long_chat_begins_at_its_end(site: Site) -> None:
    (anna,) = factory.people(factory.channel("Shop"), 1)
    for number in range(70):
        write(anna, f"Message {number}", f"n{number}")
    page = site.open(f"/chats/{anna.pk}/")

    talk = page.get_by_role("log")
    expect(talk.get_by_text("Message 69", exact=True)).to_be_in_viewport()
    expect(talk.get_by_text("Message 11", exact=True)).not_to_be_in_viewport()
    write(anna, "The newest", "last")
    expect(talk.get_by_text("The newest", exact=True)).to_be_in_viewport()
    page.get_by_role("link", name="Earlier messages").click()
    expect(page.get_by_text("Message 0", exact=True)).to_be_visible()


def test_closing_a_chat_of_somebody_else_asks_first(site: Site) -> None:
    (anna,) = factory.people(factory.channel("Shop"), 1)
    control.take_over(anna.pk, by=factory.agent(name="Bob"))
    page = site.open(f"/chats/{anna.pk}/")
    page.get_by_role("button", name="Close").click()
    dialog = page.get_by_role("dialog")
    look(page)
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Close").click()
    dialog.get_by_role("button", name="Close chat").click()
    expect(page.get_by_text("Closed by Ada Lovelace.")).to_be_visible()
