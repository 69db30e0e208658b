"""Finding what an address or a field names."""

from typing import TypeVar

from django.db.models import Model, QuerySet

from clarion.api.problems import not_found, wrong_field

Row = TypeVar("Row", bound=Model)


def get(rows: "QuerySet[Row]", number: int, what: str) -> Row:
    """The row of that id. Raises Problem (404); ``what`` is its noun."""
    row = rows.filter(pk=number).first()
    if row is None:
        raise not_found(f"{what} {number}")
    return row


def lock(rows: "QuerySet[Row]", number: int, what: str) -> Row:
    """As ``get``, and nobody else changes it until the transaction ends."""
    return get(rows.select_for_update(of=("self",)), number, what)


def chosen(
    rows: "QuerySet[Row]", number: int | None, field: str, place: str = "body"
) -> Row | None:
    """The row that a field names, None where it names none. Raises Problem (422)."""
    if number is None:
        return None
    row = rows.filter(pk=number).first()
    if row is None:
        raise wrong_field(field, f"There is no {field.removesuffix('_id')} {number}.", place)
    return row
