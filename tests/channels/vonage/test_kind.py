"""Messages as Vonage takes them, and its callbacks."""

import json
from typing import Any

import jsonschema_rs
import pytest
from pydantic import ValidationError

from channels.fixtures import JUST_BEFORE, NOW
from channels.vonage.fixtures import CASE, DELIVERED, OPTED_OUT, UUID, WRITTEN, make, signed
from clarion.channels.contract import (
    HookRequest,
    Ignored,
    Inbound,
    OptOut,
    Outgoing,
    Receipt,
    Unsendable,
)
from clarion.kit.parts import Media

# The types of Vonage's own client: vonage-node-sdk (Apache License 2.0), packages/messages/lib/
# types: MessageParams, MessageParamsText, SMSParams, SMSExtraParams; names as it sends them.
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["message_type", "channel", "to", "from", "text"],
    "properties": {
        "message_type": {"const": "text"},
        "channel": {"const": "sms"},
        "to": {"type": "string", "pattern": "^[1-9][0-9]{5,14}$"},
        "from": {"type": "string"},
        "text": {"type": "string", "maxLength": 1000},
        "client_ref": {"type": "string", "maxLength": 100},
        "webhook_url": {"type": "string"},
        "webhook_version": {"enum": ["v0.1", "v1"]},
        "ttl": {"type": "integer"},
        "sms": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "encoding_type": {"enum": ["unicode", "text", "auto"]},
                "content_id": {"type": "string"},
                "entity_id": {"type": "string"},
            },
        },
    },
}


def body_of(message: Outgoing, hook_url: str = "", **settings: Any) -> dict[str, Any]:
    kind = make(**settings)
    kind.hook_url = hook_url
    body: dict[str, Any] = json.loads(kind.request(message).body)
    jsonschema_rs.validate(SCHEMA, body)
    return body


def events(hook: HookRequest) -> list[object]:
    kind = make()
    kind.verify(hook)
    return list(kind.events(hook))


def test_a_text_names_sender_recipient_and_our_id() -> None:
    request = make().request(CASE.message)
    assert (request.method, request.url) == ("POST", "https://api.nexmo.com/v1/messages")
    assert body_of(CASE.message) == {
        "message_type": "text",
        "channel": "sms",
        "to": "447700900000",
        "from": "447700900001",
        "text": "Hello Anna",
        "client_ref": "abc-17",
        "sms": {"encoding_type": "text"},
    }


def test_it_is_sent_in_the_encoding_that_it_is_counted_in() -> None:
    message = Outgoing("a", 3, "447700900000", "“Hi” – 😀")
    assert body_of(message)["sms"] == {"encoding_type": "unicode"}
    quoted = Outgoing("a", 3, "447700900000", "“Hi”")
    body = body_of(quoted, smart_encoding=True)
    assert (body["text"], body["sms"]) == ('"Hi"', {"encoding_type": "text"})


def test_statuses_are_asked_for_where_there_is_a_public_url() -> None:
    body = body_of(CASE.message, "https://clarion.example/hooks/7/")
    assert body["webhook_url"] == "https://clarion.example/hooks/7/"
    assert body["webhook_version"] == "v1"


@pytest.mark.parametrize(
    ("text", "parts", "sentence"),
    [
        (" \n", {}, "The text is empty."),
        ("x" * 1001, {}, "longer than the 1,000 characters"),
        ("x", {"media": Media("image", "https://x.example/a.png")}, "accepts no pictures"),
    ],
)
def test_what_vonage_refuses_is_not_sent(text: str, parts: Any, sentence: str) -> None:
    with pytest.raises(Unsendable, match=sentence):
        make().request(Outgoing("a", 3, "447700900000", text, **parts))


@pytest.mark.parametrize(
    ("sender", "stored"), [("+44 7700 900001", "447700900001"), ("My Shop", "My Shop")]
)
def test_senders(sender: str, stored: str) -> None:
    assert body_of(CASE.message, sender=sender)["from"] == stored


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sender": "A name that is too long"}, "Write a phone number with"),
        ({"api_key": "a b"}, "letters and digits only"),
        ({"api_secret": "a b"}, "has no spaces"),
        ({"country": "XX"}, "two letters of a country"),
    ],
)
def test_wrong_settings_say_what_to_write(changes: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        make(**changes)


def test_a_status_is_about_the_whole_message() -> None:
    assert events(signed(DELIVERED)) == [Receipt("delivered", JUST_BEFORE, UUID, "abc-17")]
    assert events(signed({**DELIVERED, "status": "submitted"})) == []


def test_an_opt_out_that_only_vonage_knew_is_taken_over() -> None:
    opt_out, receipt = events(signed(OPTED_OUT))
    assert opt_out == OptOut("447700900000", "opted_out", JUST_BEFORE)
    assert isinstance(receipt, Receipt)
    assert (receipt.status, receipt.code, receipt.unreachable) == ("failed", "1240", True)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"code": 1180, "reason": "Absent"}, "1180"),  # as version 0.1 writes it
        ({"title": "1180"}, "1180"),
        ({"type": "https://developer.vonage.com/api-errors#99999"}, "99999"),
        ({"title": "١٢٣٤"}, ""),
        ({}, ""),
        (None, ""),
    ],
)
def test_any_error_has_a_sentence(error: object, code: str) -> None:
    status = {**DELIVERED, "status": "undeliverable", "error": error}
    (receipt,) = events(signed(status))
    assert isinstance(receipt, Receipt)
    assert (receipt.code, receipt.unreachable) == (code, False)
    assert receipt.reason.endswith(".")


def test_a_long_message_of_a_person_arrives_whole() -> None:
    text = "a" * 400
    (inbound,) = events(signed({**WRITTEN, "text": text, "sms": {"num_messages": "3"}}))
    assert isinstance(inbound, Inbound)
    assert (inbound.text, inbound.payload) == (text, {})


def test_other_channels_are_ignored() -> None:
    (event,) = events(signed({**WRITTEN, "channel": "viber_service"}))
    assert isinstance(event, Ignored)


def test_a_wrong_time_counts_as_the_moment_it_was_received() -> None:
    (receipt,) = events(signed({**DELIVERED, "timestamp": "soon"}))
    assert isinstance(receipt, Receipt)
    assert receipt.at == NOW
