"""What a message of a person is.

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from clarion.channels import payloads

_LONGEST = 2_000  # characters of a description


class Content(NamedTuple):
    """What a message says."""

    text: str
    button: str = ""  # the value of the pressed button
    media: str = ""  # what it is, where that is no text


def content_of(message: Mapping[str, Any]) -> Content:
    """What was written or pressed, else a line that says what came.

    A line begins with what it is about, so that no name in it is taken for a word that opts out.
    """
    kind = message.get("type")
    if not isinstance(kind, str):
        return Content("", media="unsupported message")
    part = payloads.part(message.get(kind))
    if kind == "text":
        return Content(payloads.text(part.get("body")))
    if kind == "button":  # a quick reply of a template
        return Content(payloads.text(part.get("text")), payloads.text(part.get("payload")))
    if kind == "interactive":
        return _interactive(part)
    if kind == "edit":  # …/messages/edit: the whole message again, under a new id
        edited = content_of(payloads.part(part.get("message")))
        return edited._replace(button="", media="edited message")
    if kind == "reaction":  # without an emoji it is taken back: …/messages/reaction
        emoji = payloads.text(part.get("emoji"), 40)
        return Content(f"Reaction: {emoji}" if emoji else "Reaction removed", media="reaction")
    if kind == "revoke":  # …/messages/revoke
        return Content("", media="deleted message")
    if kind in ("unsupported", "unknown"):
        return Content(_unsupported(message), media="unsupported message")
    written = payloads.text(part.get("caption"))
    named = payloads.text(kind, 40).replace("_", " ")
    return Content(written or _described(kind, message), media=named)


def _interactive(part: Mapping[str, Any]) -> Content:
    for name in ("button_reply", "list_reply"):
        if reply := payloads.part(part.get(name)):
            return Content(payloads.text(reply.get("title")), payloads.text(reply.get("id")))
    form = payloads.part(part.get("nfm_reply"))
    if form or part.get("type") == "nfm_reply":
        return Content(_line("Form", form.get("body"), form.get("response_json")), media="form")
    return Content("", media="interactive message")


def _unsupported(message: Mapping[str, Any]) -> str:
    errors = message.get("errors")
    first = payloads.part(errors[0]) if isinstance(errors, list) and errors else {}
    details = payloads.part(first.get("error_data")).get("details")
    named = payloads.text(payloads.part(message.get("unsupported")).get("type"), 40)
    return _line("Unsupported message", named, details or first.get("title"))


def _described(kind: str, message: Mapping[str, Any]) -> str:
    value = message.get(kind)
    part = payloads.part(value)
    if kind == "location":
        coordinates = ", ".join(
            str(part[name]) for name in ("latitude", "longitude") if _is_number(part.get(name))
        )
        return _line("Location", part.get("name"), part.get("address"), coordinates)
    if kind == "contacts":
        cards = [payloads.part(item) for item in value] if isinstance(value, list) else []
        return _line("Contact", *(word for card in cards for word in _card(card)))
    if kind == "order":
        items = part.get("product_items")
        count = f"{len(items)} items" if isinstance(items, list) else ""
        return _line("Order", count, part.get("text"))
    if kind == "document":
        return _line("Document", part.get("filename"))
    return ""


def _card(card: Mapping[str, Any]) -> list[object]:
    phones = card.get("phones")
    numbers = [payloads.part(item).get("phone") for item in _list(phones)]
    return [payloads.part(card.get("name")).get("formatted_name"), *numbers]


def _list(value: object) -> list[Any]:
    """A JSON list; empty for anything else."""
    return value if isinstance(value, list) else []


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 10**20


def _line(what: str, *details: object) -> str:
    details_known = [item for item in (payloads.text(word, 1_000) for word in details) if item]
    return payloads.text(f"{what}: {', '.join(details_known)}" if details_known else what, _LONGEST)
