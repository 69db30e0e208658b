"""Scoped ids: Meta's id of a person for one page or account. They are digits, and no phone numbers.

https://developers.facebook.com/docs/messenger-platform/identity#psid
"""

import re

from clarion.channels.contract import BadIdError
from clarion.channels.ids import plain_id

_SCOPED_ID = re.compile(r"[0-9]{5,30}")


def is_scoped_id(value: str) -> bool:
    """Whether Meta can name a person so."""
    return bool(_SCOPED_ID.fullmatch(value))


def scoped_id(text: str, what: str) -> str:
    """A scoped id; ``what`` is its name. Raises BadIdError."""
    value = plain_id(text)
    if not is_scoped_id(value):
        raise BadIdError(f"{what} has 5 to 30 digits, such as 6042117739217763")
    return value
