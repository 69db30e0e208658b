"""A long stream in pieces."""

import pytest

from clarion.kit.batches import batches


@pytest.mark.parametrize(
    ("count", "sizes"), [(0, []), (1, [1]), (3, [3]), (4, [3, 1]), (9, [3, 3, 3])]
)
def test_all_items_in_their_order(count: int, sizes: list[int]) -> None:
    lists = list(batches(iter(range(count)), 3))
    assert [len(batch) for batch in lists] == sizes
    assert [item for batch in lists for item in batch] == list(range(count))


def test_nothing_is_read_ahead() -> None:
    stream = iter(range(10))
    assert next(batches(stream, 4)) == [0, 1, 2, 3]
    assert next(stream) == 4
