"""Inserting batches, on both databases."""

import pytest
from django.db import IntegrityError, transaction

from clarion.kit import db
from clarion.kit.db import TOGETHER, copy_or_insert

pytestmark = pytest.mark.django_db

COLUMNS = [("code", "text"), ("text", "text"), ("refusal", "text")]


@pytest.mark.parametrize("count", [0, 1, TOGETHER, 2 * TOGETHER + 1])
def test_all_rows_of_a_batch_are_inserted(count: int) -> None:
    rows = [(f"c{n}", "100 % of “it”\n", "") for n in range(count)]
    copy_or_insert("records_reason", COLUMNS, rows, {})
    assert sorted(db.fetch("SELECT code, text, refusal FROM records_reason")) == sorted(rows)


def test_a_row_that_is_there_already_is_refused() -> None:
    copy_or_insert("records_reason", COLUMNS, [("a", "x", "")], {})
    with pytest.raises(IntegrityError), transaction.atomic():
        copy_or_insert("records_reason", COLUMNS, [("b", "x", ""), ("a", "x", "")], {})
    assert db.fetch("SELECT code FROM records_reason") == [("a",)]
