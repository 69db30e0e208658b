"""How many messages a pipeline claims at once, where its channel has no rate."""

import time
from typing import Final

LEAST: Final = 50  # messages of one claim
MOST: Final = 2_500


class ClaimSize:
    """As many messages as leave in 100 ms at the present rate: few are in doubt after a crash."""

    def __init__(self) -> None:
        self.now = LEAST  # of the newest claim
        self.sent = 0  # since then
        self._claimed_at = time.monotonic()

    def next(self) -> int:
        """The size of a claim that is made now."""
        now = time.monotonic()
        rate = self.sent / max(now - self._claimed_at, 0.001)
        self.sent, self._claimed_at = 0, now
        return max(LEAST, min(MOST, self.now * 2, round(rate / 10)))
