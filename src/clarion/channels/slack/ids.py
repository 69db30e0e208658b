"""Slack's ids of users and conversations."""

import re

from clarion.channels.contract import BadIdError
from clarion.channels.ids import plain_id

TITLES = ("slack_id", "slack_user_id", "member_id", "user_id", "userid", "channel_id", "id")
# Users U or W, channels C or G, direct messages D: https://docs.slack.dev/reference/objects
_ID = re.compile(r"[CDGUW][A-Z0-9]{2,30}")


def is_id(value: str) -> bool:
    """Whether messages can be sent to this id."""
    return bool(_ID.fullmatch(value))


def user_id(text: str) -> str:
    """The id of a user, a channel or a direct message. Raises BadIdError."""
    value = plain_id(text).upper()
    if not is_id(value):
        raise BadIdError("a Slack id begins with U, W, C, G or D, such as U012AB3CD")
    return value
