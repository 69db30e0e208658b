"""Telegram's chat ids."""

import re

from clarion.channels.contract import BadIdError
from clarion.channels.ids import plain_id

TITLES = ("chat_id", "chatid", "telegram_id", "user_id", "userid", "id")
# Of public groups and channels; nobody but Fragment gives out shorter ones than five characters.
_USERNAME = re.compile(r"@[a-z][a-z0-9_]{3,31}")
_INTEGER = re.compile(r"-?[1-9][0-9]{0,18}")


def is_chat_id(value: str) -> bool:
    """Whether this is a whole number of 64 bits; those of groups are negative."""
    return bool(_INTEGER.fullmatch(value)) and abs(int(value)) < 2**63


def is_group(value: str) -> bool:
    """Whether this is a group, supergroup or channel: their ids are negative, or they have a name.

    A person's name can't be sent to.
    """
    return value.startswith("-") or is_name(value)


def is_name(value: str) -> bool:
    """Whether this is the name of a group or channel instead of its id."""
    return value.startswith("@")


def user_id(text: str) -> str:
    """A chat id, or the name of a public group or channel. Raises BadIdError."""
    value = plain_id(text)
    if is_name(value):
        value = value.lower()  # names are the same in capitals
        if _USERNAME.fullmatch(value):
            return value
    if not is_chat_id(value):
        raise BadIdError(
            "a Telegram id is a whole number such as 123456789, or for a public group or channel "
            "its name, such as @shop_news"
        )
    return value
