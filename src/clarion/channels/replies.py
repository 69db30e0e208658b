"""Reading what providers answer over HTTP, whatever it is."""

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from pydantic_core import from_json

from clarion.channels.contract import Reply
from clarion.kit import clock
from clarion.transport.messages import HttpReply

DEFAULT_WAIT = 1.0  # seconds
LONGEST_WAIT = 86_400.0  # seconds: nobody can put a channel to sleep for longer than a day
_LARGEST_JSON = 262_144  # bytes; no provider explains itself at greater length


def as_http(reply: Reply) -> HttpReply:
    """The reply itself; for an HTTP kind that was handed something else, one that says nothing."""
    return reply if isinstance(reply, HttpReply) else HttpReply(0, {}, b"")


def json_object(body: bytes, largest: int = _LARGEST_JSON) -> dict[str, Any]:
    """The JSON object in a body of at most that many bytes, or an empty one where there is none.

    Never raises.
    """
    if len(body) > largest:
        return {}
    try:
        # Not json.loads: that one recurses without limit and lets half characters through.
        value = from_json(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def wait_seconds(reply: HttpReply, stated: object = None) -> float | None:
    """How many seconds to wait: what Retry-After says, else ``stated``, else None.

    Retry-After is a number of seconds or a date (RFC 9110 10.2.3); a date is counted from the
    reply's own Date, so that a wrong clock there does no harm. The result is 0 to a day.
    """
    header = reply.headers.get("retry-after", "").strip()
    for value in (
        _seconds(header),
        _until(header, reply.headers.get("date", "")),
        _seconds(stated),
    ):
        if value is not None:
            return min(max(value, 0.0), LONGEST_WAIT)
    return None


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return None if math.isnan(seconds) else seconds


def _until(header: str, date: str) -> float | None:
    end = _moment(header)
    if end is None:
        return None
    return (end - (_moment(date) or clock.now())).total_seconds()


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
