"""How much the pages take, from whom, and what they say to more."""

import asyncio

import pytest
from django.test import Client
from django.urls import reverse

from clarion.server.bodies import UNASKED, Rule, Scope
from clarion.web.bodies import MEGABYTE, body_rule, is_agent, refusal
from web.conftest import LogIn


@pytest.mark.parametrize("name", ["contact_import", "compose_ids"])
def test_files_of_people_are_taken_up_to_the_setting(name: str) -> None:
    assert body_rule(reverse(name)) == Rule(500 * MEGABYTE, needs_agent=True, uploads=True)


@pytest.mark.parametrize("name", ["story_new", "story_draft"])
def test_a_story_brings_ten_files(name: str) -> None:
    assert body_rule(reverse(name)) == Rule(100 * MEGABYTE, needs_agent=True, uploads=True)


@pytest.mark.parametrize("path", ["/account/login/", "/assets/0/web/app.js"])
def test_a_stranger_sends_little(path: str) -> None:
    assert body_rule(path) == Rule(UNASKED, needs_agent=False)


@pytest.mark.parametrize("path", ["/", "/broadcasts/new/", "/nothing", "/contacts/import/7/go"])
def test_any_other_page_takes_a_form_from_agents(path: str) -> None:
    assert body_rule(path) == Rule(2_621_440, needs_agent=True)


def test_it_says_what_to_do() -> None:
    too_large = refusal(413, Rule(500 * MEGABYTE, needs_agent=True))
    assert too_large.status == 413
    assert b"This page accepts 500 MB at most." in too_large.body
    assert b"Log in first" in refusal(403, Rule(1, needs_agent=True)).body
    assert b"The server is busy" in refusal(503, Rule(1, needs_agent=True)).body


@pytest.mark.django_db(transaction=True)
def test_who_is_logged_in_is_known_without_the_body(log_in: LogIn) -> None:
    agent = log_in("viewer")
    key = agent.cookies["sessionid"].value

    def asked(cookie: str) -> bool:
        scope: Scope = {
            "type": "http",
            "method": "POST",
            "path": "/contacts/import/",
            "query_string": b"",
            "headers": [
                (b"host", b"localhost"),
                (b"cookie", cookie.encode()),
                (b"content-length", b"999999999"),
                (b"content-type", b"multipart/form-data; boundary=x"),
            ],
        }
        return asyncio.run(is_agent(scope))

    assert asked(f"sessionid={key}")
    assert not asked("sessionid=made-up")
    assert not asked("")
    Client().post("/account/logout/")  # somebody else's end is not theirs
    assert asked(f"sessionid={key}")
    agent.post("/account/logout/")
    assert not asked(f"sessionid={key}")
