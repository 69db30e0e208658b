"""Messages as Twilio takes them, compared with its own OpenAPI document."""

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jsonschema_rs
import pytest
from pydantic import ValidationError

from channels.twilio.fixtures import ACCOUNT, CASE, SERVICE, TOKEN, URL, make
from clarion.channels.contract import Outgoing, Unsendable
from clarion.channels.models import Channel
from clarion.channels.registry import adapter
from clarion.kit.parts import Button, Media
from clarion.transport.messages import HttpRequest

SCHEMAS = json.loads(Path(__file__).with_name("openapi.json").read_text("utf-8"))
PICTURE = Media("image", "https://x.example/a.png", "a.png", "image/png")


def fields_of(request: HttpRequest, schema: str = "CreateMessageRequest") -> dict[str, Any]:
    """The fields of a request, which the schema accepts."""
    types = {name: rule.get("type") for name, rule in SCHEMAS[schema]["properties"].items()}
    fields: dict[str, Any] = {
        name: values if types.get(name) == "array" else values[0]
        for name, values in parse_qs(request.body.decode(), strict_parsing=True).items()
    }
    checked = {
        name: value == "true" if types.get(name) == "boolean" else value
        for name, value in fields.items()
    }
    jsonschema_rs.validate(SCHEMAS[schema], checked)
    return fields


def test_a_text_names_sender_and_recipient() -> None:
    request = make().request(CASE.message)
    assert request.method == "POST"
    assert request.url == (f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages.json")
    assert fields_of(request) == {
        "To": "+16505551234", "From": "+15017122661", "Body": "Hello Anna",
    }  # fmt: skip
    login = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
    assert dict(request.headers) == {
        "Authorization": f"Basic {login}",
        "Content-Type": "application/x-www-form-urlencoded",
    }


def test_an_api_key_logs_in_instead_of_the_token() -> None:
    key = "SK" + "ab" * 16
    request = make(api_key=key, api_key_secret="key-secret").request(CASE.message)
    login = base64.b64encode(f"{key}:key-secret".encode()).decode()
    assert ("Authorization", f"Basic {login}") in request.headers


def test_a_messaging_service_chooses_the_sender() -> None:
    fields = fields_of(make(sender=SERVICE).request(CASE.message))
    assert (fields["MessagingServiceSid"], "From" in fields) == (SERVICE, False)


def test_any_text_arrives_as_it_is() -> None:
    text = "100 % – “ä” & <b>=+?\n😀"
    fields = fields_of(make().request(Outgoing("a", 3, "491711", text)))
    assert fields["Body"] == text


def test_look_alikes_are_replaced_where_the_channel_says_so() -> None:
    message = Outgoing("a", 3, "491711", "“Hi” – you…")
    assert fields_of(make().request(message))["Body"] == "“Hi” – you…"
    kind = make(smart_encoding=True)
    assert fields_of(kind.request(message))["Body"] == '"Hi" - you...'


def test_statuses_are_asked_for_where_there_is_a_public_url(settings: Any) -> None:
    channel = Channel(pk=7, kind="twilio", config=dict(CASE.settings))
    public = settings.CLARION.model_copy(update={"public_url": "https://clarion.example"})
    settings.CLARION = public
    request = adapter(channel).request(CASE.message)
    assert isinstance(request, HttpRequest)
    assert fields_of(request)["StatusCallback"] == f"{URL}?clarion_message=abc-17"


def test_a_picture_is_sent_by_its_url() -> None:
    fields = fields_of(make().request(Outgoing("a", 3, "491711", "Look", media=PICTURE)))
    assert (fields["MediaUrl"], fields["Body"]) == ([PICTURE.url], "Look")
    alone = fields_of(make().request(Outgoing("a", 3, "491711", "", media=PICTURE)))
    assert "Body" not in alone


@pytest.mark.parametrize(
    ("text", "parts", "sentence"),
    [
        (" \n", {}, "The text is empty."),
        ("x" * 1601, {}, "longer than the 1,600 characters"),
        ("x", {"media": Media("image", "", "a", "image/png", b"x")}, "CLARION_PUBLIC_URL"),
        ("x", {"media": Media("image", PICTURE.url, "a", "image/webp")}, "JPEG, PNG and GIF"),
        ("x", {"media": Media("file", PICTURE.url, "a", "", None, 6_000_000)}, "at most 5 MB"),
        ("x", {"buttons": (Button("link", "a", PICTURE.url),)}, "has no link buttons"),
    ],
)
def test_what_twilio_refuses_is_not_sent(text: str, parts: Any, sentence: str) -> None:
    with pytest.raises(Unsendable, match=sentence):
        make().request(Outgoing("a", 3, "491711", text, **parts))


def test_a_service_learns_where_people_write_to() -> None:
    request = make(sender=SERVICE).register(URL)
    assert request.url == f"https://messaging.twilio.com/v1/Services/{SERVICE}"
    assert fields_of(request, "UpdateServiceRequest")["InboundRequestUrl"] == URL
    with pytest.raises(ValueError, match="A message comes in"):
        make().register(URL)


@pytest.mark.parametrize(
    ("sender", "stored"),
    [
        ("+49 (151) 1234-5678", "+4915112345678"),
        ("12345", "12345"),
        ("My Shop", "My Shop"),
        (SERVICE, SERVICE),
    ],
)
def test_senders(sender: str, stored: str) -> None:
    assert fields_of(make(sender=sender).request(CASE.message)).get("From", SERVICE) == stored


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sender": "12345678901234567890"}, "Write a phone number with"),
        ({"sender": "A name that is too long"}, "Write a phone number with"),
        ({"account_sid": "SK1"}, "An account SID is AC"),
        ({"api_key": "AC1"}, "An API key is SK"),
        ({"api_key": "SK" + "ab" * 16}, "Enter the secret of the API key"),
        ({"country": "XX"}, "two letters of a country"),
        ({"auth_token": "a b"}, "has no spaces"),
    ],
)
def test_wrong_settings_say_what_to_write(changes: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        make(**changes)
