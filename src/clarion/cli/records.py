"""``clarion records``: what was tried for whom, and what came of it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from clarion import config
from clarion.cli.django_setup import uses_django
from clarion.cli.failures import Failed
from clarion.cli.output import print_json, print_line, print_note, print_table

if TYPE_CHECKING:
    from clarion.records.filters import RecordFilter
    from clarion.records.rows import RecordRow

STDOUT = Path("-")
MOST_ROWS = 100_000  # listed or as JSON; --csv has no limit
PAGE = 1_000

Number = Annotated[str, typer.Option(metavar="ID", help="Of this broadcast.")]
User = Annotated[str, typer.Option(metavar="ID", help="Of the person with this user id.")]
Name = Annotated[str, typer.Option(metavar="TEXT", help="Of people whose name contains this.")]
Status = Annotated[str, typer.Option(metavar="STATUS", help="completed or error.")]
Error = Annotated[str, typer.Option(metavar="TEXT", help="Whose error message contains this.")]
After = Annotated[str, typer.Option(metavar="T", help="From then on: 2026-12-24T09:30.")]
Before = Annotated[str, typer.Option(metavar="T", help="Earlier than that.")]
Responses = Annotated[
    str, typer.Option(metavar="'>0'", help="By the number of responses: '>0', '=2', '<1'.")
]
Channel = Annotated[str, typer.Option(metavar="NAME", help="Of this channel.")]
Agent = Annotated[str, typer.Option(metavar="NAME", help="Of broadcasts by this agent.")]
Csv = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write all of them to a CSV file; - is stdout.")
]
Limit = Annotated[int, typer.Option(min=1, max=MOST_ROWS, help="How many at most; not for --csv.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def add_to(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command()(records)


@uses_django
def records(
    broadcast: Number = "",
    user: User = "",
    name: Name = "",
    status: Status = "",
    error: Error = "",
    after: After = "",
    before: Before = "",
    responses: Responses = "",
    channel: Channel = "",
    agent: Agent = "",
    csv: Csv = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List records, newest first: one for every attempt at reaching a person."""
    if csv is not None and as_json:
        raise typer.BadParameter("Give either --csv or --json.", param_hint="--json")
    wanted = _filter(
        broadcast=broadcast,
        user=user,
        name=name,
        status=status,
        error=error,
        after=after,
        before=before,
        responses=responses,
        channel=channel,
        agent=agent,
    )
    if csv is not None:
        _export(wanted, csv)
    elif as_json:
        print_json([_document(row) for row in _rows(wanted, limit)])
    else:
        _show(list(_rows(wanted, limit + 1)), limit)


def _filter(**conditions: str) -> "RecordFilter":
    from clarion.records.filters import FilterError, RecordFilter

    try:
        return RecordFilter.from_query(conditions, zone=config.load().time_zone)
    except FilterError as error:
        raise typer.BadParameter(str(error), param_hint=f"--{error.field}") from None


def _rows(wanted: "RecordFilter", limit: int) -> "Iterator[RecordRow]":
    from clarion.records.search import search

    cursor: str | None = None
    while limit > 0:
        page = search(wanted, cursor, limit=min(limit, PAGE))
        yield from page.rows
        limit -= len(page.rows)
        cursor = page.next_cursor
        if cursor is None:
            return


def _show(rows: "list[RecordRow]", limit: int) -> None:
    if not rows:
        print_line("No record fits.")
        return
    print_table(
        ["RECORDED", "BROADCAST", "USER", "NAME", "CHANNEL", "STATUS", "TRY", "SENT OR ERROR"],
        [
            [
                row.recorded_at,
                str(row.broadcast_id),
                row.user_id,
                row.name,
                row.channel,
                row.status,
                row.attempt,
                row.error or row.content[:80],
            ]
            for row in rows[:limit]
        ],
    )
    if len(rows) > limit:
        print_note(f"Only the newest {limit:,} are shown; --limit shows more, --csv FILE all.")


def _document(row: "RecordRow") -> dict[str, Any]:
    return {
        "id": row.id,
        "recorded_at": row.recorded_at,
        "broadcast": row.broadcast_id,
        "title": row.broadcast,
        "channel": row.channel,
        "kind": row.kind,
        "chat": row.chat,
        "user": row.user_id,
        "name": row.name,
        "status": row.status,
        "error": row.error,
        "code": row.code,
        "attempt": row.attempt,
        "responses": row.responses,
        "latency_seconds": row.latency / 1_000_000,
        "content": row.content,
    }


def _export(wanted: "RecordFilter", path: Path) -> None:
    from clarion.records.export import export_csv

    with _whole(path) as file:
        for chunk in export_csv(wanted):
            file.write(chunk)
    if path != STDOUT:
        print_note(f"Wrote {path}.")


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """The file to write to, which appears under its name only when it is complete."""
    if path == STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    draft = path.with_name(path.name + ".part")
    try:
        with draft.open("wb") as file:
            yield file
        draft.replace(path)
    except BaseException as error:
        draft.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise Failed(f"{path} can't be written: {error.strerror}.") from error
        raise
