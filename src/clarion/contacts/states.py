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
    SUPPRESSED = "suppressed", "On the suppression list"  # never stored: Address.effective_state
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
    S.SUPPRESSED: Explanation(
        "The address is on the suppression list.",
        "Nothing is sent to it until its entry is removed from the list.",
    ),
    S.ALIAS: Explanation(
        "The contact is reached under another id.", "Write to them in the chat of that id."
    ),
}
CHOOSABLE: Final = tuple(s for s in S if s not in (S.SUPPRESSED, S.ALIAS))  # an address's own
OUT_OF_REACH: Final = (S.BLOCKED, S.DEACTIVATED, S.UNREACHABLE)  # by what a provider reported
NO_REPLY: Final = (*OUT_OF_REACH, S.SUPPRESSED)  # not even an agent's answer is sent
INACTIVE: Final = (S.OPTED_OUT, *OUT_OF_REACH, S.SUPPRESSED, S.ALIAS)  # no broadcast is sent
# SQL: the effective state of an address “a”, see Address.effective_state.
STATE: Final = "CASE WHEN a.suppression_id IS NULL THEN a.state ELSE 'suppressed' END"


def explain(state: str) -> str:
    """The state's sentence and, behind it, the advice; the sentence alone where there is none."""
    explanation = EXPLANATIONS[S(state)]
    return f"{explanation.sentence} {explanation.advice}".strip()
