"""A sample of very many rows, by their ids."""

import random

EXACT = 40_000  # up to so many rows are all looked at
SPANS = 128  # parts of the sample, spread evenly: rows that came together are often alike
LOOKED = 10_000  # rows in it: numbers are right within about 1 %
Span = tuple[int, int]  # the first and the last id


def spans(first: int, last: int, size: int) -> list[Span]:
    """All of it when it is small, else spans of ids, one at random in each equal part.

    ``size``: how many rows there are between the two ids.
    """
    if size <= EXACT:
        return [(first, last)]
    part = (last - first + 1) / SPANS
    width = max(1, round(part * LOOKED / size))
    chance = random.Random(size)  # the same at every look, so that numbers don't flicker
    starts = [
        first + int(part * index + chance.random() * (part - width)) for index in range(SPANS)
    ]
    return [(start, start + width - 1) for start in starts]


def rounded(number: float) -> int:
    """Three digits of a number that comes from a sample."""
    digits = len(str(round(number)))
    return int(round(number, min(0, 3 - digits)))
