"""What comes from providers or goes to them, fit to be shown: without secrets."""

import json
import re
from contextlib import suppress
from typing import Any

from clarion.channels.manage import stored_settings
from clarion.channels.models import Channel
from clarion.channels.settings import config_fields

HIDDEN = "•••"
MOST = 4_000  # characters shown of one callback
_SECRET_NAME = re.compile(
    r"token|secret|password|passwd|authori[sz]ation|signature|api[-_]?key|credential", re.IGNORECASE
)


def secrets_of(channel: Channel) -> list[str]:
    """The secrets of a channel, the longest first; none where they can't be read."""
    config, _ = stored_settings(channel)
    values = (
        str(config.get(field.name) or "") for field in config_fields(channel.kind) if field.secret
    )
    return sorted(filter(None, values), key=len, reverse=True)


def readable(body: bytes, secrets: list[str]) -> str:
    """A callback or request as people read it: JSON with line breaks, at most 4,000 characters.

    What stands under a name such as “token”, and the channel's own secrets, are replaced by dots.
    """
    text = body.decode("utf-8", "replace")
    with suppress(ValueError, RecursionError):  # what is no JSON is shown as it came
        text = json.dumps(_without_secrets(json.loads(text)), indent=2, ensure_ascii=False)
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    shown = "".join(each if each.isprintable() or each == "\n" else "�" for each in text[:MOST])
    return shown if len(text) <= MOST else f"{shown}…"


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: HIDDEN
            if _SECRET_NAME.search(name) and isinstance(item, str | int | float)
            else _without_secrets(item)
            for name, item in value.items()
        }
    return [_without_secrets(item) for item in value] if isinstance(value, list) else value
