"""LINE's user ids: https://developers.line.biz/en/docs/messaging-api/getting-user-ids/."""

import re

from clarion.channels.contract import BadIdError
from clarion.channels.ids import plain_id

TITLES = ("line_id", "line_user_id", "user_id", "userid", "id")
_ID = re.compile(r"U[0-9a-f]{32}")


def is_user_id(value: str) -> bool:
    """Whether this is the id of a user; those of groups and rooms begin with C and R."""
    return bool(_ID.fullmatch(value))


def user_id(text: str) -> str:
    """A user id. Raises BadIdError."""
    value = plain_id(text)
    if not is_user_id(value):
        raise BadIdError("a LINE user id is U and 32 digits from 0 to f, not a LINE name")
    return value
