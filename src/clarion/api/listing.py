"""Lists: how many items a page has, and the cursor of the next one."""

from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

from django.db.models import Model, QuerySet
from ninja import Query
from pydantic import Field

from clarion.api.types import Output, Page
from clarion.kit.paging import Cursor

Row = TypeVar("Row", bound=Model)
Shown = TypeVar("Shown", bound=Output)

Limit = Annotated[
    int,
    Query(50, ge=1, le=200, description="Items of a page, 1 to 200"),
]
CursorText = Annotated[
    str,
    Query("", max_length=200, description="`next` of the page before"),
]
LimitField = Annotated[int, Field(ge=1, le=200, description="Items of a page, 1 to 200")]


def page_of(
    rows: "QuerySet[Row]",
    limit: int,
    cursor: str,
    show: Callable[[Row], Shown],
    *,
    newest_first: bool = True,
) -> Page[Shown]:
    """A page of rows by their id. Raises CursorError."""
    if cursor:
        (key,) = Cursor.parse(cursor, 1).key
        rows = rows.filter(pk__lt=key) if newest_first else rows.filter(pk__gt=key)
    listed = list(rows.order_by("-pk" if newest_first else "pk")[: limit + 1])
    return cut_page(listed, limit, [show(row) for row in listed[:limit]])


def cut_page(rows: Sequence[Row], limit: int, shown: list[Shown]) -> Page[Shown]:
    """A page whose `rows` are one more than `limit` where the list continues."""
    more = len(rows) > limit
    return Page(items=shown, next=str(Cursor((rows[limit - 1].pk,))) if more else None)
