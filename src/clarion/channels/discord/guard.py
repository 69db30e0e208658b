"""Stopping long before Discord bans the server's IP address.

“IP addresses that make too many invalid HTTP requests are automatically and temporarily restricted
from accessing the Discord API. Currently, this limit is 10,000 per 10 minutes. An invalid request
is one that results in 401, 403, or 429 statuses”, but not 429 with X-RateLimit-Scope: shared
(docs.discord.com/developers/topics/rate-limits).
"""

import time
from collections import deque
from collections.abc import Callable

from clarion.transport.messages import HttpReply

WINDOW = 600.0  # seconds
MOST = 1_500  # of one process: several workers and other programs share an IP address
_INVALID = frozenset({401, 403, 429})


class InvalidRequests:
    """Counts the invalid requests of this process on one channel within the last ten minutes."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._times: deque[float] = deque()

    def is_too_many(self, reply: HttpReply) -> bool:
        """Count this reply; whether there are too many now. Then counting begins anew, so that
        whoever resumes the channel has made the decision."""
        scope = reply.headers.get("x-ratelimit-scope", "")
        if reply.status not in _INVALID or (reply.status == 429 and scope == "shared"):
            return False
        now = self._now()
        self._times.append(now)
        while self._times[0] <= now - WINDOW:
            self._times.popleft()
        if len(self._times) < MOST:
            return False
        self._times.clear()
        return True
