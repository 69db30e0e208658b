"""From an e-mail to Postmark's JSON: https://postmarkapp.com/developer/api/email-api.

Postmark takes no MIME over HTTP. Its fields are read off the message as it is built for every kind,
so that whatever an e-mail can have arrives here too.
"""

import json
import re
from base64 import b64encode
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parseaddr
from typing import Any, Final

OUR_ID: Final = "clarion_id"  # of the message, in its Metadata, which every callback repeats
_FIELDS: Final = {"subject": "Subject", "reply-to": "ReplyTo"}
# Postmark writes these itself.
_OWN: Final = frozenset({*_FIELDS, "from", "to", "date", "message-id", "mime-version",
                         "content-type", "content-transfer-encoding"})  # fmt: skip
_SPECIAL: Final = re.compile(r'[][()<>@,:;".\\]')  # of a phrase (RFC 5322 3.2.3)
_PLAIN: Final = ("text/plain", "text/html")


def email_of(mail: bytes, message_id: str, stream: str) -> bytes:
    """The body of POST /email for an e-mail to one address."""
    message = message_from_bytes(mail)
    fields: dict[str, Any] = {"From": _mailbox(message, "from"), "To": _mailbox(message, "to")}
    fields |= {field: _readable(message, name) for name, field in _FIELDS.items() if message[name]}
    fields["MessageStream"] = stream
    fields["Metadata"] = {OUR_ID: message_id}
    # Clarion tracks links itself, and Postmark's pixel would be counted for nobody.
    fields["TrackOpens"], fields["TrackLinks"] = False, "None"
    fields["Headers"] = [
        {"Name": name, "Value": " ".join(str(value).split())}
        for name, value in message.items()
        if name.lower() not in _OWN
    ]
    fields["Attachments"] = []
    for part in message.walk():
        if not part.is_multipart():
            _add(part, fields)
    if not fields["Attachments"]:
        del fields["Attachments"]
    return json.dumps(fields, separators=(",", ":")).encode()


def _add(part: Message, fields: dict[str, Any]) -> None:
    content = part.get_payload(decode=True)
    data = content if isinstance(content, bytes) else b""
    kind = part.get_content_type()
    if kind in _PLAIN and not part.get_filename():
        field = "TextBody" if kind == "text/plain" else "HtmlBody"
        fields[field] = data.decode("utf-8", "replace").replace("\r\n", "\n")
        return
    attachment = {
        "Name": part.get_filename() or "file",
        "Content": b64encode(data).decode("ascii"),
        "ContentType": kind,
    }
    if content_id := str(part.get("Content-ID", "")).strip("<>"):
        attachment["ContentID"] = f"cid:{content_id}"
    fields["Attachments"].append(attachment)


def _mailbox(message: Message, name: str) -> str:
    """The mailbox of a header, its name readable. Quoted where it is more than words: Postmark
    reads a list, in which a contact's name could be further addresses."""
    encoded, address = parseaddr(str(message[name]))
    words = " ".join(str(make_header(decode_header(encoded))).split())
    if not words:
        return address
    if _SPECIAL.search(words):
        words = '"' + re.sub(r'(["\\])', r"\\\1", words) + '"'
    return f"{words} <{address}>"


def _readable(message: Message, name: str) -> str:
    """A header without its encoded words and line breaks."""
    return " ".join(str(make_header(decode_header(str(message[name])))).split())


def webhook_of(url: str, stream: str, username: str, password: str) -> bytes:
    """The body of POST /webhooks: https://postmarkapp.com/developer/api/webhooks-api."""
    return json.dumps(
        {
            "Url": url,
            "MessageStream": stream,
            "HttpAuth": {"Username": username, "Password": password},
            "Triggers": {
                "Delivery": {"Enabled": True},
                "Bounce": {"Enabled": True, "IncludeContent": False},
                "SpamComplaint": {"Enabled": True, "IncludeContent": False},
                "SubscriptionChange": {"Enabled": True},
            },
        }
    ).encode()
