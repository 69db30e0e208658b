"""``clarion records``: every attempt to send a message, and its result."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Literal

import typer

from clarion.cli.acting import acting
from clarion.cli.app import App, ListGroup
from clarion.cli.django_setup import uses_django
from clarion.cli.failures import Failed
from clarion.cli.options import MOMENT, AsJson
from clarion.cli.output import print_cut, print_json, print_line, print_note, print_table

if TYPE_CHECKING:
    from clarion.records.filters import RecordFilter
    from clarion.records.rows import RecordRow

STDOUT = Path("-")
MOST_ROWS = 100_000  # listed or as JSON; --csv has no limit
FILTERS = "Filters"  # the heading of these options


def _filter_option(metavar: str | None, text: str) -> Any:
    return typer.Option(metavar=metavar, help=text, rich_help_panel=FILTERS)


Number = Annotated[str, _filter_option("ID", "Records of this broadcast.")]
StoryId = Annotated[str, _filter_option("ID", "Records of broadcasts that send this story.")]
StoryName = Annotated[
    str, _filter_option("TEXT", "Records of broadcasts whose story's name contains this.")
]
User = Annotated[str, _filter_option("ID", "Records of the contact with this user id.")]
Name = Annotated[str, _filter_option("TEXT", "Records of contacts whose name contains this.")]
StatusName = Literal["completed", "error"]
Status = Annotated[StatusName | None, _filter_option(None, "Records with this status.")]
Error = Annotated[str, _filter_option("TEXT", "Records whose error message contains this.")]
After = Annotated[str, _filter_option("TIME", f"Records from this time on, such as {MOMENT}.")]
Before = Annotated[str, _filter_option("TIME", "Records before this time.")]
Responses = Annotated[
    str, _filter_option("NUMBER", "Records by their number of responses: '>0', '=2' or '<1'.")
]
Channel = Annotated[str, _filter_option("CHANNEL", "Records of this channel.")]
Agent = Annotated[str, _filter_option("NAME", "Records of broadcasts by this agent.")]
Csv = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write all matching records to a CSV file; - for stdout."),
]
Limit = Annotated[
    int,
    typer.Option(
        min=1, max=MOST_ROWS, metavar="N", help="Show at most this many. Not used with --csv."
    ),
]


app = App("Records: attempts to send a message to a contact, and their results.", cls=ListGroup)


@app.command(
    "list",
    examples=[
        "clarion records list --broadcast 42 --status error",
        "clarion records list --channel shop --after 2026-12-01T00:00 --csv december.csv",
    ],
)
@uses_django
def list_records(
    broadcast: Number = "",
    story: StoryId = "",
    story_name: StoryName = "",
    user: User = "",
    name: Name = "",
    status: Status = None,
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
    """List records (attempts to send a message to a contact), newest first.

    Several filters can be combined.
    """
    if csv is not None and as_json:
        raise typer.BadParameter("It can't be combined with --csv.", param_hint="--json")
    wanted = _filter(
        broadcast=broadcast,
        story=story,
        story_name=story_name,
        user=user,
        name=name,
        status=status or "",
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
    from clarion import config
    from clarion.records.filters import FilterError, RecordFilter

    try:
        return RecordFilter.from_query(conditions, zone=config.load().time_zone)
    except FilterError as error:
        raise typer.BadParameter(
            str(error), param_hint=f"--{error.field.replace('_', '-')}"
        ) from None


def _rows(wanted: "RecordFilter", limit: int) -> "Iterator[RecordRow]":
    from clarion.kit.paging import first_rows
    from clarion.records.search import search

    return first_rows(limit, lambda cursor, size: search(wanted, cursor, limit=size))


def _show(rows: "list[RecordRow]", limit: int) -> None:
    if not rows:
        print_line("No records match.")
        return
    print_table(
        ["RECORDED", "BROADCAST", "USER", "NAME", "CHANNEL", "STATUS", "ATTEMPT", "SENT OR ERROR"],
        [
            [
                row.recorded_at,
                str(row.broadcast_id),
                row.user_id,
                row.name,
                row.channel,
                row.status,
                row.attempt,
                row.error or " · ".join(row.messages.text.split("\n\n"))[:80],
            ]
            for row in rows[:limit]
        ],
    )
    if len(rows) > limit:
        print_cut(limit, ", or --csv FILE to write all of them")


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
        "messages": [{"at": sent.at, "text": sent.text} for sent in row.messages.sent],
        "attempted": row.messages.attempted,
        "failed_later": row.messages.failed_later,
    }


def _export(wanted: "RecordFilter", path: Path) -> None:
    from clarion.accounts import audit
    from clarion.records.export import export_csv

    audit.note_export("records", acting(), wanted.to_query())
    with whole(path) as file:
        for chunk in export_csv(wanted):
            file.write(chunk)
    if path != STDOUT:
        print_note(f"Wrote the records to {path}.")


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
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
