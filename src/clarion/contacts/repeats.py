"""Finding ids that a file has twice, without holding a whole file in memory.

The file is gone through twice. The first time every id sets one bit of a table; an id that finds
its bit set is suspect. The second time only suspects are remembered, in full, so that nobody is
taken for somebody else. 16 MB hold files of any size; of 1,000,000 different ids about 4,000
are suspects.
"""

_BITS = 2**27


class Repeats:
    """Which ids come again, and where they came first."""

    def __init__(self) -> None:
        self._table = bytearray(_BITS // 8)
        self._suspects: set[int] = set()
        self._first: dict[str, int] = {}

    def note(self, value: str) -> None:
        """First time through: an id in the form that is compared."""
        slot = hash(value) % _BITS
        bit = 1 << (slot & 7)
        if self._table[slot >> 3] & bit:
            self._suspects.add(slot)
        else:
            self._table[slot >> 3] |= bit

    def first_line(self, value: str, line: int) -> int | None:
        """Second time through: the line that had this id before, or None when this is the first.

        ``line`` is where it stands now.
        """
        if hash(value) % _BITS not in self._suspects:
            return None
        first = self._first.setdefault(value, line)
        return None if first == line else first
