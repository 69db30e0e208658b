"""The webhook kind."""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from channels.fixtures import NOW, reply
from channels.webhook.fixtures import CASE, KEY, signed
from clarion.channels.contract import (
    Inbound,
    OptOut,
    Outgoing,
    Receipt,
    Refusal,
    Refused,
)
from clarion.channels.webhook.config import WebhookConfig
from clarion.channels.webhook.kind import WebhookKind
from clarion.transport.messages import HttpReply, HttpRequest

URL = "https://receiver.example/messages"
ENVOY = (
    b"upstream connect error or disconnect/reset before headers. "
    b"reset reason: connection termination"
)


def make(**settings: Any) -> WebhookKind:
    return WebhookKind(WebhookConfig.model_validate({"url": URL, **settings}))


def refused(http: HttpReply, **settings: Any) -> Refused:
    outcome = make(**settings).outcome(http)
    assert isinstance(outcome, Refused)
    return outcome


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


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"url": "receiver.example"}, "must begin with https://"),
        ({"url": "ftp://receiver.example"}, "must begin with https://"),
        ({"url": "https://user:pass@receiver.example/"}, "user name or password"),
        ({"url": "https://receiver.example/a b"}, "space"),
        ({"url": "https:///path"}, "host name"),
        ({"url": URL, "secret": "whsec_%%%"}, "must be base64"),
        ({"url": URL, "secret": "whsec_"}, "must be base64"),
        ({"secret": "x"}, "Field required"),
        ({"url": URL, "idempotent": "perhaps"}, "boolean"),
        ({"url": URL, "headers": "x"}, "Extra inputs"),
    ],
)
def test_settings_that_are_refused(settings: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        WebhookConfig.model_validate(settings)


@pytest.mark.parametrize(
    ("status", "refusal"),
    [
        (400, Refusal.REJECTED),
        (401, Refusal.MISCONFIGURED),
        (403, Refusal.MISCONFIGURED),
        (404, Refusal.MISCONFIGURED),
        (405, Refusal.MISCONFIGURED),
        (407, Refusal.MISCONFIGURED),
        (408, Refusal.RETRY),
        (409, Refusal.REJECTED),
        (410, Refusal.MISCONFIGURED),
        (413, Refusal.REJECTED),
        (418, Refusal.REJECTED),
        (422, Refusal.REJECTED),
        (425, Refusal.RETRY),
        (429, Refusal.THROTTLED),
        (301, Refusal.MISCONFIGURED),
        (307, Refusal.MISCONFIGURED),
        (500, Refusal.RETRY),
        (501, Refusal.MISCONFIGURED),
        (502, Refusal.UNKNOWN),
        (503, Refusal.RETRY),
        (504, Refusal.UNKNOWN),
        (505, Refusal.MISCONFIGURED),
        (507, Refusal.UNKNOWN),
        (520, Refusal.UNKNOWN),
        (101, Refusal.UNKNOWN),
        (600, Refusal.UNKNOWN),
    ],
)
def test_statuses(status: int, refusal: Refusal) -> None:
    outcome = refused(reply(status))
    assert outcome.refusal is refusal
    assert outcome.code == str(status)
    assert str(status) in outcome.reason


def test_the_reason_of_a_server_error() -> None:
    assert refused(reply(500)).reason == "The receiver answered 500 (server error)."


@pytest.mark.parametrize(
    ("http", "wait"),
    [
        (reply(429), 1.0),
        (reply(429, retry_after="3"), 3.0),
        (reply(429, retry_after="0.25"), 0.25),
        (reply(429, {"retry_after": 4}), 4.0),
        (reply(429, {"retry_after": "5"}), 5.0),
        (reply(429, {"retry_after": 4}, retry_after="2"), 2.0),
        (reply(429, {"retry_after": -4}), 0.0),
        (reply(429, {"retry_after": True}), 1.0),
        (reply(429, {"retry_after": None}), 1.0),
        (reply(429, {"retry_after": "soon"}), 1.0),
        (reply(429, b'{"retry_after": 1e999}'), 86_400.0),
        (reply(429, b"<html>"), 1.0),
        (
            reply(
                429,
                retry_after="Sun, 22 Nov 2026 12:00:09 GMT",
                date="Sun, 22 Nov 2026 12:00:00 GMT",
            ),
            9.0,
        ),
    ],
)
def test_throttling_waits_as_long_as_is_asked(http: HttpReply, wait: float) -> None:
    outcome = refused(http)
    assert outcome.refusal is Refusal.THROTTLED
    assert outcome.retry_after == wait
    assert not outcome.whole_channel


def test_a_service_that_is_away_for_a_stated_time_is_away_for_the_whole_channel() -> None:
    outcome = refused(reply(503, retry_after="30"))
    assert outcome.refusal is Refusal.THROTTLED
    assert outcome.retry_after == 30.0
    assert outcome.whole_channel


@pytest.mark.parametrize("headers", [{}, {"retry_after": "5"}])
def test_envoys_503_is_in_doubt_because_the_request_may_have_got_through(
    headers: dict[str, str],
) -> None:
    assert refused(reply(503, ENVOY, **headers)).refusal is Refusal.UNKNOWN


def test_a_conflict_on_an_idempotent_channel_is_an_earlier_try_still_at_work() -> None:
    assert refused(reply(409), idempotent=True).refusal is Refusal.UNKNOWN


@pytest.mark.parametrize("word", ["blocked", "deactivated", "unreachable", "opted_out"])
@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_a_receiver_can_say_that_it_is_the_person(status: int, word: str) -> None:
    outcome = refused(reply(status, {"recipient": word}))
    assert outcome.refusal is Refusal.UNREACHABLE
    assert outcome.mark == word


@pytest.mark.parametrize("word", ["fine", "", 3, None, ["blocked"]])
def test_other_words_about_the_recipient_mean_nothing(word: object) -> None:
    assert refused(reply(422, {"recipient": word})).refusal is Refusal.REJECTED


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"error": "no such person"}, "The receiver refused the message (422): no such person."),
        ({"error": {"message": "Too late."}}, "The receiver refused the message (422): Too late."),
        ({"detail": "closed"}, "The receiver refused the message (422): closed."),
        ({"error": "anna@example.org"}, "The receiver refused the message (422)."),
        ({"error": " "}, "The receiver refused the message (422)."),
        ({"error": 7, "title": "Bad text"}, "The receiver refused the message (422): Bad text."),
        ("no object", "The receiver refused the message (422)."),
    ],
)
def test_the_receivers_words_are_passed_on(body: object, reason: str) -> None:
    assert refused(reply(422, body)).reason == reason


def test_the_same_fault_has_the_same_words_for_everybody() -> None:
    reasons = {
        refused(
            reply(400, {"error": f'person "{name}" (id {number}, {name}@x.example) is unknown'})
        ).reason
        for name, number in [("anna", 123456), ("bob", 98765), ("Ümit", 1234567)]
    }
    assert len(reasons) == 1


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


@pytest.mark.parametrize("status", ["delivered", "read", "failed"])
def test_receipts_carry_our_own_id(status: str) -> None:
    body = {
        "type": f"message.{status}",
        "timestamp": "2026-11-22T11:59:30+00:00",
        "data": {"id": "abc-17"},
    }
    (event,) = make().events(signed(body))
    assert isinstance(event, Receipt)
    assert event.status == status
    assert event.message_id == "abc-17"
    assert event.external_id is None


def test_a_failure_has_a_reason_for_people() -> None:
    def reason(data: dict[str, str]) -> str:
        (event,) = make().events(signed({"type": "message.failed", "data": {"id": "a", **data}}))
        assert isinstance(event, Receipt)
        return event.reason

    assert (
        reason({"reason": "phone 4915112345678 is off"}) == "The receiver reported: phone … is off."
    )
    assert reason({}) == "The receiver reported a failure."


def test_a_person_writes() -> None:
    data = {"id": 9, "from": 42, "text": "Hi\x00 there", "name": "Anna", "language": "de"}
    (event,) = make().events(signed({"type": "message.received", "data": data}))
    assert event == Inbound("42", "9", "Hi there", NOW, "Anna", "de")


def test_a_message_without_an_id_of_its_own_is_known_by_the_callbacks_id() -> None:
    (event,) = make().events(signed({"type": "message.received", "data": {"from": "anna"}}))
    assert isinstance(event, Inbound)
    assert event.external_id == "msg_1"


def test_stop_opts_out_and_start_comes_back() -> None:
    def events(text: str) -> list[object]:
        data = {"id": "1", "from": "anna", "text": text}
        return list(make().events(signed({"type": "message.received", "data": data})))

    assert events("STOP")[1:] == [OptOut("anna", "opted_out", NOW)]
    assert events("start")[1:] == [OptOut("anna", "active", NOW)]
    assert events("hello")[1:] == []


@pytest.mark.parametrize("name", ["from", "to"])
def test_a_person_opts_out_elsewhere(name: str) -> None:
    body = {
        "type": "contact.opted_out",
        "timestamp": "2020-01-01T00:00:00Z",
        "data": {name: "anna"},
    }
    (event,) = make().events(signed(body))
    assert isinstance(event, OptOut)
    assert (event.sender, event.state, event.at.year) == ("anna", "opted_out", 2020)


@pytest.mark.parametrize(
    "body",
    [
        {"type": "message.read", "data": {}},
        {"type": "message.read", "data": {"id": ""}},
        {"type": "message.read", "data": {"id": "x" * 201}},
        {"type": "message.read", "data": {"id": "a\nb"}},
        {"type": "message.read", "data": {"id": {"a": 1}}},
        {"type": "message.received", "data": {"id": "1"}},
        {"type": "contact.opted_out"},
        {"type": 3},
    ],
)
def test_a_callback_that_lacks_what_it_needs_is_an_error(body: object) -> None:
    with pytest.raises(ValueError, match=r"needs data|no type"):
        make().events(signed(body))


def test_a_callback_from_the_future_happened_now() -> None:
    body = {"type": "message.read", "timestamp": "2999-01-01T00:00:00Z", "data": {"id": "a"}}
    (event,) = make().events(signed(body))
    assert event.at == NOW


def test_while_a_secret_is_changed_both_signatures_stand_in_the_header() -> None:
    hook = CASE.hook() if CASE.hook else None
    assert hook is not None
    both = {
        **hook.headers,
        "webhook-signature": f"v1,b2xk v1a,x {hook.headers['webhook-signature']}",
    }
    CASE.make().verify(replace(hook, headers=both))
