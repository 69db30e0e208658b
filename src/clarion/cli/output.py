"""How results are shown: tables and sentences for people, one JSON document for programs."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import typer


def print_line(text: str) -> None:
    """Print a line of the result."""
    typer.echo(text)


def print_note(text: str) -> None:
    """Print a line that is not part of the result: progress, hints, warnings. Goes to stderr."""
    typer.echo(text, err=True)


def print_json(value: Any) -> None:
    """Print the one JSON document of ``--json``; moments as ISO 8601 in UTC."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=plain_json))


def plain_json(value: Any) -> str:
    """What JSON has no form of, as text; moments as ISO 8601."""
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)


def print_table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows under headers. Cut to the terminal's width; whole when piped."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, pad_edge=False, header_style="bold")
    for header in headers:
        grid.add_column(header, no_wrap=True, overflow="ellipsis")
    for row in rows:
        grid.add_row(*(Text(format_cell(value)) for value in row))
    is_terminal = sys.stdout.isatty()
    Console(file=sys.stdout, width=None if is_terminal else 10_000, highlight=False).print(grid)


def print_facts(pairs: Iterable[tuple[str, Any]]) -> None:
    """Print names and values one under the other, aligned."""
    listed = list(pairs)
    width = max((len(name) for name, _ in listed), default=0)
    for name, value in listed:
        print_line(f"{name:<{width}}  {format_cell(value)}".rstrip())


def print_cut(limit: int, alternative: str = "") -> None:
    """Note that a list is longer than what is shown of it; ``alternative``: what else to do."""
    print_note(f"Only the first {limit:,} are shown. Use --limit to show more{alternative}.")


def format_cell(value: Any) -> str:
    """A value as people read it, on one line."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return format_moment(value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return " ".join(str(value).split())


def format_moment(value: datetime) -> str:
    """A moment in the time zone of the command line (CLARION_TIME_ZONE)."""
    from clarion import config

    return f"{value.astimezone(ZoneInfo(config.load().time_zone)):%Y-%m-%d %H:%M:%S}"


def format_planned(value: datetime | None, zone: str) -> str:
    """A moment as ``format_moment`` does, and once more in its own zone where that differs."""
    if value is None:
        return ""
    own = own_time(value, zone)
    return f"{format_moment(value)} ({own})" if own else format_moment(value)


def own_time(value: datetime, zone: str) -> str:
    """A moment in its own zone, with its name; empty where the command line shows the same."""
    from clarion import config
    from clarion.kit import clock

    if not clock.shows_other_time(value, zone, ZoneInfo(config.load().time_zone)):
        return ""
    return f"{value.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} {zone}"


def counted(count: int, singular: str, plural: str = "") -> str:
    """A number and its noun: ``1 tag``, ``1,204 tags``."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"
