"""Messages in the form that Twilio takes them.

https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource
"""

from typing import Final
from urllib.parse import quote, urlencode

from clarion.channels.contract import Limits, Outgoing, Unsendable
from clarion.channels.fitting import ensure_fits
from clarion.channels.twilio.events import MESSAGE_ID
from clarion.kit.parts import Media

TEXT_LENGTH: Final = 1_600  # characters
MEDIA_MB: Final = 5
_MEDIA_BYTES = MEDIA_MB * 1024 * 1024
_PICTURES = frozenset({"", "image/jpeg", "image/png", "image/gif"})  # "": nobody knows its type


def body_of(
    message: Outgoing, text: str, sender: tuple[str, str], hook_url: str, limits: Limits, label: str
) -> bytes:
    """The form that sends this message with this text. Raises Unsendable.

    ``sender``: the parameter and its value. The status callback names our own id, so that a message
    whose fate is unknown is found again.
    """
    fields = [("To", f"+{message.to}"), sender]
    if message.media is not None or message.buttons or message.template is not None:
        ensure_fits(message, limits, label)
    if message.media is not None:
        fields.append(("MediaUrl", _url_of(message.media)))
    elif not text.strip():
        raise Unsendable("The text is empty.")
    if len(text) > TEXT_LENGTH:
        raise Unsendable(f"The text is longer than the {TEXT_LENGTH:,} characters of Twilio.")
    if text:
        fields.append(("Body", text))
    if hook_url:
        callback = f"{hook_url}?{MESSAGE_ID}={quote(message.id, safe='')}"
        fields.append(("StatusCallback", callback))
    return urlencode(fields, errors="replace").encode()


def _url_of(media: Media) -> str:
    """Where Twilio downloads a picture or file."""
    if not media.url:
        raise Unsendable(
            "Twilio downloads pictures and files itself, and this one has no public URL. Set "
            "CLARION_PUBLIC_URL, or use the URL of a picture or file on the web."
        )
    if media.kind == "image" and media.content_type not in _PICTURES:
        raise Unsendable("Twilio accepts only JPEG, PNG and GIF pictures. Use one of these.")
    if media.size > _MEDIA_BYTES:
        raise Unsendable(f"Twilio accepts pictures and files of at most {MEDIA_MB} MB.")
    return media.url
