"""How much the pages take, from whom, and what they say to more."""

import asyncio

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from clarion.server.bodies import UNASKED, Rule, Scope
from clarion.web.bodies import MEGABYTE, body_rule, is_agent, refusal
from web.conftest import LogIn


@pytest.mark.parametrize("name", ["contact_import", "compose_ids"])
def test_files_of_people_are_taken_up_to_the_setting(name: str) -> None:
    assert body_rule(reverse(name)) == Rule(500 * MEGABYTE, needs_agent=True, uploads=True)


@pytest.mark.parametrize("name", ["story_new", "story_draft", "compose_attach"])
def test_a_story_or_an_e_mail_brings_ten_files(name: str) -> None:
    assert body_rule(reverse(name)) == Rule(100 * MEGABYTE, needs_agent=True, uploads=True)


@pytest.mark.parametrize("path", ["/account/login/", "/assets/0/web/app.js"])
def test_a_stranger_sends_little(path: str) -> None:
    assert body_rule(path) == Rule(UNASKED, needs_agent=False)


@pytest.mark.parametrize("path", ["/", "/broadcasts/new/", "/nothing", "/contacts/import/7/go"])
def test_any_other_page_takes_a_form_from_agents(path: str) -> None:
    assert body_rule(path) == Rule(2_621_440, needs_agent=True)


def sent_too_much(cookie: str = "") -> Scope:
    return {
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


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("status", "said"),
    [
        (413, "This page accepts 500 MB at most. Nothing was saved. Split the file,"),
        (403, "Log in, then send it again."),
        (503, "The server is busy"),
    ],
)
def test_it_says_what_to_do_and_keeps_the_menu_of_agents(
    log_in: LogIn, status: int, said: str
) -> None:
    key = log_in("viewer").cookies["sessionid"].value
    rule = Rule(500 * MEGABYTE, needs_agent=True)

    def page(cookie: str) -> str:
        answer = asyncio.run(refusal(sent_too_much(cookie), status, rule))
        assert answer.status == status
        return answer.body.decode()

    framed, alone = page(f"sessionid={key}"), page("")
    assert said in framed
    assert said in alone
    assert 'class="places"' in framed
    assert 'class="places"' not in alone


@pytest.mark.django_db(transaction=True)
def test_it_says_what_to_do_while_the_database_is_away(
    log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = log_in("viewer").cookies["sessionid"].value

    def away(*_: object) -> None:
        raise OperationalError("the connection was closed")

    monkeypatch.setattr(SessionStore, "load", away)
    rule = Rule(MEGABYTE, needs_agent=True)
    answer = asyncio.run(refusal(sent_too_much(f"sessionid={key}"), 503, rule))
    assert "The server is busy" in answer.body.decode()


@pytest.mark.django_db(transaction=True)
def test_who_is_logged_in_is_known_without_the_body(log_in: LogIn) -> None:
    agent = log_in("viewer")
    key = agent.cookies["sessionid"].value

    def asked(cookie: str) -> bool:
        return asyncio.run(is_agent(sent_too_much(cookie)))

    assert asked(f"sessionid={key}")
    assert not asked("sessionid=made-up")
    assert not asked("")
    Client().post("/account/logout/")  # somebody else's end is not theirs
    assert asked(f"sessionid={key}")
    agent.post("/account/logout/")
    assert not asked(f"sessionid={key}")
