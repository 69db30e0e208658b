"""What is sent to Mailgun: a form that the standard library reads back."""

import email
import email.policy
from base64 import b64decode
from email.message import EmailMessage

import pytest

from channels.mailgun.fixtures import KEY, make
from clarion.channels.contract import Outgoing, Unsendable
from clarion.transport.messages import HttpRequest

# https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages: the form of
# messages.mime has to and message; o: is an option, v: a variable that comes back in callbacks.
FIELDS = {"to", "message", "o:tracking", "v:clarion-id"}


def form_of(request: HttpRequest) -> dict[str, bytes]:
    kind = dict(request.headers)["Content-Type"]
    whole = email.message_from_bytes(
        f"Content-Type: {kind}\r\n\r\n".encode() + request.body, policy=email.policy.HTTP
    )
    fields = {}
    for part in whole.iter_parts():
        name = part["Content-Disposition"].params["name"]
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        fields[name] = content
    return fields


def test_a_message_is_a_form_with_the_mime_message_in_it() -> None:
    request = make(region="eu").request(
        Outgoing("abc-17", 3, "anna@example.org", "Hello Ü", "Spring", "Anna")
    )
    assert request.url == "https://api.eu.mailgun.net/v3/mg.example.org/messages.mime"
    authorization = dict(request.headers)["Authorization"].removeprefix("Basic ")
    assert b64decode(authorization).decode() == f"api:{KEY}"
    fields = form_of(request)
    assert fields.keys() == FIELDS
    assert (fields["to"], fields["v:clarion-id"]) == (b"anna@example.org", b"abc-17")
    mail = email.message_from_bytes(fields["message"], policy=email.policy.SMTP)
    assert isinstance(mail, EmailMessage)
    assert (mail["Subject"], mail["Message-ID"]) == ("Spring", "<abc-17@example.org>")
    body = mail.get_body(("plain",))
    assert body is not None
    assert body.get_content().rstrip() == "Hello Ü"


def test_the_region_is_the_host() -> None:
    message = Outgoing("abc-17", 3, "anna@example.org", "Hello")
    assert make().request(message).url.startswith("https://api.mailgun.net/v3/")
    with pytest.raises(Unsendable, match="not an e-mail address"):
        make().request(Outgoing("a-1", 3, "anna", "Hi"))
    with pytest.raises(ValueError, match="only the domain"):
        make(domain="https://mg.example.org")
