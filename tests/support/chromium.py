"""A real Chromium for page tests, driven by Playwright, and the accessibility check in it."""

import asyncio
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

# The first is the same engine without a browser's own windows, and takes half the processor time.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
AXE = Path(__file__).resolve().parent.parent / "vendor" / "axe.min.js"
AXE_TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice")
GRAVE = ("serious", "critical")
START_TIMEOUT = 180_000  # milliseconds


def find_chromium() -> str | None:
    """Return the path of a Chromium: CLARION_TEST_CHROMIUM, else the first one on PATH."""
    if named := os.environ.get("CLARION_TEST_CHROMIUM"):
        return shutil.which(named)
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Chromium:
    """One browser for a whole test session.

    Playwright's synchronous API keeps an event loop "running" in the thread between its calls.
    Everybody else in the thread (pytest-asyncio, Django) takes that for an async context, so the
    loop is put away while no page test runs: see `on_stage`.
    """

    def __init__(self, executable: str) -> None:
        self._playwright = sync_playwright().start()
        self._loop = asyncio.get_running_loop()
        self._browser: Browser = self._playwright.chromium.launch(
            executable_path=executable, args=list(ARGUMENTS), timeout=START_TIMEOUT
        )
        asyncio._set_running_loop(None)

    @contextmanager
    def on_stage(self) -> Iterator[Browser]:
        """Yield the browser; only in here can it be used."""
        asyncio._set_running_loop(self._loop)
        try:
            yield self._browser
        finally:
            asyncio._set_running_loop(None)

    def close(self) -> None:
        """End the browser and its driver."""
        with self.on_stage():
            self._browser.close()
            self._playwright.stop()


@contextmanager
def page_loop_put_away() -> Iterator[None]:
    """Within a page test, make room for code that runs an event loop of its own.

    Needed for `asyncio.run` and `async_to_sync`; the page must not be used inside.
    """
    loop = asyncio.get_running_loop()
    asyncio._set_running_loop(None)
    try:
        yield
    finally:
        asyncio._set_running_loop(loop)


class Complaints:
    """The errors a page reported: failed loads, console errors, uncaught exceptions."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._allowed: list[str] = []

    def watch(self, page: Page) -> None:
        """Collect the errors of one page from now on."""
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.seen.append(f"uncaught: {error}"))

    def allow(self, pattern: str) -> None:
        """Expect errors that fit a regular expression, in a test that provokes them."""
        self._allowed.append(pattern)

    @property
    def unexpected(self) -> list[str]:
        """The errors that no `allow` covers."""
        return [text for text in self.seen if not any(re.search(p, text) for p in self._allowed)]

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            where = message.location.get("url", "")
            self.seen.append(f"console: {message.text} ({where})")


def axe(
    page: Page, *, ignore: tuple[str, ...] = (), only: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    """Check the page as it is now with axe; fail on serious and critical violations.

    Returns all violations, the lighter ones too. `ignore` names rules to leave out, `only` those
    to check alone.
    """
    if not page.evaluate("typeof window.axe === 'object'"):
        # Evaluated by the debugger, which the page's Content-Security-Policy does not concern.
        page.evaluate(AXE.read_text(encoding="utf-8"))
    violations: list[dict[str, Any]] = page.evaluate(
        """async ([tags, ignore, only]) => (await window.axe.run(document, {
            runOnly: only.length ? {type: "rule", values: only} : {type: "tag", values: tags},
            rules: Object.fromEntries(ignore.map(rule => [rule, {enabled: false}])),
            resultTypes: ["violations"],
        })).violations""",
        [list(AXE_TAGS), list(ignore), list(only)],
    )
    grave = [violation for violation in violations if violation["impact"] in GRAVE]
    assert not grave, f"{page.url} is hard to use for some people:\n" + "\n".join(
        f"- {violation['id']} ({violation['impact']}): {violation['help']}\n"
        + "\n".join(f"    {node['html']}" for node in violation["nodes"])
        for violation in grave
    )
    return violations
