"""Links of a broadcast, asked before it is sent: what they answer, and what is never asked."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from clarion.engine.dry_runs import links
from clarion.engine.dry_runs.links import CheckedLink, check_links
from engine.test_dry_runs import dry_run
from support import factory


@dataclass
class Site:
    """A site on loopback that answers with the status in the path."""

    url: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, method: str, path: str) -> tuple[int, dict[str, str]]:
        with self.lock:
            self.asked.append((method, path))
        if path.startswith("/moved/"):
            left = int(path.rpartition("/")[2])
            return 302, {"Location": f"/moved/{left - 1}" if left else "/200"}
        if path == "/app":
            return 302, {"Location": "shop://open"}
        if path == "/malformed":
            return 302, {"Location": "http://[shop.example/"}
        if path == "/only-get":
            return (405 if method == "HEAD" else 206), {}
        return int(path.strip("/").partition("?")[0].partition("/")[0]), {}


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            with site.lock:
                site.at_once += 1
                site.most_at_once = max(site.most_at_once, site.at_once)
            status, headers = site.answer(self.command, self.path)
            with site.lock:
                site.at_once -= 1
            self.send_response(status)
            for name, value in {**headers, "Content-Length": "0"}.items():
                self.send_header(name, value)
            self.end_headers()

        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.setattr(links, "ALLOW_PRIVATE", True)
    monkeypatch.setattr(links, "_kept", {})
    yield site
    server.shutdown()
    thread.join()
    server.server_close()


def checked(*urls: str, stopping: bool = False) -> list[tuple[str, str]]:
    return [(link.result, link.detail) for link in check_links(urls, lambda: stopping)]


@pytest.mark.parametrize(
    ("path", "result", "detail"),
    [
        ("/200", "ok", ""),
        ("/only-get", "ok", ""),
        ("/moved/4", "ok", ""),
        ("/416", "ok", ""),
        ("/404", "broken", "It answers 404."),
        ("/503", "broken", "It answers 503."),
        ("/moved/9", "broken", "It redirects more than 5 times."),
        ("/malformed", "broken", "It redirects to an address that is no valid URL."),
        ("/403", "unchecked", "The site refuses programs (403). Open the link in a browser."),
        ("/app", "unchecked", "It redirects to an app or another program."),
    ],
)
def test_what_a_link_answers(site: Site, path: str, result: str, detail: str) -> None:
    assert checked(site.url + path) == [(result, detail)]


def test_head_comes_first_and_get_only_where_it_is_refused(site: Site) -> None:
    checked(f"{site.url}/200#part", f"{site.url}/404")
    assert site.asked == [("HEAD", "/200"), ("HEAD", "/404"), ("GET", "/404")]


def test_a_site_is_asked_for_one_link_at_a_time_and_for_each_once(site: Site) -> None:
    urls = [f"{site.url}/200?{number}" for number in range(12)]
    assert checked(*urls, *urls) == [("ok", "")] * 12
    assert checked(*urls) == [("ok", "")] * 12, "the results are used again"
    assert (len(site.asked), site.most_at_once) == (12, 1)


def test_a_link_that_is_corrected_is_asked_again(site: Site) -> None:
    assert checked(f"{site.url}/404") == checked(f"{site.url}/404")
    assert site.asked == [("HEAD", "/404"), ("GET", "/404")] * 2


def test_no_private_address_is_asked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "ALLOW_PRIVATE", False)
    private = ("unchecked", "It leads to a private address, which is not checked.")
    assert checked(f"{site.url}/200", "http://[::1]/", "http://10.0.0.1/") == [private] * 3
    assert site.asked == []


def test_where_nothing_listens_a_link_is_broken(site: Site) -> None:
    ((result, detail),) = checked("http://127.0.0.1:9/")
    assert result == "broken"
    assert "nothing accepts connections there" in detail


def test_a_link_that_is_no_url_is_broken_and_the_others_are_checked(site: Site) -> None:
    wrong = ("broken", "The address is not a valid URL. Correct it.")
    assert checked("http://[shop.example/", f"{site.url}/200") == [wrong, ("ok", "")]


def test_no_more_links_than_a_hundred_are_asked(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "MOST", 2)
    results = checked(*(f"{site.url}/200?{number}" for number in range(3)))
    assert results[:2] == [("ok", "")] * 2
    assert results[2] == ("unchecked", "Only the first 2 links are checked.")


def test_results_that_are_used_again_are_shown_when_no_more_can_be_kept(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "_KEPT", 1)
    assert checked(f"{site.url}/200") == [("ok", "")]
    assert checked(f"{site.url}/200", f"{site.url}/416") == [("ok", "")] * 2


def test_a_worker_that_stops_leaves_links_unchecked(site: Site) -> None:
    ((result, detail),) = checked(f"{site.url}/200", stopping=True)
    assert (result, detail) == ("unchecked", "There was no time to check it.")
    assert checked(f"{site.url}/200") == [("ok", "")], "nothing is kept of it"


@pytest.mark.django_db
@pytest.mark.parametrize("tracked", [False, True])
def test_a_dry_run_checks_the_links_as_filled_in_for_a_recipient(
    site: Site, settings: Any, tracked: bool
) -> None:
    settings.CLARION = settings.CLARION.model_copy(update={"public_url": "https://c.example"})
    channel = factory.channel()
    factory.people(channel, 3)
    text = (
        f"{site.url}/200?c={{{{ contact.city }}}} {site.url}/404 https://c.example/own "
        f"{site.url}/200?x={{{{ contact.nothing }}}} {{{{ unsubscribe_url }}}}"
    )
    made = dry_run(factory.draft([channel], text=text, track_clicks=tracked))
    assert made.links == [
        CheckedLink(f"{site.url}/200?c=Berlin", "ok"),
        CheckedLink(f"{site.url}/404", "broken", "It answers 404."),
    ]
    assert made.bad_links == made.links[1:]
    assert made.dry_run.state == "done"
