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
from functools import partial
from typing import Any, Final

from clarion.channels.files import content_type, file_name
from clarion.channels.mailing.files import KEPT, identity
from clarion.kit.parts import Media
from clarion.kit.weighed_cache import WeighedCache

OUR_ID: Final = "clarion_id"  # of the message, in its Metadata, which every callback repeats
_FIELDS: Final = {"subject": "Subject", "reply-to": "ReplyTo"}
# Postmark writes these itself.
_OWN: Final = frozenset({*_FIELDS, "from", "to", "date", "message-id", "mime-version",
                         "content-type", "content-transfer-encoding"})  # fmt: skip
_SPECIAL: Final = re.compile(r'[][()<>@,:;".\\]')  # of a phrase (RFC 5322 3.2.3)
_BODIES: Final = {"text/plain": "TextBody", "text/html": "HtmlBody"}
# The endings of files that Postmark refuses, as several client libraries quote its user guide.
# Not verified with the page itself.
REFUSED_FILES: Final = frozenset({
    "vbs", "exe", "bin", "bat", "chm", "com", "cpl", "crt", "hlp", "hta", "inf", "ins", "isp",
    "jse", "lnk", "mdb", "pcd", "pif", "reg", "scr", "sct", "shs", "vbe", "vba", "wsf", "wsh",
    "wsl", "msc", "msi", "msp", "mst",
})  # fmt: skip
_attachments = WeighedCache[bytes](KEPT, len)


def email_of(mail: bytes, files: tuple[Media, ...], message_id: str, stream: str) -> bytes:
    """The body of POST /email for an e-mail to one address, and its files."""
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
    for part in message.walk():
        if field := _BODIES.get(part.get_content_type()):
            content = part.get_payload(decode=True)
            data = content if isinstance(content, bytes) else b""
            fields[field] = data.decode("utf-8", "replace").replace("\r\n", "\n")
    body = json.dumps(fields, separators=(",", ":")).encode()
    if not files:
        return body
    attachments = _attachments.get(tuple(map(identity, files)), partial(_listed, files))
    return b"".join((body[:-1], b',"Attachments":', attachments, b"}"))


def _listed(files: tuple[Media, ...]) -> bytes:
    """The files as JSON, made once for all recipients."""
    return json.dumps([_attachment(media) for media in files], separators=(",", ":")).encode()


def _attachment(media: Media) -> dict[str, str]:
    attachment = {
        "Name": file_name(media),
        "Content": b64encode(media.data or b"").decode("ascii"),
        "ContentType": content_type(media),
    }
    if media.content_id:
        attachment["ContentID"] = f"cid:{media.content_id}"
    return attachment


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
