"""Take pictures of every page, empty and full, wide and on a phone, in light and dark.

    .venv/bin/python scripts/screenshots.py [--to FOLDER] [--readme | --components]

Starts a simulated provider and a server on a fresh database of its own. Pictures go to
test-results/screenshots; --readme and --components take only what docs/images has of them.
"""

import argparse
import base64
import csv
import os
import random
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402

from support.chromium import ARGUMENTS, find_chromium  # noqa: E402
from support.ports import free_port  # noqa: E402
from support.processes import Processes  # noqa: E402
from support.waiting import eventually  # noqa: E402

if TYPE_CHECKING:
    from clarion.accounts.models import Agent

EMAIL, PASSWORD = "ada@example.org", "correct horse battery"
SECRET = "whsec_" + base64.b64encode(b"only for pictures, only here").decode()
FIRST = ["Ana", "Ben", "Chloé", "Dimitri", "Eva", "Farid", "Grace", "Hiro", "Inês", "Jonas"]
LAST = ["Almeida", "Berg", "Costa", "Dubois", "Fischer", "García", "Haddad", "Jensen", "Rossi"]
CITIES = ["Lisbon", "Berlin", "Paris", "Oslo", "Madrid", "Warsaw", "Prague", "Rome"]
TEXT = """Hi {{ contact.name }},

our autumn sale in {{ contact.city }} starts on Friday at nine. Your {{ contact.points }} points \
count double until Sunday.

See you there!"""
EMPTY = {
    "broadcasts": "/",
    "compose": "/broadcasts/new/",
    "records": "/records/",
    "contacts": "/contacts/",
    "import": "/contacts/import/",
    "channels": "/channels/",
    "kinds": "/channels/add/",
    "channel-new": "/channels/add/telegram/",
    "account": "/account/",
    "not-found": "/no/such/page",
}
FULL = {
    "broadcasts": "/",
    "scheduled": "/?section=scheduled",
    "completed": "/?section=completed",
    "drafts": "/?section=drafts",
    "broadcast": "/broadcasts/{sale}/",
    "broadcast-leaving": "/broadcasts/{leaving}/",
    "recipients": "/broadcasts/{sale}/recipients/",
    "consents-of": "/broadcasts/{sale}/consents/",
    "activity": "/broadcasts/{sale}/activity/",
    "activity-status": "/broadcasts/{sale}/activity/?group=status",
    "compose": "/broadcasts/{draft}/edit/",
    "records": "/records/",
    "errors": "/records/?broadcast={sale}&status=error",
    "record": "/records/5/",
    "contacts": "/contacts/",
    "contact": "/contacts/5/",
    "import-done": "/contacts/import/1/",
    "channels": "/channels/",
    "channel": "/channels/1/",
}


def main() -> int:
    """Take the pictures; return the exit code."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--to", type=Path, default=ROOT / "test-results" / "screenshots")
    only = options.add_mutually_exclusive_group()
    only.add_argument("--readme", action="store_true")
    only.add_argument("--components", action="store_true")
    given = options.parse_args()
    executable = find_chromium()
    if executable is None:
        print("There is no Chromium on this machine (Debian: apt-get install chromium).")
        return 1
    with tempfile.TemporaryDirectory(prefix="clarion-screenshots-") as folder:
        data = Path(folder)
        os.environ |= {"CLARION_DATA": str(data), "DJANGO_SETTINGS_MODULE": "clarion.settings"}
        os.environ["CLARION_DATABASE_URL"] = f"sqlite:///{data / 'clarion.sqlite3'}"
        processes = Processes(os.environ)
        try:
            _shoot(processes, data, executable, given)
        finally:
            processes.close()
    return 0


def _shoot(processes: Processes, data: Path, executable: str, given: argparse.Namespace) -> None:
    serve = processes.clarion("serve", "--port", str(free_port()))
    url = serve.wait_for_line(r"running at (http://\S+)", timeout=60)[1]
    turned = ["error_500=2", "error_400=1", "reset_after=1", "delivered=90", "read=60"]
    turned += [f"callback_url={url}/hooks/1/", f"callback_secret={SECRET}", "callback_delay=1s..9s"]
    knobs = [part for knob in turned for part in ("--set", knob)]
    simulator = processes.clarion("simulator", "--http-port", "0", "--smtp-port", "0", *knobs)
    provider = simulator.wait_for_line(r"ready (http://\S+)")[1]
    import django

    django.setup()
    # Playwright keeps a loop running in this thread, which Django takes for async code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    agent = _agent()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        if given.components:
            _components_picture(browser, url)
            return
        if not given.readme:
            _pictures(browser, url, EMPTY, given.to, "empty")
        numbers = _world(provider, data, agent, trouble=not given.readme)
        if given.readme:
            _readme_picture(browser, url, numbers["sale"])
        else:
            pages = {name: path.format(**numbers) for name, path in FULL.items()}
            _pictures(browser, url, pages, given.to, "full")
        browser.close()


def _agent() -> "Agent":
    from clarion.accounts.agents import add_agent

    return add_agent(
        name="Ada Lovelace", email=EMAIL, role="admin", password=PASSWORD, by="screenshots"
    )[0]


def _world(provider: str, data: Path, agent: "Agent", *, trouble: bool) -> dict[str, int]:
    """Channels, people and broadcasts in every state; returns the numbers of some."""
    from clarion.broadcasts import drafts, launch
    from clarion.broadcasts.models import Broadcast
    from clarion.broadcasts.query import Audience
    from clarion.channels.manage import add_channel, pause_channel
    from clarion.contacts.imports import import_contacts
    from clarion.kit import clock

    web = {"url": f"{provider}/shop", "allow_private": "true", "secret": SECRET}
    shop = add_channel(name="Shop app", kind="webhook", settings=web, rate=250, by=agent)
    bot_settings = {"token": "123456789:AAEhBOweik6ad9rQXMENQjcrGbqCr4K", "api_root": provider}
    bot = add_channel(name="Customer bot", kind="telegram", settings=bot_settings, by=agent)
    mail_settings = {"host": "smtp.example.org", "sender": "News <news@example.org>"}
    mail = add_channel(name="Newsletter", kind="email", settings=mail_settings, by=agent)
    if trouble:
        reason = "The server refused the password. Save it again."
        pause_channel(mail, reason=reason, by="engine")
    people = _people(data / "shop.csv", 5_000, 100_000)
    import_contacts(people, channel=shop, tags=["customer"], by=agent)
    people = _people(data / "bot.csv", 400, 700_000)
    import_contacts(people, channel=bot, tags=["loyal"], by=agent)

    def draft(title: str, **fields: Any) -> Broadcast:
        common: dict[str, Any] = {
            "text": TEXT,
            "channels": [shop],
            "audience": Audience(kind="all"),
            **fields,
        }
        return drafts.create_draft(by=agent, title=title, **common)

    loyal = Audience(kind="tags", tags=["loyal"])
    launch.start(draft("Loyalty points", channels=[bot], audience=loyal), by=agent, undo_seconds=0)
    sale = launch.start(draft("Autumn sale"), by=agent, undo_seconds=0)
    later = clock.now() + timedelta(days=20)
    launch.start(draft("Happy New Year", channels=[shop, bot], scheduled_at=later), by=agent)
    leaving = launch.start(draft("Back in stock", channels=[bot]), by=agent, undo_seconds=600)
    tagged = Audience(kind="tags", tags=["customer"], without_tags=["loyal"])
    edited = draft("Feedback", channels=[shop, bot], audience=tagged)
    eventually(lambda: Broadcast.objects.get(pk=sale.pk).started_at, timeout=60)
    return {"sale": sale.pk, "leaving": leaving.pk, "draft": edited.pk}


def _people(path: Path, count: int, first_id: int) -> Path:
    chance = random.Random(7)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "name", "city", "points"])
        for number in range(count):
            name = f"{chance.choice(FIRST)} {chance.choice(LAST)}"
            row = [first_id + number, name, chance.choice(CITIES), chance.randrange(900)]
            writer.writerow(row)
    return path


def _pictures(browser: Browser, url: str, pages: dict[str, str], to: Path, kind: str) -> None:
    to.mkdir(parents=True, exist_ok=True)
    themes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for theme in themes:
        for width in (1280, 390):
            page = _window(browser, url, theme, width)
            for name, path in pages.items():
                page.goto(url + path)
                page.wait_for_timeout(500)  # what loads itself after the page
                page.screenshot(path=to / f"{kind}-{name}-{width}-{theme}.png", full_page=True)
            page.context.close()


def _window(
    browser: Browser, url: str, theme: Literal["light", "dark"], width: int, height: int = 844
) -> Page:
    page = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=theme,
        locale="en-GB",
    ).new_page()
    page.goto(url)
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{url}/")
    return page


def _readme_picture(browser: Browser, url: str, broadcast: int) -> None:
    from clarion.records import tallies

    path = ROOT / "docs" / "images" / "broadcast.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    page = _window(browser, url, "light", 1280, 960)
    page.goto(f"{url}/broadcasts/{broadcast}/")
    while tallies.counts([broadcast])[broadcast]["queued"] > 2_200:
        page.wait_for_timeout(250)
    page.wait_for_timeout(1_200)
    page.screenshot(path=path)
    page.context.close()
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1024} KB")


ROWS: list[dict[str, Any]] = [
    {"id": 31, "kind": "telegram", "name": "Spring sale", "outcome": "sending",
     "read": 420, "delivered": 900, "sent": 2_100, "failed": 12, "sending": 96, "total": 5_000},
    {"id": 30, "kind": "email", "name": "Newsletter for March", "outcome": "partly",
     "read": 1_900, "delivered": 2_400, "sent": 480, "failed": 220, "sending": 0, "total": 5_000},
    {"id": 29, "kind": "whatsapp", "name": "Order updates", "outcome": "live",
     "read": 300, "delivered": 40, "sent": 2, "failed": 0, "sending": 0, "total": 342},
    {"id": 28, "kind": "webhook", "name": "Price list", "outcome": "all_failed",
     "read": 0, "delivered": 0, "sent": 0, "failed": 80, "sending": 0, "total": 80},
]  # fmt: skip


def _components_picture(browser: Browser, url: str) -> None:
    """Every component once, in light and dark: scripts/components.html over the real styles."""
    from django.template import engines

    from clarion.records.states import ALL
    from clarion.web import shown, words
    from clarion.web.first_steps import Step

    rows = []
    for row in ROWS:
        counts = dict.fromkeys(ALL, 0) | row
        done = counts["read"] + counts["delivered"] + counts["sent"]
        rows.append(counts | {"bar": shown.bar(counts), "done": done, "message": TEXT})
    steps = [
        Step("Add a channel", "The account that your messages are sent from.", "", "", "#",
             done=True, may=True, is_next=False),
        Step("Import contacts", "From a CSV file.", "", "Import contacts", "#",
             done=False, may=True, is_next=True),
        Step("Send yourself a test", "Write a message and send it to your own address.", "", "",
             "#", done=False, may=True, is_next=False),
    ]  # fmt: skip
    context = {
        "rows": rows,
        "outcomes": list(words.WORDS["outcome"]),
        "kinds": ["telegram", "whatsapp", "email", "webhook", "channel"],
        "message": TEXT,
        "steps": steps,
    }
    source = (ROOT / "scripts" / "components.html").read_text(encoding="utf-8")
    html = engines["django"].from_string(source).render(context)
    for theme in ("light", "dark"):
        page = browser.new_page(viewport={"width": 1180, "height": 900}, color_scheme=theme)
        page.route(
            f"{url}/components", lambda route: route.fulfill(body=html, content_type="text/html")
        )
        page.goto(f"{url}/components")
        page.wait_for_timeout(500)
        path = ROOT / "docs" / "images" / f"components-{theme}.png"
        page.screenshot(path=path, full_page=True)
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1024} KB")


if __name__ == "__main__":
    sys.exit(main())
