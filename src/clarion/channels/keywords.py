"""The words with which people leave and come back (FEATURES G4)."""

import re
from typing import Literal

from clarion.channels.contract import Event, Inbound, OptOut

_LEAVE = frozenset({"stop", "stopall", "stop all", "unsubscribe", "optout", "opt out"})
_RETURN = frozenset({"start", "unstop", "subscribe"})
_LONGEST = 200  # characters: a link into a bot carries up to 64 of its own
_START_WITH_PAYLOAD = re.compile(r"/start(@\w+)?\s+\S+")
_BOT_NAME = re.compile(r"@\w+$")


def wish(text: str) -> Literal["opted_out", "active"] | None:
    """What a message asks for when it is nothing but one of these words, else None.

    Case, punctuation around it and a leading slash do not matter: “Stop!” and “/stop” leave.
    Words inside a sentence mean nothing: “don't stop” must not silence anybody.
    """
    if len(text) > _LONGEST:
        return None
    if _START_WITH_PAYLOAD.fullmatch(text.strip()):
        return "active"
    word = text.casefold().strip(" \t\r\n.!?,;:\"'“”„«»()*_-/")
    word = " ".join(_BOT_NAME.sub("", word).replace("-", " ").split())
    if word in _LEAVE:
        return "opted_out"
    return "active" if word in _RETURN else None


def with_wish(inbound: Inbound) -> list[Event]:
    """What somebody wrote and, where it is one of these words, what follows from it.

    Of a pressed button the value counts, which is what it sends back, not its label.
    """
    state = wish(inbound.button or inbound.text)
    return [inbound] if state is None else [inbound, OptOut(inbound.sender, state, inbound.at)]
