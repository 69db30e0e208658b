"""Before sending, in a real browser: what is asked, what is missing, what is thrown away."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from clarion.broadcasts import drafts
from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from support import factory
from support.chromium import Complaints
from web.browsing import Site, add_admin, enter, look

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.only_on("sqlite")]


@pytest.fixture
def site(page: Page, live_server: LiveServer) -> Site:
    return enter(page, live_server.url, add_admin())


@pytest.fixture
def channel() -> Channel:
    channel = factory.channel("Shop")
    factory.people(channel, 4)
    return channel


def test_problems_have_the_focus_and_lead_to_their_fields(
    site: Site, channel: Channel, complaints: Complaints
) -> None:
    complaints.allow("422")
    page = site.open("/broadcasts/new/")
    page.get_by_role("button", name=re.compile("^Send")).click()

    expect(page.locator("#problems")).to_be_focused()
    look(page)
    page.get_by_role("link", name="Write a text.").click()
    expect(page.get_by_role("textbox", name="Text")).to_be_focused()
    assert not Broadcast.objects.exists()


def test_chat_numbers_are_counted_while_they_are_typed(site: Site, channel: Channel) -> None:
    numbers = list(channel.addresses.order_by("pk").values_list("pk", flat=True))
    page = site.open("/broadcasts/new/")
    page.get_by_label("Chat numbers", exact=True).check()
    field = page.get_by_label("Chat numbers, separated by commas")

    field.press_sequentially(f"{numbers[0]}, {numbers[1]}")
    expect(page.get_by_role("button", name="Send to 2 recipients")).to_be_visible()
    field.press_sequentially(", 99999")
    expect(page.locator("#chats-problem")).to_contain_text("99999")
    expect(field).to_be_focused()


def test_a_large_audience_is_asked_about_in_a_dialog(
    site: Site, channel: Channel, settings: Any
) -> None:
    settings.CLARION = settings.CLARION.model_copy(update={"confirm_recipients": 4})
    draft = factory.draft([channel], text="Hello")
    page = site.open(f"/broadcasts/{draft.pk}/edit/")
    page.get_by_role("button", name="Send to 4 recipients").click()

    dialog = page.get_by_role("dialog", name="Send to 4 recipients?")
    expect(dialog).to_be_visible()
    look(page)
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    assert Broadcast.objects.get().state == "draft"

    page.get_by_role("button", name="Send to 4 recipients").click()
    dialog.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("It will be sent to 4 recipients.")).to_be_visible()
    expect(page.get_by_role("button", name="Send now")).to_be_visible()
    look(page)


def test_drafts_are_ticked_and_deleted_together(site: Site) -> None:
    for number in range(3):
        drafts.create_draft(by=factory.BY, title=f"Draft {number}")
    page = site.open("/broadcasts/?section=drafts")
    delete = page.get_by_role("button", name="Delete selected…")
    expect(delete).to_be_hidden()
    look(page)

    page.get_by_label("Select all").check()
    page.get_by_label("Select Draft 1").uncheck()
    delete.click()
    expect(page.get_by_role("heading", name="Delete 2 drafts?")).to_be_visible()
    look(page)
    page.get_by_role("button", name="Delete drafts").click()

    expect(page.get_by_text("2 drafts are deleted.")).to_be_visible()
    assert [draft.title for draft in Broadcast.objects.all()] == ["Draft 1"]
