"""The states that a write may come from, as a condition of its statement."""

from collections.abc import Collection


def in_state(states: Collection[str], column: str = "state") -> str:
    """The condition that leads to the rows, by the partial index of the state.

    The states stand in the text: the index can't be seen to fit a parameter.
    """
    if not states:
        raise ValueError("no state may move there: look at the table of legal moves")
    if len(states) == 1:
        return f"{column} = '{next(iter(states))}'"
    return f"{column} IN ({_listed(states)})"


def still_in_state(states: Collection[str], column: str = "state") -> str:
    """The condition for rows that are found by their ids.

    Written as ``in_state`` it would let both databases walk the index of that state instead, once
    for each id.
    """
    if not states:
        raise ValueError("no state may move there: look at the table of legal moves")
    return f"COALESCE({column}, '') IN ({_listed(states)})"


def _listed(states: Collection[str]) -> str:
    return ", ".join(f"'{state}'" for state in states)
