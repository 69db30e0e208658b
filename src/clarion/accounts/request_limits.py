"""How many requests a token may make in a minute, over all web processes.

The count is in the database, but not every request writes it: a process reserves a sixtieth of the
limit at a time and hands it out from memory. So the limit is never exceeded, whichever process
answers; at worst a few reserved requests of another process are not used.
"""

import threading
from dataclasses import dataclass
from typing import Final

from django.db import transaction

from clarion.accounts.models import ApiToken
from clarion.kit import clock, db

WINDOW: Final = 60  # seconds
_AT_ONCE: Final = 60  # a sixtieth of the limit is reserved
_REMEMBERED: Final = 10_000  # tokens


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a token may still do in this window."""

    limit: int
    remaining: int  # as far as this process knows
    reset: int  # seconds until the window ends
    allowed: bool


@dataclass(slots=True)
class _Reserve:
    window: int
    left: int  # reserved for this process
    others: int  # not reserved by anybody when last looked at


_reserves: dict[int, _Reserve] = {}
_lock = threading.Lock()


def take(token: int, limit: int) -> Allowance:
    """Count one request of the token with that id."""
    now = clock.now_us() // clock.SECOND
    window, reset = now // WINDOW, WINDOW - now % WINDOW
    with _lock:
        reserve = _reserves.get(token)
        if reserve is None or reserve.window != window:
            if len(_reserves) >= _REMEMBERED:
                _reserves.clear()
            reserve = _reserves[token] = _Reserve(window, 0, limit)
        if not reserve.left and reserve.others:
            _fill(reserve, token, limit)
        allowed = reserve.left > 0
        reserve.left -= allowed
        return Allowance(limit, reserve.left + reserve.others, reset, allowed)


def forget() -> None:
    """Forget what is reserved, as a new process."""
    with _lock:
        _reserves.clear()


def _fill(reserve: _Reserve, token: int, limit: int) -> None:
    """Reserve the next requests in the database, and note that the token is being used."""
    wanted = max(1, limit // _AT_ONCE)
    with transaction.atomic():
        [(used,)] = db.fetch(
            "INSERT INTO accounts_requestcount AS c (token_id, minute, used) VALUES (%s, %s, %s) "
            "ON CONFLICT (token_id, minute) DO UPDATE SET used = c.used + excluded.used "
            "RETURNING used",
            [token, reserve.window, wanted],
        )
        ApiToken.objects.filter(pk=token).update(last_used_at=clock.now())
    reserve.left = max(0, wanted - max(0, used - limit))
    reserve.others = max(0, limit - used)
