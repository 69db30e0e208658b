"""What holds for every page: log in first, nothing inline, times in the agent's zone."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from clarion.accounts.models import Agent
from clarion.web.middleware import OPEN_TO_ALL

pytestmark = pytest.mark.django_db


def addresses(patterns: list[URLPattern | URLResolver] | None = None) -> Iterator[str]:
    """One address for every route of the server, without those of the API."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if str(pattern.pattern).startswith("api/"):  # tokens instead of log-ins: see tests/api
            continue
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns)
        else:
            route = re.sub(r"<int:\w+>", "1", str(pattern.pattern))
            yield "/" + re.sub(r"<\w+:\w+>", "x", route)


CLOSED = [address for address in addresses() if not address.startswith(OPEN_TO_ALL)]


def test_there_are_pages_to_protect() -> None:
    assert "/" in CLOSED
    assert len(CLOSED) > 30


@pytest.mark.parametrize("address", CLOSED)
@pytest.mark.parametrize("method", ["get", "post"])
def test_everything_needs_a_log_in(client: Client, address: str, method: str) -> None:
    response = getattr(client, method)(address)

    assert response.status_code == 302
    assert response["Location"].startswith("/account/login/")


def test_what_does_not_exist_is_not_told_to_strangers(client: Client) -> None:
    assert client.get("/no/such/page").status_code == 302


def test_one_comes_back_to_where_one_wanted_to_go(client: Client) -> None:
    response = client.get("/records/?status=error")

    assert response["Location"] == "/account/login/?next=%2Frecords%2F%3Fstatus%3Derror"


def test_a_part_of_a_page_sends_the_whole_page_to_the_log_in(client: Client) -> None:
    response = client.get("/broadcasts/live", headers={"HX-Request": "true"})

    assert response["HX-Redirect"] == "/account/login/"


@pytest.mark.parametrize("address", ["/account/login/", "/", "/no/such/page"])
def test_nothing_inline_and_nothing_from_elsewhere(client: Client, address: str) -> None:
    policy = client.get(address)["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("address", ["/", "/records/", "/contacts/", "/channels/", "/account/"])
def test_pages_have_nothing_inline(admin: Client, address: str) -> None:
    html = admin.get(address).content.decode()

    assert not re.search(r"<script(?![^>]*\bsrc=)", html)
    assert not re.search(r"\sstyle=|\son\w+=|javascript:", html)
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", html)


def test_names_do_not_stay_in_the_browser(admin: Client) -> None:
    assert admin.get("/contacts/")["Cache-Control"] == "private, no-store"


def test_times_are_in_the_agents_zone(admin: Client) -> None:
    Agent.objects.update(time_zone="Asia/Tokyo")

    html = admin.get("/channels/").content.decode()

    assert "Time zone: Asia/Tokyo" in html


def test_the_pages_of_agents_are_in_one_language(client: Client) -> None:
    german = client.get("/account/login/", headers={"Accept-Language": "de-DE,de;q=0.9"})

    assert '<html lang="en-gb"' in german.text
    assert "Content-Language" not in german.headers
