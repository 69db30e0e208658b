"""Batches of whole numbers as one parameter, on both databases."""

import pytest

from clarion.kit import db
from clarion.kit.db import bulk

pytestmark = pytest.mark.django_db


def test_pairs_of_whole_numbers_are_read_as_a_table() -> None:
    pairs = {3: 10**15, 12: 0, 2**40: 7}
    rows = db.fetch(
        f"SELECT v.key, v.value FROM {bulk.json_pairs()} WHERE v.key > 2 ORDER BY v.key",
        [bulk.pairs_param(pairs)],
    )
    assert dict(rows) == pairs


def test_one_of_these_whole_numbers() -> None:
    def among(*numbers: int) -> bool:
        sql = f"SELECT CAST(%s AS bigint) {bulk.in_ids()} AS is_there"
        return bool(db.fetch(sql, [2**40, bulk.ids_param(numbers)])[0][0])

    assert among(1, 2**40)
    assert not among(1, 2)
    assert not among()


def test_rows_are_fetched_in_one_piece() -> None:
    text = 'Zoë “99 %”\n\\ {"a": [1]}'
    db.execute("INSERT INTO records_reason (code, text, refusal) VALUES (%s, %s, ''), (%s, %s, '')",
               ["a", text, "b", ""])  # fmt: skip
    columns = ["code", "text", "CASE WHEN code = 'a' THEN 9007199254740993 END"]

    rows = bulk.fetch(columns, "FROM records_reason WHERE code <> %s ORDER BY code", ["c"])
    assert sorted(map(tuple, rows), key=str) == [("a", text, 9007199254740993), ("b", "", None)]
    assert list(bulk.fetch(columns, "FROM records_reason WHERE code = %s", ["c"])) == []
