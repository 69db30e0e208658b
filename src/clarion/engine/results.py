"""What an attempt finds out, beside what is settled of its delivery."""

from dataclasses import dataclass

from clarion.channels.contract import Outcome
from clarion.transport.messages import HttpRequest


@dataclass(frozen=True, slots=True)
class StoryAnswered:
    """The story's webhook has answered for this person."""

    step: int
    request: HttpRequest


@dataclass(frozen=True, slots=True)
class StoryDown:
    """The story's webhook did not answer: that is its own trouble, or it is about this person."""

    step: int
    request: HttpRequest
    reason: str


@dataclass(frozen=True, slots=True)
class ContentTrouble:
    """What a broadcast sends can't work for anybody: it has to wait until somebody changes it."""

    reason: str
    known_at: int = 0  # microseconds by the shared clock; 0: since this attempt


@dataclass(frozen=True, slots=True)
class KnownGap:
    """No message could be made, as was known before: an agent decided to send to the others."""


Result = Outcome | ContentTrouble | StoryAnswered | StoryDown | KnownGap | None  # found out
