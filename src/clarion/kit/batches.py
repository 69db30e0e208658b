"""A long stream in pieces that one statement can take."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of ``size``, the last one shorter; nothing is read ahead."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
