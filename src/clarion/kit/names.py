"""Names in sentences: the first of many, and what to say of one that does not exist."""

from collections.abc import Iterable, Sequence
from itertools import islice

from clarion.kit.text import clean

NAMED = 10  # names in one sentence
_LONGEST = 40  # characters of a wrong name that are repeated


def some(names: Sequence[str], most: int = NAMED, end: str = "") -> str:
    """The first ``most`` names and ``end``; or “ …” in its place, where there are more names."""
    return ", ".join(names[:most]) + (" …" if len(names) > most else end)


def no_such(noun: str, name: str, existing: Iterable[str]) -> str:
    """The sentence for a name that does not exist; of the existing ones it names the first."""
    problem = f"There is no {noun} called “{clean(name, _LONGEST)}”."
    names = list(islice(existing, NAMED + 1))
    return (
        f"{problem} Choose one of: {some(names, end='.')}"
        if names
        else (f"{problem} Add one first.")
    )
