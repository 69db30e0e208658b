"""How fast a broadcast is at this moment, seen from one look at it to the next."""

import time
from collections import OrderedDict, deque

WINDOW = 10.0  # seconds that a rate is taken over
MOST_WATCHED = 200  # broadcasts that are remembered
_looks: "OrderedDict[int, deque[tuple[float, int]]]" = OrderedDict()


def rate(broadcast_id: int, done: int) -> float | None:
    """Messages a second since the looks of the last seconds; None at the first look.

    ``done`` is how many people have been dealt with by now. Each web process remembers its own
    looks: the number is exact for what it has seen, and costs no query.
    """
    now = time.monotonic()
    looks = _looks.setdefault(broadcast_id, deque())
    _looks.move_to_end(broadcast_id)
    if len(_looks) > MOST_WATCHED:
        _looks.popitem(last=False)
    looks.append((now, done))
    while now - looks[0][0] > WINDOW:
        looks.popleft()
    then, before = looks[0]
    return max(0, done - before) / (now - then) if now - then >= 0.5 else None


def forget() -> None:
    """Empty the memory; for tests, in which numbers of broadcasts come again."""
    _looks.clear()
