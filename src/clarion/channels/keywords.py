"""The words with which people opt out and opt in again."""

import re
from typing import Literal

from clarion.channels.contract import Event, Inbound, OptOut

_OUT = frozenset({"stop", "stopall", "stop all", "unsubscribe", "optout", "opt out"})
_IN = frozenset({"start", "unstop", "subscribe"})
_LONGEST = 200  # characters: a link into a bot carries up to 64 of its own
_START_WITH_PAYLOAD = re.compile(r"/start(@\w+)?\s+\S+")
_BOT_NAME = re.compile(r"@\w+$")


def requested_state(text: str) -> Literal["opted_out", "active"] | None:
    """The state that a message asks for by being one of these words, else None.

    Case, punctuation around it and a leading slash do not matter: “Stop!” and “/stop” opt out.
    Words inside a sentence mean nothing: “don't stop” must not silence anybody.
    """
    if len(text) > _LONGEST:
        return None
    if _START_WITH_PAYLOAD.fullmatch(text.strip()):
        return "active"
    word = text.casefold().strip(" \t\r\n.!?,;:\"'“”„«»()*_-/")
    word = " ".join(_BOT_NAME.sub("", word).replace("-", " ").split())
    if word in _OUT:
        return "opted_out"
    return "active" if word in _IN else None


def with_requested_state(inbound: Inbound) -> list[Event]:
    """The message and, where it is one of these words, the change of state that it asks for.

    Of a pressed button the value counts, which is what it sends back, not its label.
    """
    state = requested_state(inbound.button or inbound.text)
    return [inbound] if state is None else [inbound, OptOut(inbound.sender, state, inbound.at)]
