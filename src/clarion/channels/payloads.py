"""Reading the values of a provider's callback."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic_core import from_json

from clarion.kit.text import clean

_LONGEST_TEXT = 20_000  # characters of one message
_LONGEST_ID = 200  # characters, as many as the tables hold


def object_of(body: bytes) -> dict[str, Any]:
    """The JSON object that a callback must be. Raises ValueError with a sentence otherwise.

    Half of a character (a lone surrogate) costs nothing but itself: ``text`` replaces it.
    """
    try:
        value = from_json(body)
    except ValueError:
        value = _leniently(body) if b"\\ud" in body.lower() else None
        if value is None:
            raise ValueError("The callback is not JSON.") from None
    if not isinstance(value, dict):
        raise ValueError("The callback is not a JSON object.")
    return value


def _leniently(body: bytes) -> object:
    """What the stricter and quicker parser refuses, None for what is no JSON at all."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def part(value: object) -> Mapping[str, Any]:
    """A JSON object inside another; empty for anything else."""
    return value if isinstance(value, dict) else {}


def objects(value: object) -> list[Mapping[str, Any]]:
    """The JSON objects in a list; nothing for anything else."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def text(value: object, limit: int = _LONGEST_TEXT) -> str:
    """A text that both databases can store; "" for anything else."""
    return clean(value, limit) if isinstance(value, str) else ""


def identifier(value: object) -> str:
    """A provider's id, given as text or number; "" for what can't be one."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return ""
    written = str(value) if not isinstance(value, int) or abs(value) < 2**64 else ""
    return written if 0 < len(written) <= _LONGEST_ID and written.isprintable() else ""


def moment(value: object, received_at: datetime) -> datetime:
    """When it happened: Unix seconds or an ISO 8601 text, never later than it was received.

    Anything else, and a time without a date, counts as the moment it was received.
    """
    happened = None
    try:
        if isinstance(value, str):
            happened = datetime.fromisoformat(value)
        elif isinstance(value, int) and not isinstance(value, bool):
            happened = datetime.fromtimestamp(value, UTC)
        if happened is not None and happened.tzinfo is None:
            happened = happened.replace(tzinfo=UTC)
        return received_at if happened is None else min(happened.astimezone(UTC), received_at)
    except (ValueError, OverflowError, OSError):
        return received_at
