"""What a receiver's answers mean."""

from typing import Any

import pytest

from channels.fixtures import reply
from channels.webhook.fixtures import make
from clarion.channels.contract import (
    Refusal,
    Refused,
)
from clarion.transport.messages import HttpReply

URL = "https://receiver.example/messages"
ENVOY = (
    b"upstream connect error or disconnect/reset before headers. "
    b"reset reason: connection termination"
)


def refused(http: HttpReply, **settings: Any) -> Refused:
    outcome = make(**settings).outcome(http)
    assert isinstance(outcome, Refused)
    return outcome


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
        (503, Refusal.UNAVAILABLE),
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
