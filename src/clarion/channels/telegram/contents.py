"""What a message of a person is: https://core.telegram.org/bots/api#message."""

from collections.abc import Mapping
from typing import Any

from clarion.channels import payloads

# What a message may be, the specific first: a venue also has a location, an animation a document.
_SORTS = (
    "photo", "video", "voice", "audio", "animation", "document", "sticker", "video_note", "story",
    "contact", "venue", "location", "poll", "dice", "web_app_data", "users_shared", "user_shared",
    "chat_shared", "successful_payment", "refunded_payment", "invoice", "game", "checklist",
    "paid_media",
)  # fmt: skip
_LONGEST = 2_000  # characters of a description


def content_of(message: Mapping[str, Any]) -> tuple[str, str]:
    """(text, sort) of a message: what was written, else a line that says what came.

    The sort is empty for a text. A line begins with what it is about, so that no name or number in
    it is taken for a word that opts out.
    """
    written = payloads.text(message.get("text")) or payloads.text(message.get("caption"))
    sort = next((item for item in _SORTS if item in message), "")
    if written:
        return written, sort
    described = _described(sort, payloads.part(message.get(sort)))
    if described or sort:
        return described, sort.replace("_", " ")
    return "", "another kind of message"


def _described(sort: str, part: Mapping[str, Any]) -> str:
    if sort == "contact":
        return _line("Contact", _words(part, "first_name", "last_name"), part.get("phone_number"))
    if sort == "venue":
        coordinates = _place(payloads.part(part.get("location")))
        return _line("Place", part.get("title"), part.get("address"), coordinates)
    if sort == "location":
        return _line("Location", _place(part))
    if sort == "web_app_data":
        return _line("Mini app", part.get("button_text"), part.get("data"))
    if sort in ("users_shared", "user_shared", "chat_shared"):
        users = part.get("users")
        ids = [payloads.part(item).get("user_id") for item in _list(users)]
        what = "Shared chat" if sort == "chat_shared" else "Shared users"
        return _line(what, *ids, part.get("user_id"), part.get("chat_id"))
    if sort in ("successful_payment", "refunded_payment"):
        # The amount is in the smallest unit, of which a currency may have 1, 100 or 1,000.
        amount = _words(part, "total_amount", "currency")
        what = "Payment" if sort == "successful_payment" else "Refunded payment"
        return _line(what, amount and f"{amount} (smallest unit)", part.get("invoice_payload"))
    if sort == "poll":
        return _line("Poll", part.get("question"))
    if sort == "dice":
        return _line("Dice", _words(part, "emoji", "value"))
    return ""


def _list(value: object) -> list[Any]:
    """A JSON list; empty for anything else."""
    return value if isinstance(value, list) else []


def _line(what: str, *details: object) -> str:
    """“Contact: Anna Berg, +49 151 …”; details that are missing are left out."""
    details_known = [item for item in map(_word, details) if item]
    return payloads.text(f"{what}: {', '.join(details_known)}" if details_known else what, _LONGEST)


def _words(part: Mapping[str, Any], *names: str) -> str:
    return " ".join(filter(None, (_word(part.get(name)) for name in names)))


def _word(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value) if abs(value) < 10**20 else ""
    return payloads.text(value, 1_000)


def _place(location: Mapping[str, Any]) -> str:
    north, east = _word(location.get("latitude")), _word(location.get("longitude"))
    return f"{north}, {east}" if north and east else ""
