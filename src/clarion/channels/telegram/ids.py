"""Telegram's chat ids."""

import re

from clarion.channels.contract import BadIdError
from clarion.channels.ids import plain_id

TITLES = ("chat_id", "chatid", "telegram_id", "user_id", "userid", "id")
_INTEGER = re.compile(r"-?[1-9][0-9]{0,18}")


def is_chat_id(value: str) -> bool:
    """Whether this is a whole number of 64 bits; those of groups are negative."""
    return bool(_INTEGER.fullmatch(value)) and abs(int(value)) < 2**63


def user_id(text: str) -> str:
    """A chat id. Raises BadIdError."""
    value = plain_id(text)
    if not is_chat_id(value):
        raise BadIdError("a Telegram id is a whole number such as 123456789")
    return value
