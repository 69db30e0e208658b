"""Messages in the form that WhatsApp takes them.

https://developers.facebook.com/docs/whatsapp/cloud-api/guides/send-messages, and of the limits:
…/messages/text-messages, …/interactive-reply-buttons-messages, …/interactive-cta-url-messages.
What WhatsApp can't send is Unsendable, with a sentence; nothing is left out silently.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from clarion.channels.contract import Outgoing, Template, Unsendable
from clarion.channels.fitting import ensure_fetchable, is_address
from clarion.channels.templates.parts import BODY, BUTTON, HEADER, NAME
from clarion.channels.whatsapp.ids import SCOPED_ID
from clarion.kit.parts import Button, Media

TEXT_LENGTH: Final = 4096  # characters
BODY_LENGTH: Final = 1024  # characters of a caption, and of the text above buttons
MOST_REPLIES: Final = 3  # reply buttons under one message
# https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media
PICTURE_SIZE: Final = 5 * 1024 * 1024  # bytes
LABEL_LENGTH: Final = 20  # characters on a button
_VALUE_LENGTH: Final = 256  # characters of what a reply button sends back
_PICTURES = frozenset({"", "image/jpeg", "image/png"})  # "" is one whose type nobody knows
_NAMED = {"image": "picture", "video": "video", "document": "document"}
_FORBIDDEN = re.compile(r"[\n\r\t]| {5}")  # in a template's variable: error 132018


def body_of(message: Outgoing) -> dict[str, Any]:
    """The JSON object that sends this message. Raises Unsendable.

    ``biz_opaque_callback_data`` comes back in every status: so a message whose fate is unknown is
    found again by our own id.
    """
    recipient = "recipient" if SCOPED_ID.fullmatch(message.to) else "to"
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        recipient: message.to,
        **_content(message),
        "biz_opaque_callback_data": message.id,
    }


def _content(message: Outgoing) -> dict[str, Any]:
    if message.template is not None:
        return {"type": "template", "template": _template(message.template)}
    if message.buttons:
        return {"type": "interactive", "interactive": _interactive(message)}
    if message.media is not None:
        name, media = _media(message.media)
        _short_enough(message.text, BODY_LENGTH, "The text beside a picture or file")
        return {"type": name, name: media | ({"caption": message.text} if message.text else {})}
    if not message.text.strip():
        raise Unsendable("The text is empty.")
    _short_enough(message.text, TEXT_LENGTH, "The text")
    return {"type": "text", "text": {"body": message.text}}


def _template(template: Template) -> dict[str, Any]:
    for number, value in enumerate(template.variables, start=1):
        if not value.strip():
            raise Unsendable(
                f"Variable {number} of the template is empty for this contact. Give it a default."
            )
        if _FORBIDDEN.search(value):
            raise Unsendable(
                f"Variable {number} of the template has a line break, a tab or more than four "
                "spaces in a row for this contact. WhatsApp accepts none of these."
            )
    body: dict[str, Any] = {"name": template.name, "language": {"code": template.language}}
    if components := list(_components(template)):
        body["components"] = components
    return body


def _components(template: Template) -> Iterator[dict[str, Any]]:
    """The variables of a template by where they belong.

    …/whatsapp/cloud-api/guides/send-message-templates
    """
    places = template.places or (BODY,) * len(template.variables)
    if len(places) != len(template.variables):
        raise Unsendable(
            f"The template has {len(places)} variables, and {len(template.variables)} are filled "
            "in. Compare them."
        )
    together: dict[str, list[dict[str, Any]]] = {}
    for variable_place, value in zip(places, template.variables, strict=True):
        where, _, name = variable_place.partition(NAME)
        what, _, rest = where.partition(":")
        key = where if what == BUTTON else what
        parameter = _parameter(what, rest, value)
        # …/whatsapp/business-management-api/message-templates#parameter-formats
        together.setdefault(key, []).append(parameter | ({"parameter_name": name} if name else {}))
    for key, parameters in together.items():
        what, _, rest = key.partition(":")
        button: dict[str, Any] = {}
        if what == BUTTON:
            index, _, kind = rest.partition(":")
            button = {"sub_type": kind, "index": index}
        yield {"type": what, **button, "parameters": parameters}


def _parameter(what: str, rest: str, value: str) -> dict[str, Any]:
    if what == HEADER and rest:
        if not is_address(value):
            raise Unsendable(
                f"The header of the template needs the URL of a {_NAMED[rest]}, beginning with "
                "https:// or http://."
            )
        return {"type": rest, rest: {"link": value}}
    if what == BUTTON and rest.endswith("copy_code"):
        return {"type": "coupon_code", "coupon_code": value}
    return {"type": "text", "text": value}


def _media(media: Media) -> tuple[str, dict[str, Any]]:
    """The type of message and its object.

    WhatsApp fetches the address itself; a file without one is uploaded before.
    """
    if not needs_upload(media):
        ensure_fetchable(media, "WhatsApp")
    source = {"id": media.kept_id} if needs_upload(media) else {"link": media.url}
    if media.kind == "file":
        return "document", source | ({"filename": media.name} if media.name else {})
    if media.content_type not in _PICTURES:
        raise Unsendable("WhatsApp accepts only JPEG and PNG pictures. Send this one as a file.")
    if media.size > PICTURE_SIZE:
        raise Unsendable("WhatsApp accepts pictures of up to 5 MB. Send this one as a file.")
    return "image", source


def needs_upload(media: Media) -> bool:
    """Whether WhatsApp has to be given the file, since it can't fetch it from anywhere."""
    return not media.url and media.size > 0


def _interactive(message: Outgoing) -> dict[str, Any]:
    if not message.text.strip():
        raise Unsendable("WhatsApp requires a text above buttons.")
    _short_enough(message.text, BODY_LENGTH, "The text above buttons")
    for button in message.buttons:
        if not button.label.strip():
            raise Unsendable("A button has no label.")
        _short_enough(button.label, LABEL_LENGTH, "The label of a button")
    body: dict[str, Any] = {"body": {"text": message.text}}
    if message.media is not None:
        name, media = _media(message.media)
        body["header"] = {"type": name, name: media}
    links = [button for button in message.buttons if button.kind == "link"]
    return body | (_link(message.buttons) if links else _replies(message.buttons))


def _link(buttons: tuple[Button, ...]) -> dict[str, Any]:
    if len(buttons) > 1:
        raise Unsendable("WhatsApp accepts either one link button or up to three reply buttons.")
    parameters = {"display_text": buttons[0].label, "url": buttons[0].value}
    return {"type": "cta_url", "action": {"name": "cta_url", "parameters": parameters}}


def _replies(buttons: tuple[Button, ...]) -> dict[str, Any]:
    if len(buttons) > MOST_REPLIES:
        raise Unsendable(f"WhatsApp accepts at most {MOST_REPLIES} reply buttons.")
    keys = []
    for button in buttons:
        value = button.value or button.label
        _short_enough(value, _VALUE_LENGTH, "What a reply button sends back")
        keys.append({"type": "reply", "reply": {"id": value, "title": button.label}})
    return {"type": "button", "action": {"buttons": keys}}


def _short_enough(text: str, limit: int, what: str) -> None:
    if len(text) > limit:
        raise Unsendable(f"{what} is longer than the {limit:,} characters that WhatsApp accepts.")
