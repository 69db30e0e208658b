"""Batches of whole numbers as one parameter, on both databases."""

import pytest

from clarion.kit import db
from clarion.kit.db import ids

pytestmark = pytest.mark.django_db


def test_pairs_of_whole_numbers_are_read_as_a_table() -> None:
    pairs = {3: 10**15, 12: 0, 2**40: 7}
    rows = db.fetch(
        f"SELECT v.key, v.value FROM {ids.json_pairs()} WHERE v.key > 2 ORDER BY v.key",
        [ids.pairs_param(pairs)],
    )
    assert dict(rows) == pairs


def test_one_of_these_whole_numbers() -> None:
    def among(*numbers: int) -> bool:
        sql = f"SELECT CAST(%s AS bigint) {ids.in_ids()} AS is_there"
        return bool(db.fetch(sql, [2**40, ids.ids_param(numbers)])[0][0])

    assert among(1, 2**40)
    assert not among(1, 2)
    assert not among()
