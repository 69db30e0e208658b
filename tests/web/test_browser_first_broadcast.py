"""The main job in a real browser, on a real `clarion serve` and the simulated provider."""

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from clarion.broadcasts.models import Broadcast
from clarion.channels.manage import update_channel
from clarion.channels.models import Channel
from clarion.kit import clock
from support import factory
from support.processes import Processes
from web.browsing import Site, add_admin, log_in, look

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = 300


@pytest.fixture
def provider(processes: Processes) -> str:
    """The address of a simulated provider that has a fault now and then."""
    faults = ["--set", "error_500=3", "--set", "error_400=2", "--set", "latency=1ms..8ms"]
    simulator = processes.clarion("simulator", "--http-port", "0", "--smtp-port", "0", *faults)
    return simulator.wait_for_line(r"ready (http://\S+)")[1]


@pytest.fixture
def site(processes: Processes, page: Page, free_port: int) -> Site:
    # The processes come first, so that the window is closed before its server ends.
    add_admin()
    serve = processes.clarion(
        "serve", "--port", str(free_port), env={"CLARION_UNDO_SECONDS": "300"}
    )
    url = serve.wait_for_line(r"running at (http://\S+)")[1]
    return log_in(page, url)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "name", "city"])
        writer.writerows([n, f"Person {n}", "Lisbon" if n % 2 else "Oslo"] for n in range(PEOPLE))
        writer.writerow(["", "Nobody", "Rome"])
    return path


def test_the_main_job(site: Site, provider: str, people: Path, tmp_path: Path) -> None:
    page = site.page
    _add_a_channel(page, provider)
    _import(page, people)
    _compose(page)
    _undo_and_edit(page)
    _send_and_watch(page)
    _reconcile(page)
    _records(page, tmp_path)


def _add_a_channel(page: Page, provider: str) -> None:
    page.get_by_role("link", name="Channels").click()
    page.get_by_role("link", name="Add a channel").click()
    page.get_by_role("link", name="Webhook").click()
    page.get_by_role("textbox", name="Name").fill("Shop")
    page.get_by_role("textbox", name="URL").fill("nonsense")
    page.get_by_role("button", name="Add channel").click()
    expect(page.locator(".problem")).to_be_visible()
    expect(page.get_by_role("textbox", name="Name")).to_have_value("Shop")
    page.get_by_role("textbox", name="URL").fill(f"{provider}/shop")
    page.locator("summary", has_text="Advanced").click()
    page.get_by_label("Allow private addresses").check()
    page.get_by_label("Send rate").fill("5")
    page.get_by_role("button", name="Add channel").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Shop")
    expect(page.locator("#last-check")).to_contain_text("The receiver can be reached")
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#said")).to_contain_text("The receiver can be reached")
    look(page)


def _import(page: Page, people: Path) -> None:
    page.get_by_role("link", name="Contacts", exact=True).click()
    page.get_by_role("link", name="Import contacts").click()
    page.get_by_label("CSV file").set_input_files(people)
    page.get_by_label("Tags for all contacts in the file").fill("guests")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Columns of the file")
    page.get_by_role("button", name="Check file").click()
    page.get_by_role("button", name=f"Import {PEOPLE} contacts").click()
    expect(page.get_by_role("link", name="Show contacts")).to_be_visible()
    expect(page.locator(".numbers li", has_text="Rejected")).to_contain_text("1")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download rejected lines").click()
    assert "302" in Path(download.value.path()).read_text()
    look(page)
    page.get_by_role("link", name="New broadcast").click()


def _compose(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("New broadcast")
    page.get_by_label("Contacts with tags").check()
    page.get_by_role("group", name="With any of these tags").get_by_label("guests").check()
    summary = page.locator("#summary")
    expect(page.get_by_role("button", name=f"Send to {PEOPLE} recipients")).to_be_visible()
    expect(summary).to_contain_text("Tagged guests")
    assert page.url.endswith("/broadcasts/new/")  # nothing but ticks so far: no draft

    page.get_by_role("textbox", name="Title").fill("Autumn sale")
    expect(page).to_have_url(re.compile(r"/broadcasts/\d+/edit/"))
    page.get_by_role("textbox", name="Text").fill("Hello {{ contact.nam }}")
    expect(page.locator("#text-problems")).to_contain_text("No contact has “contact.nam”.")
    page.get_by_role("textbox", name="Text").fill("Hello ")
    page.get_by_role("button", name="name", exact=True).click()
    expect(page.get_by_role("textbox", name="Text")).to_have_value(
        'Hello {{ contact.name | default("friend") }}'
    )
    expect(page.locator("#text-problems")).to_be_empty()
    page.get_by_text("Preview for another contact").click()
    page.get_by_label("Name or user id", exact=True).fill("Person 77")
    page.get_by_role("button", name="Person 77").click()
    expect(page.locator("#preview .bubble")).to_have_text("Hello Person 77")
    look(page)
    page.get_by_role("button", name=re.compile(r"^Send to")).click()


def _undo_and_edit(page: Page) -> None:
    expect(page.get_by_role("timer")).to_have_text(re.compile(r"[1-5]:\d\d"))
    page.get_by_role("button", name="Undo and edit").click()
    expect(page.get_by_text("Undone: nothing was sent. It is a draft again.")).to_be_visible()
    expect(page.get_by_role("textbox", name="Title")).to_have_value("Autumn sale")
    assert Broadcast.objects.get().state == "draft"
    page.get_by_role("button", name=re.compile(r"^Send to")).click()


def _send_and_watch(page: Page) -> None:
    expect(page.locator("#progress")).to_contain_text("Scheduled")
    Broadcast.objects.update(scheduled_at=clock.now())  # the time to undo is over
    # Slow enough until then for the page to look twice while it is being sent.
    expect(page.get_by_text(re.compile(r"\d messages a second"))).to_be_visible()
    update_channel(Channel.objects.get(), rate=None, by=factory.BY)
    expect(page.locator("#progress")).to_contain_text("Completed")
    done = page.locator("#state-sent .numbers-count")
    failed = page.locator("#state-failed .numbers-count")
    assert int(done.inner_text()) + int(failed.inner_text()) == PEOPLE
    expect(page.get_by_role("heading", name="Errors by cause")).to_be_visible()
    look(page)


def _reconcile(page: Page) -> None:
    page.get_by_role("link", name="Reconcile").click()
    expect(page.get_by_text("Every recipient is counted exactly once.")).to_be_visible()
    expect(page.locator(".equation")).to_contain_text(f"expected {PEOPLE} = sent")
    look(page)
    page.go_back()


def _records(page: Page, tmp_path: Path) -> None:
    page.get_by_role("link", name=re.compile(r"^View \d+ failed attempts?$")).click()
    expect(page.get_by_role("link", name="Status: Error")).to_be_visible()
    page.get_by_role("link", name="Status: Error").click()
    expect(page.get_by_role("link", name="Status: Error")).to_be_hidden()
    page.locator("summary", has_text=re.compile(r"^\s*Filter")).click()
    page.get_by_label("Search by contact name").fill("Person 77")
    page.get_by_label("Status").select_option("Completed")
    page.get_by_role("button", name="Apply").click()
    expect(page).to_have_url(re.compile(r"name=Person\+77&status=completed$"))
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("tbody tr").hover()
    expect(page.get_by_role("tooltip")).to_contain_text("Hello Person 77")

    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(text.splitlines()))
    assert [(row["user id"], row["content"]) for row in rows] == [("77", "Hello Person 77")]

    page.locator("tbody tr a").first.click()
    expect(page.get_by_role("heading", name="Message sent")).to_be_visible()
    look(page)
    page.get_by_role("link", name="Person 77").click()
    expect(page.get_by_role("link", name="Autumn sale")).to_be_visible()
    look(page)
