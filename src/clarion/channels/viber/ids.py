"""Viber's ids of subscribers."""

import re

from clarion.channels.contract import BadIdError
from clarion.channels.ids import plain_id

TITLES = ("viber_id", "viberid", "subscriber_id", "user_id", "userid", "id")
# Base64 of some bytes, such as 01234567890A=; how many is not documented.
_ID = re.compile(r"[A-Za-z0-9+/_-]{8,100}={0,2}")


def is_user_id(value: str) -> bool:
    """Whether this can be the id of a subscriber."""
    return bool(_ID.fullmatch(value))


def user_id(text: str) -> str:
    """The id of a subscriber. Raises BadIdError."""
    value = plain_id(text)
    if not is_user_id(value):
        raise BadIdError("a Viber id looks like jc9HsWTZ2Yf2NkRZ8KcNug==, not a phone number")
    return value
