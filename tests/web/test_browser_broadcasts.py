"""The list and the page of one broadcast in a real browser, with everything on them."""

import re
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from clarion.broadcasts import control, launch
from clarion.broadcasts.models import Broadcast, ExternalCall
from clarion.chats import control as chats
from clarion.content import stories
from clarion.engine import lifecycle
from clarion.kit import clock
from clarion.records import tallies
from support import factory
from web.browsing import Site, add_admin, enter, look, resize

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.only_on("sqlite")]
TRIGGER = {
    "on": "tag", "tag": "newsletter", "delay": 7200, "conditions": [
        {"attribute": "city", "is": "equals", "value": "Bonn"}
    ],
}  # fmt: skip


@pytest.fixture
def site(page: Page, live_server: LiveServer) -> Site:
    agent = add_admin()
    site = enter(page, live_server.url, agent)
    channel = factory.channel("Shop")
    people = factory.people(channel, 60)
    for address in people[-3:]:
        chats.take_over(address.pk, by=agent)
    running = factory.sending([channel], title="Autumn sale")
    outcomes = ["sent", "sent", "failed", "in_doubt", "delivered", "read"]
    factory.settle_each(channel, [outcomes[number % 6] for number in range(40)])
    done = factory.sending([channel], title="Summer sale")
    control.stop(done, by=agent)
    while lifecycle.cancel_remaining():
        pass
    Broadcast.objects.filter(pk=done.pk).update(finished_at=clock.now() - timedelta(days=80))
    Broadcast.objects.update(agent=agent)
    for title, fields in _LIVE.items():
        live = Broadcast.objects.create(
            title=title, state="live", started_at=clock.now(), agent=agent,
            audience={"kind": "all"},
            **{"text": "Good morning {{ contact.name }}", **fields},
        )  # fmt: skip
        live.channels.add(channel)
    ExternalCall.objects.create(
        broadcast=Broadcast.objects.get(type="external"), run=running, key="A-17",
        answer={"will_get": 3, "unknown": ["44", "45"], "skipped": 0},
    )  # fmt: skip
    Broadcast.objects.filter(pk=done.pk).update(
        parent=Broadcast.objects.exclude(recurrence={}).get()
    )
    story = stories.create_story(
        name="Welcome aboard",
        blocks=[
            {"kind": "text", "text": "Hi {{ contact.name }}"},
            {"kind": "buttons", "text": "What next?", "buttons": [
                {"kind": "link", "label": "Our shop", "value": "https://shop.example"}]},
        ],
        by=agent,
    )  # fmt: skip
    at = clock.now() + timedelta(days=2)
    later = factory.draft([channel], title="A story", scheduled_at=at)
    Broadcast.objects.filter(pk=later.pk).update(data_type="story", story=story)
    later.refresh_from_db()
    launch.start(later, by=agent)
    missed = launch.start(factory.draft([channel], title="Too late", scheduled_at=at), by=agent)
    Broadcast.objects.filter(pk=missed.pk).update(
        state="missed", state_reason="It was due, but no worker was running."
    )
    return site


_LIVE: dict[str, dict[str, Any]] = {
    "Every morning": {
        "recurrence": {"every": "week", "at": "09:00", "days": [0, 3]},
        "time_zone": "Europe/Berlin",
        "next_run_at": clock.now() + timedelta(hours=9),
    },
    "Welcome": {"type": "trigger", "trigger": TRIGGER},
    "Order ready": {
        "type": "external", "secret": {"token": "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4"}, "text": "",
        "data_type": "template",
        "template": {"name": "order_ready", "language": "en", "variables": ["{{ data.order }}"]},
    },
}  # fmt: skip


def number(title: str) -> int:
    return Broadcast.objects.get(title=title).pk


def test_e1_every_section(site: Site) -> None:
    for section in ("active", "scheduled", "periodic", "completed", "drafts"):
        look(site.open(f"/broadcasts/?section={section}"))
        _fits(site.page)
    look(site.open("/broadcasts/retention/"))
    _fits(site.page)
    resize(site.page, 390, 844)
    site.open("/broadcasts/?section=completed")
    expect(site.page.locator(".tabs [aria-current]")).to_be_in_viewport(ratio=1)


def test_the_pages_of_all_kinds(site: Site) -> None:
    for title in ("Autumn sale", "Every morning", "Welcome", "Order ready", "A story", "Too late"):
        look(site.open(f"/broadcasts/{number(title)}/"))
        _fits(site.page)
    sale = number("Autumn sale")
    look(site.open(f"/broadcasts/{sale}/recipients/?state=held"))
    look(site.open(f"/broadcasts/{number('Every morning')}/runs/"))
    for act, title in (
        ("stop", "Autumn sale"), ("rate", "Autumn sale"), ("release", "Autumn sale"),
        ("restart", "Summer sale"), ("delete", "Every morning"), ("rotate", "Order ready"),
    ):  # fmt: skip
        look(site.open(f"/broadcasts/{number(title)}/ask/{act}/"))


def test_e2_great_numbers_and_long_names_fit(site: Site) -> None:
    sale = Broadcast.objects.get(title="Autumn sale")
    Broadcast.objects.filter(pk=sale.pk).update(
        total=12_345_678,
        title="A long title of a broadcast that nobody reads to its very end, ever",
    )
    Broadcast.objects.filter(title="Welcome").update(title="W" * 135)  # one word
    tallies.add(
        {
            (sale.pk, sale.channels.get().pk, state): 1_234_567
            for state in ("read", "failed", "held")
        }
    )
    tallies.add({(sale.pk, sale.channels.get().pk, "in_doubt"): 123_456})
    page = site.open("/broadcasts/?section=active")
    expect(page.get_by_text("of 12.3 M")).to_be_visible()
    page.locator(f"#result-{sale.pk}").hover()
    expect(page.get_by_text("12,345,678")).to_be_visible()
    _fits(page)
    for width in (390, 800, 1024, 1440, 1680):
        resize(page, width, 800)
        _fits(page)


def _fits(page: Page) -> None:
    """Nothing is wider than the card it stands in, and the page not than the window."""
    over = page.evaluate(
        "[document.documentElement, ...document.querySelectorAll('.card')]"
        ".filter(c => c.scrollWidth > c.clientWidth + 1).map(c => c.innerText.slice(0, 80))"
    )
    assert over == [], (page.url, page.viewport_size)


def test_e3_the_menu_of_a_row_stays_open_while_the_list_moves(site: Site) -> None:
    page = site.open("/broadcasts/?section=active")
    row = page.locator(f"#broadcast-{number('Autumn sale')}")
    row.locator("summary").click()
    expect(row.get_by_role("button", name="Pause")).to_be_visible()

    Broadcast.objects.filter(title="Autumn sale").update(total=12_345)
    expect(row.get_by_text("of 12,345")).to_be_visible()
    expect(row.get_by_role("button", name="Pause")).to_be_visible()
    look(page)
    row.get_by_role("button", name="Pause").click()

    expect(row.get_by_text("Paused")).to_be_visible()
    assert page.url.endswith("section=active")
    row.locator("summary").click()
    row.get_by_role("link", name="Stop…").click()
    page.get_by_role("button", name="Stop broadcast").click()
    expect(page.locator("h1")).to_have_text("Broadcasts")
    assert Broadcast.objects.get(title="Autumn sale").state == "stopped"


def test_e4_the_list_is_searched_while_one_types(site: Site) -> None:
    page = site.open("/broadcasts/?section=active")
    page.get_by_role("searchbox").press_sequentially("autumn")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.get_by_role("searchbox")).to_be_focused()
    assert "q=autumn" in page.url
    # What came anew goes on asking by itself.
    Broadcast.objects.filter(title="Autumn sale").update(title="Autumn sale II")
    expect(page.get_by_role("link", name="Autumn sale II")).to_be_visible()


def test_the_title_of_the_tab_moves_with_the_broadcast(site: Site) -> None:
    page = site.open(f"/broadcasts/{number('Autumn sale')}/")
    expect(page).to_have_title(re.compile(r"^\d+ % · Autumn sale · Clarion$"))
    Broadcast.objects.filter(title="Autumn sale").update(title="Winter sale", state="stopped")
    expect(page).to_have_title("Winter sale · Clarion")
    expect(page.get_by_text("Stopped", exact=True).first).to_be_visible()


def test_e1_types_are_ticked(site: Site) -> None:
    page = site.open("/broadcasts/?section=active")
    expect(page.locator("tbody tr")).to_have_count(3)
    page.locator("summary", has_text=re.compile(r"^\s*Filter")).click()
    look(page)
    page.get_by_role("checkbox", name="External").check()
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("summary", has_text=re.compile(r"^\s*Filter")).click()
    page.get_by_role("checkbox", name="Trigger").check()
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_role("link", name="Clear").click()
    expect(page.locator("tbody tr")).to_have_count(3)


def test_f5_speed_and_f3_restart_by_their_dialogs(site: Site) -> None:
    page = site.open(f"/broadcasts/{number('Autumn sale')}/")
    page.get_by_role("button", name="Change send rate").click()
    look(page)
    page.get_by_label("Messages a second, at most").fill("2.5")
    page.get_by_role("dialog").get_by_role("button", name="Change").click()
    expect(page.get_by_text("at most 2.5 a second.")).to_be_visible()

    page = site.open(f"/broadcasts/{number('Summer sale')}/")
    page.get_by_role("button", name="Restart", exact=True).click()
    expect(page.get_by_role("dialog").get_by_text("Unsent:")).to_be_visible()
    look(page)


def test_c5_the_url_is_copied(site: Site) -> None:
    page = site.open(f"/broadcasts/{number('Order ready')}/")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("window.setTimeout = () => 0")  # else it says so for two seconds only
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert re.search(r"^http://.*/hooks/external/[0-9]+/Zm9v", copied)
    page.get_by_text("Example request").click()
    expect(page.get_by_text("curl -X POST")).to_be_visible()


ASK = """press => {
    const live = document.querySelector("[data-live]");
    let sent = false;
    live.addEventListener("htmx:beforeSend", () => (sent = true));
    if (press) document.querySelector('button[formaction$="/do/duplicate"]').click();
    htmx.ajax("GET", live.getAttribute("hx-get"), { source: live, swap: "none" });
    sessionStorage.setItem("sent", sent);
}"""


def test_a_page_that_is_left_asks_no_more(site: Site) -> None:
    page = site.open(f"/broadcasts/{Broadcast.objects.get(title='Summer sale').pk}/")
    page.evaluate(ASK, False)
    assert page.evaluate("sessionStorage.getItem('sent')") == "true"

    page.evaluate(ASK, True)
    expect(page.get_by_text("This draft is a copy of")).to_be_visible()
    assert page.evaluate("sessionStorage.getItem('sent')") == "false"
