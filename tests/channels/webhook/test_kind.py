"""A text as it is posted, its signature, and checks."""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.fixtures import reply
from channels.webhook.fixtures import CASE, KEY, make
from clarion.channels.contract import (
    Outgoing,
)
from clarion.transport.messages import HttpRequest

URL = "https://receiver.example/messages"


def headers_of(request: HttpRequest) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers}


def test_an_unsigned_message() -> None:
    request = make().request(Outgoing("abc-17", 3, "anna", "Hello"))
    assert request.method == "POST"
    assert request.url == URL
    assert request.headers == (("Content-Type", "application/json"), ("Idempotency-Key", "abc-17"))
    assert json.loads(request.body) == {
        "id": "abc-17",
        "broadcast": 3,
        "to": "anna",
        "text": "Hello",
    }
    assert not request.allow_private


def test_title_name_and_unsubscribe_link_go_along_where_there_are_any() -> None:
    message = Outgoing("abc-17", 3, "anna", "Hello", "Spring", "Anna Ü", "https://c.example/u/1")
    assert json.loads(make(allow_private=True).request(message).body) == {
        "id": "abc-17",
        "broadcast": 3,
        "to": "anna",
        "text": "Hello",
        "title": "Spring",
        "name": "Anna Ü",
        "unsubscribe_url": "https://c.example/u/1",
    }
    assert make(allow_private=True).request(message).allow_private


@given(text=st.text(), to=st.text(), title=st.text())
def test_any_text_is_valid_json(text: str, to: str, title: str) -> None:
    body = json.loads(make().request(Outgoing("abc-17", 3, to, text, title)).body)
    assert body["text"] == text
    assert body["to"] == to
    assert body.get("title", "") == title


def test_half_a_character_does_not_stop_a_message() -> None:
    assert json.loads(make().request(Outgoing("a", 3, "b", "x\ud800y")).body)["text"] == "x?y"


@pytest.mark.parametrize(
    ("secret", "key"),
    [
        ("whsec_" + base64.b64encode(KEY).decode(), KEY),
        ("plain öl", "plain öl".encode()),
    ],
)
def test_a_signed_message(secret: str, key: bytes) -> None:
    before = int(time.time())
    request = make(secret=secret).request(Outgoing("abc-17", 3, "anna", "Hello"))
    headers = headers_of(request)
    assert headers["webhook-id"] == headers["idempotency-key"] == "abc-17"
    stamp = int(headers["webhook-timestamp"])
    assert before <= stamp <= time.time()
    mac = hmac.new(key, f"abc-17.{stamp}.".encode() + request.body, hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(mac).decode()


def test_idempotent_is_what_the_channel_says() -> None:
    assert make(idempotent=True).idempotent
    assert not make().idempotent


def test_check_says_what_was_and_was_not_seen() -> None:
    kind = make(allow_private=True)
    request = kind.check()
    assert (request.method, request.url, request.body) == ("OPTIONS", URL, b"")
    assert request.allow_private
    assert "Nothing was sent" in kind.checked(reply(405))
    with pytest.raises(ValueError, match="redirects"):
        kind.checked(reply(308))
    with pytest.raises(ValueError, match="answered 502"):
        kind.checked(reply(502))


def test_while_a_secret_is_changed_both_signatures_stand_in_the_header() -> None:
    hook = CASE.hook() if CASE.hook else None
    assert hook is not None
    both = {
        **hook.headers,
        "webhook-signature": f"v1,b2xk v1a,x {hook.headers['webhook-signature']}",
    }
    CASE.make().verify(replace(hook, headers=both))
