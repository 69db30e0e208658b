"""Take pictures of every page: empty, full and with hostile contents, wide and on a phone, in light
and dark.

    .venv/bin/python scripts/screenshots.py [WORD …] [--to FOLDER] [--readme | --components]

Starts a simulated provider and a server on a fresh database of its own. Pictures go to
test-results/screenshots, and the four pictures of a page beside each other to its folder sheets.
Words choose the pages whose names contain one of them ("full-chat", "hostile").
--readme and --components take only what docs/images has of them.
"""

import argparse
import base64
import os
import socket
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import screenshot_pages as pages  # noqa: E402 - needs the path above
import screenshot_texts  # noqa: E402 - needs the path above
import screenshot_world as world  # noqa: E402 - needs the path above
from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402

from support.chromium import ARGUMENTS, find_chromium  # noqa: E402
from support.ports import free_port  # noqa: E402
from support.processes import Processes  # noqa: E402
from support.waiting import eventually  # noqa: E402

if TYPE_CHECKING:
    from clarion.accounts.models import Agent

EMAIL, PASSWORD = "ada@example.org", "correct horse battery"
SECRET = "whsec_" + base64.b64encode(b"only for pictures, only here").decode()
WIDTHS = (1280, 390)
TALLEST = 6_000
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def main() -> int:
    """Take the pictures; return the exit code."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("words", nargs="*")
    options.add_argument("--to", type=Path, default=ROOT / "test-results" / "screenshots")
    only = options.add_mutually_exclusive_group()
    only.add_argument("--readme", action="store_true")
    only.add_argument("--components", action="store_true")
    chosen = options.parse_args()
    executable = find_chromium()
    if executable is None:
        print("There is no Chromium on this machine (Debian: apt-get install chromium).")
        return 1
    with tempfile.TemporaryDirectory(prefix="clarion-screenshots-") as folder:
        data = Path(folder)
        os.environ |= {"CLARION_DATA": str(data), "DJANGO_SETTINGS_MODULE": "clarion.settings"}
        os.environ["CLARION_DATABASE_URL"] = f"sqlite:///{data / 'clarion.sqlite3'}"
        port = str(free_port())
        # Links in messages, which tracked clicks and confirmed consents need.
        os.environ["CLARION_PUBLIC_URL"] = f"http://127.0.0.1:{port}/"
        processes = Processes(os.environ)
        try:
            _shoot(processes, port, data, executable, chosen)
        finally:
            processes.close()
    return 0


def _shoot(
    processes: Processes, port: str, data: Path, executable: str, chosen: argparse.Namespace
) -> None:
    serve = processes.clarion("serve", "--port", port)
    url = serve.wait_for_line(r"running at (http://\S+)", timeout=300)[1]
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
        if chosen.components:
            _components_picture(browser, url)
            return
        album = Album(browser, chosen.to, chosen.words)
        if not chosen.readme:
            album.add(url, "empty", pages.EMPTY | pages.forms())
        numbers = world.full(provider, data, agent, SECRET, trouble=not chosen.readme)
        if chosen.readme:
            _readme_picture(browser, url, numbers["sale"])
            return
        album.add(url, "full", _filled(pages.FULL | pages.CLICKED, numbers))
        serve.terminate()  # its worker would finish what the hostile numbers claim
        serve.wait()  # it still has the port
        web = processes.clarion("web", "--port", port)
        url = web.wait_for_line(r"running at (http://\S+)", timeout=300)[1]
        eventually(lambda: _answers(int(port)), timeout=60)  # its line comes before it listens
        with_channels = screenshot_texts.channels(provider, agent)
        shots = {f"channel-{kind}": f"/channels/{pk}/" for kind, pk in with_channels.items()}
        album.add(url, "filled", pages.plain(shots))
        album.add(url, "hostile", _filled(pages.HOSTILE, world.hostile(provider, agent)))
        browser.close()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _filled(shots: pages.Shots, numbers: world.Numbers) -> dict[str, pages.Shot]:
    return {name: replace(shot, path=shot.path.format(**numbers)) for name, shot in shots.items()}


def _agent() -> "Agent":
    from clarion.accounts.agents import add_agent

    return add_agent(
        name="Ada Lovelace", email=EMAIL, role="admin", password=PASSWORD, by="screenshots"
    )[0]


@dataclass
class Album:
    """A folder of pictures, and of sheets with the four pictures of a page."""

    browser: Browser
    folder: Path
    words: list[str]

    def add(self, url: str, kind: str, shots: dict[str, pages.Shot]) -> None:
        """Take these pictures, by name."""
        (self.folder / "sheets").mkdir(parents=True, exist_ok=True)
        chosen = {
            f"{kind}-{name}": shot
            for name, shot in shots.items()
            if not self.words or any(word in f"{kind}-{name}" for word in self.words)
        }
        for theme in THEMES:
            for width in WIDTHS:
                if chosen:
                    self._take(url, theme, width, chosen)
        for name in chosen:
            self._sheet(name)

    def _take(
        self,
        url: str,
        theme: Literal["light", "dark"],
        width: int,
        shots: dict[str, pages.Shot],
    ) -> None:
        page = _window(self.browser, url, theme, width)
        for name, shot in shots.items():
            if shot.path == "/account/login/":
                page.context.clear_cookies()
            page.goto(url + shot.path)
            for label, text in shot.fields.items():
                page.get_by_label(label).fill(f"{text} {width} {theme}")
            for label in shot.ticks:
                page.get_by_label(label).check()
            button = page.locator(f"main :text-is('{shot.button}')")
            if shot.button and button.count():
                button.last.click()
            page.wait_for_timeout(500)  # what loads itself after the page
            wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
            if wide:
                print(f"{name} is wider than {width} pixels")
            # A window as high as the page: bars at its edge are where people see them.
            height = page.evaluate("document.documentElement.scrollHeight")
            page.set_viewport_size({"width": width, "height": max(844, min(height, TALLEST))})
            page.screenshot(path=self._path(name, width, theme))
            page.set_viewport_size({"width": width, "height": 844})
            if shot.path == "/account/login/":
                _log_in(page, url)
        page.context.close()

    def _path(self, name: str, width: int, theme: str) -> Path:
        return self.folder / f"{name}-{width}-{theme}.png"

    def _sheet(self, name: str) -> None:
        pictures = [self._path(name, width, theme) for theme in THEMES for width in WIDTHS]
        images = "".join(f'<img src="{path.resolve().as_uri()}">' for path in pictures)
        source = self.folder / "sheets" / f"{name}.html"
        style = (
            "body {display: grid; grid: auto / 1100px 390px; gap: 12px; margin: 0;"
            " background: #888; align-items: start} img {width: 100%}"
        )
        source.write_text(f"<style>{style}</style>{images}", encoding="utf-8")
        page = self.browser.new_page(viewport={"width": 1502, "height": 600})
        page.goto(source.resolve().as_uri())
        page.screenshot(path=source.with_suffix(".png"), full_page=True)
        page.close()
        source.unlink()


def _window(
    browser: Browser, url: str, theme: Literal["light", "dark"], width: int, height: int = 844
) -> Page:
    page = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=theme,
        locale="en-GB",
    ).new_page()
    _log_in(page, url)
    return page


def _log_in(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{url}/")


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
    {"id": 30, "kind": "email", "name": "March newsletter", "outcome": "completed_with_failures",
     "read": 1_900, "delivered": 2_400, "sent": 480, "failed": 220, "sending": 0, "total": 5_000},
    {"id": 29, "kind": "whatsapp", "name": "Order updates", "outcome": "live",
     "read": 300, "delivered": 40, "sent": 2, "failed": 0, "sending": 0, "total": 342},
    {"id": 28, "kind": "webhook", "name": "Price list", "outcome": "all_failed",
     "read": 0, "delivered": 0, "sent": 0, "failed": 80, "sending": 0, "total": 80},
]  # fmt: skip


def components_page() -> str:
    """The page with every component once: scripts/components.html over the real styles."""
    from django.template import engines

    from clarion.records.states import ALL
    from clarion.web import shown, words
    from clarion.web.first_steps import Step

    rows = []
    for row in ROWS:
        counts = dict.fromkeys(ALL, 0) | row
        done = counts["read"] + counts["delivered"] + counts["sent"]
        rows.append(counts | {"bar": shown.bar(counts), "done": done, "message": world.TEXT})
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
        "message": world.TEXT,
        "steps": steps,
    }
    source = (ROOT / "scripts" / "components.html").read_text(encoding="utf-8")
    return engines["django"].from_string(source).render(context)


def _components_picture(browser: Browser, url: str) -> None:
    """Every component once, in light and dark."""
    html = components_page()
    for theme in ("light", "dark"):
        page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme=theme)
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
