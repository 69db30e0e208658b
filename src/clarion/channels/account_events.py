"""What a provider reports about the account itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LimitReported:
    """With how many people the account may begin a conversation in 24 hours from now on."""

    people: int | None  # None: with any number


@dataclass(frozen=True, slots=True)
class AccountReported:
    """What the provider decided about the account; shown as the result of the last check."""

    sentence: str  # what happened, and what to do
    good: bool = False
    stops: bool = False  # nothing can be sent any more: the channel is paused
