"""What can be wrong with pools of codes, and with codes."""

from typing import Literal

# Why a code can't be redeemed.
Why = Literal[
    "unknown", "not_issued", "not_yet_valid", "expired", "used_up", "not_holder", "holder_missing"
]


class CodeError(ValueError):
    """A pool can't be made, filled or changed like this; says what to do."""


class RedeemError(ValueError):
    """A code can't be redeemed: the reason, as a word for programs and as a sentence."""

    def __init__(self, why: Why, sentence: str) -> None:
        self.why = why
        super().__init__(sentence)
