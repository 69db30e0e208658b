"""VK's ids of peers: people, and conversations of several people."""

import re

from clarion.channels.contract import BadIdError
from clarion.channels.ids import plain_id

TITLES = ("vk_id", "vkid", "vk_user_id", "peer_id", "user_id", "userid", "id")
CHATS = 2_000_000_000  # a conversation of several people is this and its number
_LARGEST = 10**12  # no id of a person has more digits
_INTEGER = re.compile(r"[1-9][0-9]{0,12}")


def is_peer(value: str) -> bool:
    """Whether messages of a community can be sent to this id."""
    return bool(_INTEGER.fullmatch(value)) and int(value) <= _LARGEST


def user_id(text: str) -> str:
    """The number of a person, also written as “id42”, or of a conversation. Raises BadIdError."""
    value = plain_id(text)
    value = value[2:] if value[:2].lower() == "id" else value
    if not is_peer(value):
        raise BadIdError("a VK id is a whole number such as 12345 or id12345, not a short name")
    return value
