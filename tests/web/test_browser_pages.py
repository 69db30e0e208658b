"""Every page in a real browser: accessible in light and dark, whole on a phone, no error."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from clarion.broadcasts import launch
from clarion.broadcasts.models import Broadcast
from clarion.channels.manage import pause_channel
from clarion.channels.models import Channel
from clarion.contacts.models import Address, Contact, Import, Tag, Tagging
from clarion.kit import clock
from clarion.records.models import Record
from support import factory
from support.chromium import Complaints
from web.browsing import Site, add_admin, enter, look

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.only_on("sqlite")]

EMPTY = [
    "/",
    "/broadcasts/",
    "/records/",
    "/contacts/",
    "/channels/",
    "/broadcasts/new/",
    "/contacts/import/",
]
EMPTY += ["/account/", "/account/password/", "/channels/add/", "/channels/add/telegram/"]


@pytest.fixture
def site(page: Page, live_server: LiveServer) -> Site:
    return enter(page, live_server.url, add_admin())


@pytest.fixture
def world(site: Site) -> Broadcast:
    """Something of everything; the broadcast is half sent, with errors and people in doubt."""
    channel = factory.channel("Shop")
    mail = factory.channel("Mail")
    pause_channel(mail, reason="The password is wrong.", by="worker")
    for number, address in enumerate(factory.people(channel, 60)):
        if number % 2:
            tag = Tag.objects.get_or_create(name=f"tag {number % 7}")[0]
            Tagging.objects.create(tag=tag, contact=address.contact)
    Address.objects.filter(value="u59").update(state="blocked", state_at=clock.now())
    factory.draft([channel], title="A draft")
    at = clock.now() + timedelta(days=9)
    launch.start(factory.draft([channel], title="Later", scheduled_at=at), by="test")
    launch.start(factory.draft([channel], title="In a minute"), by="test", undo_seconds=60)
    sent = factory.sending([channel], title="Autumn sale")
    outcomes = ["sent", "sent", "failed", "in_doubt", "delivered", "read"]
    factory.settle_each(channel, [outcomes[number % 6] for number in range(40)])
    return sent


def test_empty_pages(site: Site) -> None:
    for path in EMPTY:
        look(site.open(path))


def test_pages_with_something_on_them(site: Site, world: Broadcast) -> None:
    record = Record.objects.filter(status="error").first()
    contact = Contact.objects.first()
    draft = Broadcast.objects.get(title="A draft")
    soon = Broadcast.objects.get(title="In a minute")
    assert record
    assert contact
    for path in [
        "/",
        "/broadcasts/",
        "/broadcasts/?section=scheduled",
        "/broadcasts/?section=drafts",
        f"/broadcasts/{world.pk}/",
        f"/broadcasts/{soon.pk}/",
        f"/broadcasts/{world.pk}/recipients/",
        f"/broadcasts/{world.pk}/recipients/?state=failed",
        f"/broadcasts/{draft.pk}/edit/",
        "/records/",
        "/records/?status=error&name=zzz",
        "/records/?broadcast=x",
        f"/records/{record.pk}/",
        "/contacts/",
        f"/contacts/{contact.pk}/",
        "/channels/",
        f"/channels/{Channel.objects.get(name='Mail').pk}/",
    ]:
        look(site.open(path))


def test_an_import_that_is_running_and_one_that_failed(site: Site) -> None:
    channel = factory.channel("Shop")
    common = {"channel": channel, "filename": "people.csv", "id_column": "id", "tags": ["vip"]}
    alive = clock.now() + timedelta(hours=1)  # after a minute without a beat it has failed
    running = Import.objects.create(
        **common, bytes_total=1_000, bytes_done=400, lines=20, beat_at=alive
    )
    failed = Import.objects.create(**common, state="failed", error="The disk is full.")

    look(site.open(f"/contacts/import/{running.pk}/"))
    expect(site.page.get_by_role("progressbar")).to_be_visible()
    Import.objects.filter(pk=running.pk).update(state="done", created=1_234, bytes_done=1_000)
    expect(site.page.get_by_text("1,234")).to_be_visible()
    look(site.open(f"/contacts/import/{failed.pk}/"))


def test_error_pages(site: Site, complaints: Complaints) -> None:
    complaints.allow("404|403")
    look(site.open("/no/such/page"))
    look(site.open("/records/424242/"))


def test_the_log_in_page(page: Page, live_server: LiveServer) -> None:
    page.goto(live_server.url)
    look(page)
    page.get_by_label("E-mail").fill("nobody@example.org")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    look(page)


def test_a_phone_has_what_the_navigation_has_no_room_for_in_a_menu(site: Site) -> None:
    more = site.page.get_by_role("button", name="More")
    logs = site.page.get_by_role("link", name="Logs", exact=True)
    site.open("/")
    expect(more).to_be_hidden()
    expect(logs).to_be_visible()
    site.page.set_viewport_size({"width": 390, "height": 844})
    expect(logs).to_be_hidden()
    more.click()  # without a script of ours
    expect(logs).to_be_in_viewport()
    logs.click()
    expect(site.page.get_by_role("heading", name="Logs", exact=True)).to_be_visible()


def test_dark_colours_are_kept_and_never_flash(site: Site) -> None:
    page = site.open("/")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.get_by_text("Ada Lovelace").click()
    page.get_by_role("button", name="Dark mode").click()
    page.reload(wait_until="commit")
    page.locator("body").wait_for(state="attached")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_i2_hover_focus_and_escape_on_a_record(site: Site, world: Broadcast) -> None:
    page = site.open("/records/?status=completed")
    row = page.locator("tbody tr").nth(2)
    peek = row.get_by_role("tooltip")
    expect(peek).to_be_hidden()

    row.hover()
    expect(peek).to_contain_text("Hello Person")
    page.keyboard.press("Escape")
    expect(peek).to_be_hidden()

    page.mouse.move(0, 0)
    row.get_by_role("link").first.focus()
    expect(peek).to_be_visible()


def test_what_a_number_means_is_told_to_keyboards_too(site: Site, world: Broadcast) -> None:
    page = site.open(f"/broadcasts/{world.pk}/")
    page.locator("#do-stop").focus()
    for _ in range(12):
        if page.evaluate("document.activeElement.id") == "state-in_doubt":
            break
        page.keyboard.press("Tab")

    expect(page.locator("#means-in_doubt")).to_be_visible()


def test_focus_stays_while_numbers_move(site: Site, world: Broadcast) -> None:
    page = site.open(f"/broadcasts/{world.pk}/")
    page.locator("#state-failed").focus()
    page.evaluate("window.before = document.activeElement")

    Broadcast.objects.filter(pk=world.pk).update(total=1_000_000)

    expect(page.get_by_text(re.compile("of 1,000,000 completed"))).to_be_visible()
    assert page.evaluate("document.activeElement === window.before")


def test_the_list_asks_with_its_etag(site: Site, world: Broadcast) -> None:
    page = site.page
    statuses: list[int] = []
    page.on("response", lambda r: statuses.append(r.status) if "/live" in r.url else None)
    site.open("/broadcasts/?section=scheduled")

    for _ in range(3):
        with page.expect_response(re.compile("/broadcasts/live")):
            pass

    assert statuses[:1] == [200]
    assert 304 in statuses


def test_a_server_that_is_away_is_told(site: Site, complaints: Complaints) -> None:
    complaints.allow("Failed to load|ERR_|htmx")
    page = site.open("/broadcasts/")
    notice = page.get_by_text("The server is not responding.")
    expect(notice).to_be_hidden()

    page.route("**/broadcasts/live*", lambda route: route.abort())
    expect(notice).to_be_visible()
    page.unroute("**/broadcasts/live*")
    expect(notice).to_be_hidden()


def test_questions_are_asked_before_stopping(site: Site, world: Broadcast) -> None:
    page = site.open(f"/broadcasts/{world.pk}/")
    page.get_by_role("button", name="Stop").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    look(page)

    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Stop").click()
    dialog.get_by_role("button", name="Stop").click()

    expect(page.get_by_text("Stopped").first).to_be_visible()
    assert Broadcast.objects.get(pk=world.pk).state == "stopped"
