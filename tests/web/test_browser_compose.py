"""Composing in a real browser: saved as one types, nothing lost, two agents at one draft."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from clarion.broadcasts import drafts
from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from clarion.consents.models import Consent
from clarion.contacts.models import Tag, Tagging
from clarion.content import stories
from support import factory
from support.waiting import eventually
from web.browsing import Site, add_admin, enter, look, resize

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.only_on("sqlite")]


@pytest.fixture
def site(page: Page, live_server: LiveServer) -> Site:
    return enter(page, live_server.url, add_admin())


@pytest.fixture
def channel() -> Channel:
    channel = factory.channel("Shop", rate=5)
    tag = Tag.objects.create(name="vip")
    for address in factory.people(channel, 30):
        Tagging.objects.create(tag=tag, contact=address.contact)
    Consent.objects.create(name="Newsletter")
    return channel


def the_draft() -> Broadcast:
    return Broadcast.objects.get(type__in=["broadcast", "external", "trigger"])


def switch(page: Page, name: str) -> None:
    """Choose a data type."""
    page.locator(".switch-one", has_text=name).click()


def test_d1_everything_is_saved_as_one_types_and_looks_right(site: Site, channel: Channel) -> None:
    blocks = [{"kind": "text", "text": "Dear {{ contact.name }}"}]
    stories.create_story(name="Welcome", blocks=blocks, by=factory.BY)
    page = site.open("/broadcasts/new/")
    page.get_by_role("textbox", name="Title").fill("Autumn")
    page.get_by_role("textbox", name="Text").fill("Hello")
    expect(page.locator("#saved")).to_have_text(re.compile(r"Saved \d\d:\d\d"))
    look(page)

    switch(page, "Story")
    page.get_by_role("combobox", name="Story").select_option("Welcome")
    expect(page.locator("#preview .bubble")).to_have_text("Dear Person 0")
    resize(page, 800, 900)
    expect(page.locator("#preview .bubble")).to_be_in_viewport()
    expect(page.get_by_role("combobox", name="Story")).to_be_in_viewport()
    resize(page, 1280, 800)
    page.get_by_label("Periodic").check()
    page.get_by_label("Repeat", exact=True).select_option("week")
    page.locator(".days .switch-one", has_text="Mon").click()
    expect(page.locator("#repeat-told li")).to_have_count(3)
    look(page)

    switch(page, "Template")
    page.get_by_label("Name", exact=True).fill("order_update")
    page.get_by_label("1 variable").focus()
    page.get_by_role("button", name="name", exact=True).click()
    expect(page.get_by_label("1 variable")).to_have_value('{{ contact.name | default("friend") }}')
    expect(page.get_by_label("2 variable")).to_be_visible()
    page.get_by_label("Trigger").check()
    page.get_by_role("combobox", name="Tag", exact=True).fill("vip")
    expect(page.locator("#sum-when")).to_contain_text("1 minute after the tag “vip” is assigned")
    look(page)

    switch(page, "Text")
    page.get_by_label("External").check()
    expect(page.get_by_role("textbox", name="Text")).to_have_value("Hello")
    expect(page.locator("#sum-when")).to_contain_text("Each time your system calls its URL")
    page.reload()
    expect(page.get_by_role("textbox", name="Text")).to_have_value("Hello")
    expect(page.get_by_label("External")).to_be_checked()
    look(page)


def test_d1_closing_the_page_in_the_middle_of_a_word_keeps_it(site: Site, channel: Channel) -> None:
    page = site.open("/broadcasts/new/")
    page.get_by_role("textbox", name="Title").fill("Au")
    expect(page.locator("#saved")).to_contain_text("Saved")

    page.get_by_role("textbox", name="Title").press_sequentially("tumn")
    page.goto(f"{site.url}/records/")

    eventually(lambda: the_draft().title == "Autumn", what="the last word is saved")


def test_enter_in_a_field_never_sends(site: Site, channel: Channel) -> None:
    page = site.open("/broadcasts/new/")
    page.get_by_role("textbox", name="Text").fill("Hello")
    page.get_by_role("textbox", name="Title").fill("Autumn")
    page.get_by_role("textbox", name="Title").press("Enter")

    expect(page.locator("#saved")).to_contain_text("Saved")
    assert the_draft().state == "draft"
    expect(page).to_have_url(re.compile("/edit/$"))


@pytest.fixture
def beas_page(browser: Browser, live_server: LiveServer) -> Iterator[Site]:
    context = browser.new_context()
    try:
        yield enter(context.new_page(), live_server.url, factory.agent(name="Bea"))
    finally:
        context.close()


def test_d2_two_agents_at_one_draft(site: Site, channel: Channel, beas_page: Site) -> None:
    draft = factory.draft([channel])
    edit = f"/broadcasts/{draft.pk}/edit/"
    page, beas = site.open(edit), beas_page.open(edit)
    beas.get_by_role("textbox", name="Text").fill("Bea's words")
    expect(beas.locator("#saved")).to_contain_text("Saved")

    told = page.locator("#conflict")
    expect(told).to_contain_text("Bea edited this draft at")
    page.get_by_role("textbox", name="Text").fill("Ada's words")
    expect(page.locator("#saved")).to_have_text("Not saved")
    look(page)
    page.get_by_role("button", name="Keep mine as a copy").click()

    expect(page.get_by_text("This is your copy.")).to_be_visible()
    expect(page.get_by_role("textbox", name="Text")).to_have_value("Ada's words")
    draft.refresh_from_db()
    assert draft.text == "Bea's words"
    assert Broadcast.objects.exclude(pk=draft.pk).get().title == "Copy of Spring"


def test_d2_load_the_newest(site: Site, channel: Channel) -> None:
    draft = factory.draft([channel])
    page = site.open(f"/broadcasts/{draft.pk}/edit/")
    drafts.edit_draft(draft, by=factory.agent(name="Bea"), text="Newer")

    page.get_by_role("link", name="Load the newest").click()

    expect(page.get_by_role("textbox", name="Text")).to_have_value("Newer")
    expect(page.locator("#conflict")).to_be_empty()


def test_b5_a_test_send_from_the_page(site: Site, channel: Channel) -> None:
    page = site.open("/broadcasts/new/")
    page.get_by_role("textbox", name="Text").fill("Hello {{ contact.name }}")
    page.get_by_label("Your name or user id").fill("Person 7")
    page.get_by_role("button", name="Person 7").first.click()
    page.get_by_role("button", name="Send a test").click()

    expect(page.locator("#test-told")).to_contain_text("Queued")
    expect(page.locator("#test-told")).to_contain_text("No worker is running")
    look(page)
    assert Broadcast.objects.get(type="single").text == "Hello {{ contact.name }}"
    page.reload()
    expect(page.get_by_text("to Person 7 on Shop")).to_be_visible()


def test_a_server_that_is_away_is_told_and_saved_to_later(
    site: Site, channel: Channel, complaints: object
) -> None:
    complaints.allow("Failed to load|ERR_|htmx")  # type: ignore[attr-defined]
    page = site.open("/broadcasts/new/")
    page.route("**/broadcasts/compose/*", lambda route: route.abort())
    page.get_by_role("textbox", name="Text").fill("Hello")
    expect(page.locator("#saved")).to_contain_text("Not saved")

    page.unroute("**/broadcasts/compose/*")
    expect(page.locator("#saved")).to_contain_text("Saved")
    assert the_draft().text == "Hello"


def test_a_failed_upload_is_told_until_it_has_succeeded(
    site: Site, channel: Channel, complaints: object
) -> None:
    complaints.allow("Failed to load|ERR_|htmx")  # type: ignore[attr-defined]
    mail = factory.channel("Mail", "email")
    draft = factory.draft([mail], text="Hello")
    page = site.open(f"/broadcasts/{draft.pk}/edit/")
    page.route("**/broadcasts/compose/attach", lambda route: route.abort())
    menu = {"name": "menu.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"}
    page.locator("#attachment-file").set_input_files(menu)  # type: ignore[arg-type]
    expect(page.locator("#saved")).to_contain_text("Not saved")
    with page.expect_response("**/broadcasts/compose/*"):
        page.get_by_role("textbox", name="Text").fill("Hello again")
    expect(page.locator("#saved")).to_contain_text("Not saved")

    page.unroute("**/broadcasts/compose/attach")
    expect(page.locator(".attachment-list")).to_contain_text("menu.pdf")
    expect(page.locator("#saved")).to_contain_text("Saved")
