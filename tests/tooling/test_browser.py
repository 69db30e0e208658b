"""The browser fixtures, on pages of a small server with a strict Content-Security-Policy."""

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Page, expect

from clarion.accounts.models import AgentSession
from support.chromium import Complaints, axe, page_loop_put_away

GOOD = "<main><h1>Good</h1><button>Send</button></main>"
BAD = "<main><h1>Bad</h1><img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='></main>"


BODIES = {"/good": GOOD, "/bad": BAD, "/favicon.ico": ""}


class Pages(BaseHTTPRequestHandler):
    """Two small pages; anything else is not found."""

    def do_GET(self) -> None:
        body = BODIES.get(self.path)
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Security-Policy", "default-src 'self'; img-src 'self' data:")
        self.end_headers()
        title = f"<!doctype html><html lang=en><title>{self.path}</title>"
        self.wfile.write(f"{title}{body or ''}".encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_page_is_driven_and_found_accessible(page: Page, site: str) -> None:
    page.goto(f"{site}/good")

    expect(page.get_by_role("button", name="Send")).to_be_visible()
    assert axe(page) == []


async def test_async_tests_run_between_page_tests() -> None:
    await asyncio.sleep(0)


def test_an_inaccessible_page_fails(page: Page, site: str) -> None:
    page.goto(f"{site}/bad")

    with pytest.raises(AssertionError, match="image-alt"):
        axe(page)
    assert isinstance(axe(page, ignore=("image-alt",)), list)


def test_page_errors_are_collected(page: Page, site: str, complaints: Complaints) -> None:
    complaints.allow("404")
    page.goto(f"{site}/missing")
    with page.expect_console_message(lambda message: message.text == "from the script"):
        page.evaluate("console.error('from the script')")

    assert [text for text in complaints.unexpected if "from the script" in text]
    complaints.allow("from the script")
    assert not complaints.unexpected


def test_inline_scripts_are_still_refused(page: Page, site: str, complaints: Complaints) -> None:
    complaints.allow("Content Security Policy")
    page.goto(f"{site}/good")
    with page.expect_console_message():
        page.evaluate(
            "document.head.append(Object.assign(document.createElement('script'), {text: 'x = 1'}))"
        )

    assert page.evaluate("typeof window.x") == "undefined"
    assert complaints.seen


@pytest.mark.django_db(transaction=True)
def test_a_page_test_uses_the_database(page: Page) -> None:
    assert AgentSession.objects.count() == 0


def test_a_page_test_makes_room_for_a_loop(page: Page) -> None:
    with page_loop_put_away():
        asyncio.run(asyncio.sleep(0))
    assert page.url == "about:blank"
