"""What is sent to Postmark, against the fields of its documentation."""

import json
from base64 import b64decode
from email.utils import getaddresses
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from channels.postmark.fixtures import make
from clarion.channels.contract import Outgoing, Unsendable
from clarion.kit.parts import Button, Mail, Media

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


class Header(BaseModel):
    model_config = ConfigDict(extra="forbid")
    Name: str
    Value: str


class Attachment(BaseModel):
    model_config = ConfigDict(extra="forbid")
    Name: str
    Content: str
    ContentType: str
    ContentID: str | None = None


class Email(BaseModel):
    """The body of POST /email: https://postmarkapp.com/developer/api/email-api, all fields."""

    model_config = ConfigDict(extra="forbid")
    From: str
    To: str
    Cc: str | None = None
    Bcc: str | None = None
    Subject: str | None = None
    Tag: str | None = None
    HtmlBody: str
    TextBody: str
    ReplyTo: str | None = None
    Metadata: dict[str, str]
    Headers: list[Header]
    TrackOpens: bool
    TrackLinks: str
    Attachments: list[Attachment] = []
    MessageStream: str


def sent(message: Outgoing, **settings: Any) -> Email:
    request = make(**settings).request(message)
    assert (request.method, request.url) == ("POST", "https://api.postmarkapp.com/email")
    assert dict(request.headers)["Content-Type"] == "application/json"
    return Email.model_validate(json.loads(request.body))


@pytest.mark.parametrize(
    "name",
    [
        "Müller, Anna", "Zoë, victim@example.com, x", 'J"oë\\ <evil@example.com>,', "Smith, J",
        "Ü; v@x.y:",
    ],
)  # fmt: skip
def test_a_name_adds_no_recipient(name: str) -> None:
    email = sent(Outgoing("abc-17", 3, "anna@example.org", "Hello", name=name))
    assert getaddresses([email.To]) == [(name, "anna@example.org")]
    email = sent(Outgoing("abc-17", 3, "anna@example.org", "Hello", mail=Mail(from_name=name)))
    assert getaddresses([email.From]) == [(name, "news@example.org")]


def test_a_message_has_the_fields_of_the_documentation() -> None:
    email = sent(
        Outgoing(
            "abc-17", 3, "anna@example.org", "Hello Ü\n\nBye", "Frühling 🌷", "Anna Björk",
            "https://clarion.example/unsubscribe/1:x",
            mail=Mail(preheader="Look inside", from_name="Shop"),
        ),
        reply_to="help@example.org",
    )  # fmt: skip
    assert email.From == "Shop <news@example.org>"
    assert email.To == "Anna Björk <anna@example.org>"
    assert email.ReplyTo == "help@example.org"
    assert email.Subject == "Frühling 🌷"
    assert email.TextBody.startswith("Hello Ü\n\nBye\n")
    assert '<p dir="auto">Hello Ü</p>' in email.HtmlBody
    assert "Look inside" in email.HtmlBody
    assert email.Metadata == {"clarion_id": "abc-17"}
    assert email.MessageStream == "broadcast"
    headers = {header.Name: header.Value for header in email.Headers}
    assert headers["List-Unsubscribe"] == "<https://clarion.example/unsubscribe/1:x>"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert not headers.keys() & {"From", "To", "Subject", "Reply-To", "Date", "Message-ID"}
    assert (email.TrackOpens, email.TrackLinks) == (False, "None")


def test_an_uploaded_picture_is_shown_by_its_id() -> None:
    media = Media("image", "", "a ü.png", "image/png", PNG)
    email = sent(Outgoing("abc-17", 3, "anna@example.org", "Hello", media=media))
    (attachment,) = email.Attachments
    assert b64decode(attachment.Content) == PNG
    assert attachment.ContentType == "image/png"
    assert attachment.ContentID is not None
    assert f'src="{attachment.ContentID}"' in email.HtmlBody


def test_a_file_is_attached_under_its_name() -> None:
    media = Media("file", "", "résumé.txt", "text/plain", b"plain words")
    email = sent(Outgoing("abc-17", 3, "anna@example.org", "Hello", media=media))
    (attachment,) = email.Attachments
    assert (attachment.Name, attachment.ContentID) == ("résumé.txt", None)
    assert b64decode(attachment.Content) == b"plain words"
    assert email.TextBody.startswith("Hello")


def test_what_no_e_mail_can_have_is_refused_in_words() -> None:
    with pytest.raises(Unsendable, match="no reply buttons"):
        make().request(
            Outgoing("a-1", 3, "anna@example.org", "Hi", buttons=(Button("reply", "Yes", "1"),))
        )
    with pytest.raises(Unsendable, match="not an e-mail address"):
        make().request(Outgoing("a-1", 3, "anna", "Hi"))


def test_the_webhook_is_registered_with_its_password_and_without_bodies() -> None:
    request = make().register("https://clarion.example/hooks/3/")
    assert (request.method, request.url) == ("POST", "https://api.postmarkapp.com/webhooks")
    body = json.loads(request.body)
    assert body["HttpAuth"]["Username"] == "clarion"
    assert body["Triggers"]["Bounce"] == {"Enabled": True, "IncludeContent": False}
    with pytest.raises(ValueError, match="webhook password"):
        make(webhook_secret="").register("https://clarion.example/hooks/3/")
