"""The states of an address, and what is said about each: the one table of both."""

from dataclasses import dataclass
from typing import Final

from django.db import models


class AddressState(models.TextChoices):
    """Broadcasts are sent to active addresses only. The label is the noun that people read."""

    ACTIVE = "active", "Active"
    OPTED_OUT = "opted_out", "Opted out"
    BLOCKED = "blocked", "Blocked us"
    DEACTIVATED = "deactivated", "Account deactivated"
    UNREACHABLE = "unreachable", "Unreachable"
    ALIAS = "alias", "Another id of a contact"  # see Address.alias_of; nobody chooses it


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a state means, and what follows for an agent who wants to write; each a sentence."""

    sentence: str
    advice: str = ""


S = AddressState
EXPLANATIONS: Final[dict[S, Explanation]] = {
    S.ACTIVE: Explanation("Messages can be sent to this address."),
    S.OPTED_OUT: Explanation(
        "The contact opted out.", "Broadcasts leave them out. Replies in a chat still reach them."
    ),
    S.BLOCKED: Explanation(
        "The contact blocked this channel.", "Nothing can be sent until they write again."
    ),
    S.DEACTIVATED: Explanation(
        "The contact's account is deactivated.", "Nothing can be sent to this address."
    ),
    S.UNREACHABLE: Explanation(
        "The contact can't be reached at this address.",
        "Nothing can be sent until they write again.",
    ),
    S.ALIAS: Explanation(
        "The contact is reached under another id.", "Write to them in the chat of that id."
    ),
}
CHOOSABLE: Final = tuple(state for state in S if state != S.ALIAS)  # what an address can be in
INACTIVE: Final = (S.OPTED_OUT, S.BLOCKED, S.DEACTIVATED, S.UNREACHABLE, S.ALIAS)  # not sent to
OUT_OF_REACH: Final = (S.BLOCKED, S.DEACTIVATED, S.UNREACHABLE)  # not even a reply can be sent


def explain(state: str) -> str:
    """The state's sentence and, behind it, the advice; the sentence alone where there is none."""
    explanation = EXPLANATIONS[S(state)]
    return f"{explanation.sentence} {explanation.advice}".strip()
