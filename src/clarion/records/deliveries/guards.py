"""The states that a write may come from, as a condition of its statement."""

from collections.abc import Collection

from clarion.records.states import stage_of, states_of


def in_state(states: Collection[str], row: str = "") -> str:
    """The condition that leads to the rows, by the partial index of their stage.

    ``row``: the table's alias with its dot, where it has one. The words stand in the text: the
    index can't be seen to fit a parameter.
    """
    if not states:
        raise ValueError("no state may move there: look at the table of legal moves")
    stages = dict.fromkeys(stage_of(state) for state in states)
    condition = f"{row}stage {_among(stages)}"
    if states_of(stages) <= set(states):
        return condition
    return f"{condition} AND {row}state {_among(states)}"


def still_in_state(states: Collection[str], column: str = "state") -> str:
    """The condition for rows that are found by their ids.

    Written as ``in_state`` it would let both databases walk the index of that state instead, once
    for each id.
    """
    if not states:
        raise ValueError("no state may move there: look at the table of legal moves")
    return f"COALESCE({column}, '') IN ({_listed(states)})"


def _among(words: Collection[str]) -> str:
    return f"= {_listed(words)}" if len(words) == 1 else f"IN ({_listed(words)})"


def _listed(words: Collection[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)
