"""Discord's ids of channels and users.

Messages are sent to channels. One to a user goes to the channel of direct messages with them, which
is opened first; from then on its id is the one that is sent to.
"""

import re

from clarion.channels.contract import BadIdError
from clarion.channels.ids import plain_id

TITLES = ("discord_id", "discord_user_id", "channel_id", "user_id", "userid", "id")
USER = "user:"
_SNOWFLAKE = re.compile(r"[1-9][0-9]{4,19}")


def is_snowflake(value: str) -> bool:
    """Whether this is an id: a whole number of 64 bits without a sign."""
    return bool(_SNOWFLAKE.fullmatch(value)) and int(value) < 2**64


def user_of(value: str) -> str:
    """The id of the user, where a message goes to one; empty where it goes to a channel."""
    return value.removeprefix(USER) if value.startswith(USER) else ""


def user_id(text: str) -> str:
    """“user:” and the id of a user, or the id of a channel. Raises BadIdError."""
    value = plain_id(text)
    if value[: len(USER)].lower() == USER:
        value = USER + value[len(USER) :].strip()
    if not is_snowflake(user_of(value) or value):
        raise BadIdError(
            "a Discord id is a whole number such as 80351110224678912, for a user with “user:” "
            "before it"
        )
    return value


def rank_id(value: str) -> int:
    """The channel of direct messages is better: it needs not be opened again."""
    return 1 if user_of(value) else 0
