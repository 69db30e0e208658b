"""``clarion clicks``: who clicked which link of a message, and who opened an e-mail."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import typer

from clarion.cli.acting import acting
from clarion.cli.app import App, ListGroup
from clarion.cli.django_setup import uses_django
from clarion.cli.option_groups import with_option_groups
from clarion.cli.options import MOMENT, AsJson
from clarion.cli.output import print_cut, print_json, print_line, print_note, print_table
from clarion.cli.records import (
    MOST_ROWS,
    STDOUT,
    whole,
)

if TYPE_CHECKING:
    from clarion.clicks.filters import ClickFilter
    from clarion.clicks.rows import ClickRow

ClickedBy = Literal["person", "scanner"]


def _text(metavar: str, text: str) -> Any:
    return typer.Option(metavar=metavar, help=text)


@dataclass(frozen=True, slots=True)
class FilterOptions:
    """Which clicks, as the options name it; see ``option_groups``."""

    SECTION: ClassVar[str] = "Filters"

    broadcast: Annotated[str, _text("ID", "Clicks in this broadcast.")] = ""
    story: Annotated[str, _text("ID", "Clicks in broadcasts that send this story.")] = ""
    story_name: Annotated[
        str, _text("TEXT", "Clicks in broadcasts whose story's name contains this.")
    ] = ""
    user: Annotated[str, _text("ID", "Clicks of the contact with this user id.")] = ""
    name: Annotated[str, _text("TEXT", "Clicks of contacts whose name contains this.")] = ""
    link: Annotated[str, _text("ID", "Clicks on this link.")] = ""
    url: Annotated[str, _text("TEXT", "Clicks on links whose target contains this.")] = ""
    clicked_by: Annotated[
        ClickedBy | None, typer.Option(help="Clicks by people, or by link scanners.")
    ] = None
    opens: Annotated[
        bool, typer.Option("--opens", help="List opened e-mails instead of clicks.")
    ] = False
    first: Annotated[
        bool,
        typer.Option("--first", help="Only the first click of each recipient of a broadcast."),
    ] = False
    after: Annotated[str, _text("TIME", f"Clicks from this time on, such as {MOMENT}.")] = ""
    before: Annotated[str, _text("TIME", "Clicks before this time.")] = ""
    channel: Annotated[str, _text("CHANNEL", "Clicks in messages of this channel.")] = ""
    agent: Annotated[str, _text("NAME", "Clicks in broadcasts by this agent.")] = ""

    def to_filter(self) -> "ClickFilter":
        """The filter. Raises BadParameter for a value that can't be used."""
        from clarion import config
        from clarion.clicks.filters import ClickFilter
        from clarion.records.filters import FilterError

        conditions = {field.name: getattr(self, field.name) or "" for field in fields(self)}
        conditions["event"] = "open" if conditions.pop("opens") else ""
        conditions["first"] = "yes" if self.first else ""
        try:
            return ClickFilter.from_query(conditions, zone=config.load().time_zone)
        except FilterError as error:
            option = f"--{error.field.replace('_', '-')}"
            raise typer.BadParameter(str(error), param_hint=option) from None


Limit = Annotated[
    int, typer.Option(min=1, max=MOST_ROWS, metavar="N", help="Show at most this many.")
]
File = Annotated[Path, typer.Argument(metavar="FILE", help="The CSV file; - for stdout.")]

app = App("Clicks on tracked links, and opened e-mails.", cls=ListGroup)


@app.command(
    "list",
    examples=[
        "clarion clicks list --user u4711",
        "clarion clicks list --broadcast 42 --clicked-by person --first",
        "clarion clicks list --broadcast 42 --opens",
    ],
)
@with_option_groups
@uses_django
def list_clicks(filters: FilterOptions, limit: Limit = 100, as_json: AsJson = False) -> None:
    """List clicks or opens, newest first. Several filters can be combined."""
    wanted = filters.to_filter()
    if as_json:
        print_json([_document(row) for row in _rows(wanted, limit)])
    else:
        _show(list(_rows(wanted, limit + 1)), limit)


@app.command("export", examples=["clarion clicks export december.csv --after 2026-12-01T00:00"])
@with_option_groups
@uses_django
def export_clicks(file: File, filters: FilterOptions) -> None:
    """Write all clicks or opens that match to a CSV file, however many."""
    from clarion.accounts import audit
    from clarion.clicks.rows import export_csv

    wanted = filters.to_filter()
    audit.note_export("clicks", acting(), wanted.to_query())
    with whole(file) as out:
        for chunk in export_csv(wanted):
            out.write(chunk)
    if file != STDOUT:
        print_note(f"Wrote the clicks to {file}.")


def _rows(wanted: "ClickFilter", limit: int) -> "Iterator[ClickRow]":
    from clarion.clicks.rows import search
    from clarion.kit.paging import first_rows

    return first_rows(limit, lambda cursor, size: search(wanted, cursor, limit=size))


def _show(rows: "list[ClickRow]", limit: int) -> None:
    if not rows:
        print_line("No clicks match.")
        return
    print_table(
        ["TIME", "BROADCAST", "USER", "NAME", "CHANNEL", "BY", "LINK"],
        [
            [
                row.recorded_at, str(row.broadcast_id), row.user_id, row.name, row.channel,
                row.clicked_by, "(e-mail opened)" if row.event == "open" else row.target,
            ]
            for row in rows[:limit]
        ],
    )  # fmt: skip
    if len(rows) > limit:
        print_cut(limit, ", or clarion clicks export to write all of them")


def _document(row: "ClickRow") -> dict[str, Any]:
    return {
        "id": row.id,
        "clicked_at": row.recorded_at,
        "broadcast": row.broadcast_id,
        "title": row.broadcast,
        "channel": row.channel,
        "kind": row.kind,
        "chat": row.chat,
        "user": row.user_id,
        "name": row.name,
        "event": row.event,
        "link": row.link_id if row.event == "click" else None,
        "target": row.target,
        "clicked_by": row.clicked_by,
        "sign": row.sign,
    }
