"""The life of a broadcast in a real browser, with a real engine and the simulator."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from clarion.broadcasts import drafts, launch
from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from clarion.kit import clock
from clarion.records.models import Delivery
from crash.rehearsal import Provider, wait_completed
from support import factory
from support.processes import Processes
from support.waiting import eventually
from web.browsing import Site, add_admin, enter, look

# Engine and views have tests on both databases, and test_browser_first_broadcast joins them there.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.only_on("sqlite")]


@pytest.fixture
def undo_seconds() -> int:
    """How long a broadcast can be undone."""
    return 0


@pytest.fixture
def provider(processes: Processes) -> Provider:
    """The simulator; it takes its time for each answer."""
    return Provider(processes, latency="20ms..60ms")


@pytest.fixture
def shop(provider: Provider) -> Channel:
    """A channel to the provider."""
    return factory.channel("Shop", url=f"{provider.url}/hook/shop")


@pytest.fixture
def site(
    page: Page, live_server: LiveServer, engine: None, undo_seconds: int, settings: Any
) -> Site:
    settings.CLARION = settings.CLARION.model_copy(update={"undo_seconds": undo_seconds})
    return enter(page, live_server.url, add_admin())


def texts(provider: Provider) -> dict[str, str]:
    """What each person received, by user id; nobody may have received two."""
    entries = json.loads(provider.get("/_/log?outcome=accepted&limit=1000"))["entries"]
    assert max(Counter(entry["recipient"] for entry in entries).values(), default=0) <= 1
    return {entry["recipient"]: entry["text"] for entry in entries}


def compose(site: Site, text: str = "Hello {{ contact.name }}", *, title: str = "Autumn") -> Page:
    """A new broadcast with these words, on its page."""
    page = site.open("/broadcasts/new/")
    page.get_by_role("textbox", name="Title").fill(title)
    page.get_by_role("textbox", name="Text").fill(text)
    expect(page.locator("#saved")).to_contain_text("Saved")
    return page


def send(page: Page) -> None:
    page.get_by_role("button", name=re.compile(r"^Send to")).click()


def standing(page: Page) -> Locator:
    """Where the page of a broadcast says in which state it is."""
    return page.locator("#progress")


def count(page: Page, state: str) -> Locator:
    """How many people are in this state, on the page of a broadcast."""
    return page.locator(f"#state-{state} .numbers-count")


def in_dialog(page: Page, name: str) -> None:
    """Answer the question that the page asks first."""
    page.get_by_role("dialog").get_by_role("button", name=name).click()


@pytest.mark.parametrize("undo_seconds", [300])
def test_d2_c1_draft_edit_send_undo_send(site: Site, shop: Channel, provider: Provider) -> None:
    factory.people(shop, 5)
    page = compose(site, "Helo")
    page.get_by_role("button", name="Save draft").click()

    expect(page).to_have_url(re.compile("section=drafts"))
    page.get_by_role("link", name="Autumn").click()
    text = page.get_by_role("textbox", name="Text")
    expect(text).to_have_value("Helo")
    text.fill("Hello")
    send(page)

    expect(page.get_by_role("timer")).to_have_text(re.compile(r"[1-5]:\d\d"))
    page.get_by_role("button", name="Undo and edit").click()
    expect(page.get_by_text("Undone: nothing was sent. It is a draft again.")).to_be_visible()
    expect(text).to_have_value("Hello")
    text.fill("Hello {{ contact.name }}")
    expect(page.locator("#preview .bubble")).to_have_text("Hello Person 0")
    send(page)
    expect(page.get_by_role("timer")).to_be_visible()
    assert texts(provider) == {}
    Broadcast.objects.update(scheduled_at=clock.now())  # the time to undo is over

    expect(standing(page)).to_contain_text("Completed")
    expect(count(page, "sent")).to_have_text("5")
    assert texts(provider) == {f"u{n}": f"Hello Person {n}" for n in range(5)}
    assert Broadcast.objects.count() == 1


def test_a3_a_file_with_bad_rows_is_sent_to_the_good_ones(
    site: Site, shop: Channel, provider: Provider, tmp_path: Path
) -> None:
    factory.people(shop, 6)
    factory.channel("Mail")
    ids = tmp_path / "ids.csv"
    ids.write_text('n,who\n1,u0\n2,"u1"\n3,nobody\n4,\n5,u0\n6,u4\n', encoding="utf-8-sig")
    page = compose(site)

    option = page.get_by_label("CSV file of user ids")
    expect(option).to_be_disabled()
    page.get_by_role("checkbox", name="Shop").check()
    expect(option).to_be_enabled()
    mail = page.get_by_role("checkbox", name=re.compile("^Mail"))
    mail.check()
    expect(option).to_be_disabled()
    mail.uncheck()
    expect(option).to_be_enabled()
    # No person is quicker than the page.
    with page.expect_response(re.compile("/compose/audience$")):
        option.check()
    expect(page.locator("#saved")).to_contain_text("Saved")
    page.get_by_label("File with user ids on Shop").set_input_files(ids)
    page.get_by_label("Column with the user ids").select_option("who")

    expect(page.get_by_text("3 contacts selected from ids.csv, 3 lines rejected.")).to_be_visible()
    expect(page.locator(".rejects li")).to_have_text(
        [
            "Line 4: “nobody”, not known on Shop",
            re.compile("Line 5: “”, .*empty"),
            re.compile("Line 6: “u0”, .*"),
        ]
    )
    with page.expect_download() as download:
        page.get_by_role("link", name="Download all rejected lines").click()
    written = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert [line.partition(",")[0] for line in written[1:]] == ["4", "5", "6"]
    assert "not known on Shop" in written[1]
    expect(page.locator("#summary")).to_contain_text("3 contacts from a file of user ids")
    look(page)
    send(page)

    expect(standing(page)).to_contain_text("Completed")
    assert texts(provider).keys() == {"u0", "u1", "u4"}


def test_c3_f1_periodic_with_pause(site: Site, shop: Channel, provider: Provider) -> None:
    factory.people(shop, 2)
    page = compose(site, title="Good morning")
    page.get_by_label("Periodic").check()
    page.get_by_label("Repeat", exact=True).select_option("cron")
    page.get_by_label("Expression").fill("0 9 1 1 *")
    expect(page.locator("#repeat-told li")).to_have_count(3)
    page.get_by_role("button", name="Start").click()
    expect(standing(page)).to_contain_text("Live")
    expect(page.get_by_text(re.compile(r"Next run:\s+.*09:00"))).to_be_visible()
    broadcast = Broadcast.objects.get()
    witness = another_periodic_one(shop)
    runs = page.locator(".big strong")

    due(broadcast)
    expect(runs).to_have_text("1")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("No new runs start while it is paused.")).to_be_visible()
    due(broadcast, witness)
    eventually(witness.runs.exists, what="the engine has looked for runs")
    assert broadcast.runs.count() == 1

    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text(re.compile(r"Next run:\s+.*09:00"))).to_be_visible()
    due(broadcast)
    expect(runs).to_have_text("2")
    for run in broadcast.runs.all():
        wait_completed(run, 60)
        assert factory.states(run) == {"sent": 2}
    page.get_by_role("button", name="Delete").click()
    in_dialog(page, "Delete")
    expect(page.get_by_text("“Good morning” is deleted.")).to_be_visible()
    page = site.open("/broadcasts/?section=periodic")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("The other one")


def another_periodic_one(channel: Channel) -> Broadcast:
    """One that runs when the engine looks for runs, and so shows that it has looked."""
    draft = factory.draft([channel], title="The other one")
    yearly = {"every": "cron", "cron": "0 9 1 1 *"}
    drafts.edit_draft(draft, by=factory.BY, recurrence=yearly)
    return launch.start(draft, by=factory.BY)


def due(*broadcasts: Broadcast) -> None:
    """Their next runs are due, at the same moment."""
    numbers = [one.pk for one in broadcasts]
    Broadcast.objects.filter(pk__in=numbers).update(next_run_at=clock.now())


def test_f2_f3_stop_and_restart(site: Site, shop: Channel, provider: Provider) -> None:
    everyone = {one.value for one in factory.people(shop, 150)}
    page = compose(site)
    page.get_by_label("Send rate").fill("1")  # many are left when it is stopped
    send(page)

    page.get_by_role("button", name="Pause").click()
    expect(standing(page)).to_contain_text("Paused")
    page.get_by_role("button", name="Resume").click()
    expect(standing(page)).to_contain_text("Sending")
    expect(count(page, "sent")).not_to_have_text("0")
    page.get_by_role("button", name="Stop").click()
    in_dialog(page, "Stop")

    expect(standing(page)).to_contain_text("Stopped")
    expect(count(page, "queued")).to_have_text("0")
    expect(count(page, "sending")).to_have_count(0)  # what was in flight has come to an end
    first = texts(provider).keys()
    assert 0 < len(first) < len(everyone)
    expect(count(page, "sent")).to_have_text(str(len(first)))
    expect(count(page, "unsent")).to_have_text(str(len(everyone - first)))
    page.get_by_role("button", name="Restart", exact=True).click()
    in_dialog(page, "Restart")

    expect(page.get_by_text("not reached by an earlier broadcast").first).to_be_visible()
    page.get_by_role("button", name="Change send rate").click()
    page.get_by_label("Messages a second, at most").fill("")
    in_dialog(page, "Change")
    expect(standing(page)).to_contain_text("Completed")
    expect(count(page, "sent")).to_have_text(str(len(everyone - first)))
    assert texts(provider).keys() == everyone
    old, new = Broadcast.objects.order_by("pk")
    assert reached(old, "sent") == first
    assert reached(new, "sent") == reached(old, "unsent") == everyone - first


def reached(broadcast: Broadcast, state: str) -> set[str]:
    """The user ids of the people who are in this state."""
    deliveries = Delivery.objects.filter(broadcast=broadcast, state=state)
    return set(deliveries.values_list("address__value", flat=True))


def test_g2_held_chat_closed_delivered(site: Site, shop: Channel, provider: Provider) -> None:
    anna, *_ = factory.people(shop, 3)
    chat = site.open(f"/chats/{anna.pk}/")
    chat.get_by_role("button", name="Take over").click()
    expect(chat.get_by_label("Reply")).to_be_visible()
    page = compose(site, title="Autumn sale")
    send(page)

    expect(page.get_by_text("1 recipient is held")).to_be_visible()
    expect(count(page, "sent")).to_have_text("2")
    assert texts(provider).keys() == {"u1", "u2"}
    page.get_by_role("link", name="Show them").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("Person 0")

    chat = site.open("/chats/")
    chat.get_by_role("link", name="Person 0", exact=True).click()
    expect(chat.get_by_text("1 broadcast is held for this contact.")).to_be_visible()
    look(chat)
    chat.get_by_role("button", name="Close").click()
    expect(chat.get_by_text("The broadcast that was held is sent now.")).to_be_visible()
    expect(chat.locator(".said-us")).to_contain_text("Hello Person 0")
    chat.locator(".said-us").get_by_role("link", name="Autumn sale").click()

    expect(standing(page)).to_contain_text("Completed")
    expect(count(page, "sent")).to_have_text("3")
    assert texts(provider)["u0"] == "Hello Person 0"
