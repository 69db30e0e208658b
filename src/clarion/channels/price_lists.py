"""The prices of a channel as a list: shown, exported to CSV and imported from it."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final, TypeGuard

from clarion.accounts.models import Agent
from clarion.channels import prices
from clarion.channels.contract import ChannelKind
from clarion.channels.errors import ChannelError
from clarion.channels.manage import adapter_of, update_channel
from clarion.channels.measuring import Measures
from clarion.channels.models import Channel
from clarion.channels.prices import MOST_PRICES, OTHERS, TOO_MANY, PriceRow, PriceTable
from clarion.kit import sheets
from clarion.kit.csvfile import CsvError, CsvFile

HEADER: Final = ("calling_code", "category", "price")
_SETTING: Final = "prices"
_CODES: Final = ("calling_code", "code", "prefix", "country_code")


def has_prices(channel: Channel) -> bool:
    """Whether prices can be entered for a channel: its provider charges by units."""
    try:
        return _has_own(adapter_of(channel))
    except ChannelError:
        return False


def table_of(channel: Channel) -> PriceTable:
    """The prices of a channel. Raises ChannelError where its kind has none."""
    return _measuring(channel).prices


def shown_code(row: PriceRow) -> str:
    """The code of a row as people write it."""
    return row.code or OTHERS


def export_csv(channel: Channel) -> Iterator[bytes]:
    """The prices as a CSV file, in the form that ``import_csv`` reads. Raises ChannelError."""
    rows = table_of(channel).rows
    lines = (f"{shown_code(row)},{row.category},{row.price:f}" for row in rows)
    return sheets.stream(HEADER, lines)


def import_csv(channel: Channel, path: Path, *, by: Agent | str) -> int:
    """Replace the prices of a channel by those of a file, and return how many it has.

    Columns: ``calling_code``, ``price``, and perhaps ``category``; others are passed over. Raises
    ChannelError that names the line, and changes nothing then; OSError.
    """
    try:
        file = CsvFile(path)
        titles = [title.strip().lower() for title in file.columns]
        code = next((titles.index(name) for name in _CODES if name in titles), None)
        if code is None or "price" not in titles:
            raise ChannelError("The file needs the columns calling_code and price.")
        amount = titles.index("price")
        category = titles.index("category") if "category" in titles else None
        lines = [
            (
                f"Line {line}: ",
                cells[code],
                cells[category] if category is not None else "",
                cells[amount],
            )
            for line, cells in islice(map(file.whole, file.rows()), MOST_PRICES + 1)
        ]
    except CsvError as error:
        raise ChannelError(str(error)) from None
    return _replace(channel, lines, by=by)


def set_prices(channel: Channel, rows: Iterable[tuple[str, str, str]], *, by: Agent | str) -> int:
    """Replace the prices of a channel by these: calling code, category and price as text.

    Returns how many there are. Raises ChannelError, and changes nothing then.
    """
    lines = [
        (f"Price {number}: ", *row) for number, row in enumerate(islice(rows, MOST_PRICES + 1), 1)
    ]
    return _replace(channel, lines, by=by)


def _replace(
    channel: Channel, lines: Sequence[tuple[str, str, str, str]], *, by: Agent | str
) -> int:
    categories = _measuring(channel).price_categories
    if len(lines) > MOST_PRICES:
        raise ChannelError(TOO_MANY)
    rows = []
    for where, code, category, amount in lines:
        try:
            rows.append(prices.row(code, category, amount, categories))
        except ValueError as problem:
            raise ChannelError(f"{where}{problem}") from None
    try:
        text = prices.written(prices.checked(rows))
    except ValueError as problem:
        raise ChannelError(str(problem)) from None
    update_channel(channel, settings={_SETTING: text}, by=by)
    return len(rows)


def _measuring(channel: Channel) -> Measures:
    kind = adapter_of(channel)
    if not _has_own(kind):
        raise ChannelError(f"{kind.label} channels have no prices.")
    return kind


def _has_own(kind: ChannelKind) -> TypeGuard[Measures]:
    """Whether the prices of a kind are a setting; a provider may also charge everybody alike."""
    return isinstance(kind, Measures) and _SETTING in kind.Config.model_fields
