"""Fixtures for page tests: `page` is a fresh window that fails its test on any error it reports.

Page tests are plain functions, not async ones. A screenshot of each open page of a failed test is
left in test-results/.
"""

import re
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from support.chromium import Chromium, Complaints, find_chromium
from support.threads import wait_for_requests

ROOT = Path(__file__).resolve().parent.parent.parent.parent
FAILED = pytest.StashKey[bool]()
PATIENCE = 60_000  # milliseconds; a busy machine is not a wrong answer
CONTEXT = {
    "viewport": {"width": 1280, "height": 800},
    "locale": "en-GB",
    "timezone_id": "Europe/London",
}


@pytest.fixture(scope="session")
def _chromium() -> Iterator[Chromium]:
    executable = find_chromium()
    if executable is None:
        pytest.skip("no Chromium: install one (Debian: apt-get install chromium)")
    chromium = Chromium(executable)
    yield chromium
    chromium.close()


@pytest.fixture
def browser(
    _chromium: Chromium, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Browser]:
    """Yield the session's Chromium, for tests that need several windows of their own making."""
    # While a page test runs, Playwright's loop makes Django believe it is in async code.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with _chromium.on_stage() as browser:
        yield browser
    if "live_server" in request.fixturenames:
        # Requests whose page is gone would write into the tables of the next test.
        wait_for_requests(request.getfixturevalue("live_server").url, PATIENCE / 1000)


@pytest.fixture
def complaints() -> Complaints:
    """Return the errors the page reported; `complaints.allow(pattern)` expects some."""
    return Complaints()


@pytest.fixture
def context(
    browser: Browser, complaints: Complaints, request: pytest.FixtureRequest
) -> Iterator[BrowserContext]:
    """Yield a fresh browser context: no cookies, 1280 by 800, British English."""
    context = browser.new_context(**CONTEXT)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    context.on("page", complaints.watch)
    yield context
    if request.node.stash.get(FAILED, False):
        _take_pictures(context, request.node.nodeid)
    context.close()
    assert not complaints.unexpected, "the page reported errors:\n" + "\n".join(
        complaints.unexpected
    )


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """Return an empty page in a fresh context."""
    return context.new_page()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that use a browser, so that `-m "not browser"` leaves them out."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, Any]:
    """Remember the failure for the fixtures that end after it."""
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


def _take_pictures(context: BrowserContext, nodeid: str) -> None:
    folder = ROOT / "test-results"
    folder.mkdir(exist_ok=True)
    name = re.sub(r"[^\w.-]+", "-", nodeid).strip("-")[-150:]
    for number, page in enumerate(context.pages, start=1):
        page.screenshot(path=folder / f"{name}-{number}.png", full_page=True)
