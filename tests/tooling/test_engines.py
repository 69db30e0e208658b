"""The order of the tests: every process has its share of the long ones, and none at the end."""

from dataclasses import dataclass
from typing import Any

import pytest

from support.plugins.engines import spread


@dataclass(frozen=True)
class Item:
    number: int
    mark: str = ""

    def get_closest_marker(self, name: str) -> bool:
        return self.mark == name


def pieces(items: list[Any], processes: int) -> list[list[Any]]:
    """What xdist gives each process."""
    left, shares = list(items), []
    for others in range(processes, 0, -1):
        size = len(left) // others
        shares.append(left[:size])
        left = left[size:]
    return shares


@pytest.mark.parametrize("processes", [2, 3, 4])
@pytest.mark.parametrize("long", [0, 1, 7, 30])
def test_long_tests_are_spread(processes: int, long: int) -> None:
    items: Any = [Item(n, ("browser", "crash")[n % 2] if n < long else "") for n in range(200)]

    ordered = spread(items, processes)

    assert sorted(ordered, key=lambda item: item.number) == items
    shares = [[bool(item.mark) for item in piece] for piece in pieces(ordered, processes)]
    assert max(map(sum, shares)) - min(map(sum, shares)) <= 1
    assert not any(any(share[-10:]) for share in shares)


def test_in_one_process_the_order_stays() -> None:
    items: Any = [Item(0), Item(1, "crash"), Item(2)]

    assert spread(items, 1) == items
