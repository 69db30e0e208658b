"""``clarion retention``: which broadcasts are deleted when, and deleting them now."""

from datetime import timedelta
from typing import Annotated, Any

import typer

from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.django_setup import uses_django
from clarion.cli.options import AsJson
from clarion.cli.output import counted, print_json, print_line, print_note, print_table

app = App("Automatic deletion of old broadcasts.")
LISTED = 100


@app.command()
@uses_django
def show(
    days: Annotated[
        int, typer.Option(min=0, max=36_500, metavar="N", help="How many days ahead to look.")
    ] = 30,
    as_json: AsJson = False,
) -> None:
    """Show which broadcasts will be deleted, when, and with how many records."""
    from clarion.broadcasts import retention
    from clarion.kit import clock

    until = clock.now() + timedelta(days=days)
    summary = retention.summary(until)
    due = retention.due(until, limit=None if as_json else LISTED)
    rows = [
        {
            "id": removal.broadcast.pk,
            "title": removal.broadcast.title,
            "state": removal.broadcast.state,
            "total": removal.broadcast.total,
            "finished_at": removal.broadcast.finished_at,
            "deleted_at": removal.goes_at,
        }
        for removal in due
    ]
    if as_json:
        print_json(
            {
                "retention_days": retention.days(),
                "until": until,
                "broadcasts": summary.broadcasts,
                "records": summary.records,
                "more_records": summary.more,
                "due": rows,
            }
        )
        return
    _show(rows, summary, days, retention.days())


def _show(rows: list[dict[str, Any]], summary: Any, within: int, kept: int) -> None:
    if not kept:
        print_line("Broadcasts are never deleted automatically: CLARION_RETENTION_DAYS is 0.")
        return
    print_line(
        f"Broadcasts are deleted {counted(kept, 'day')} after they end, with all their records."
    )
    if not rows:
        print_line(f"Nothing will be deleted in the next {counted(within, 'day')}.")
        return
    print_line(f"{_amount(summary)} will be deleted in the next {counted(within, 'day')}.")
    print_table(
        ["ID", "TITLE", "STATE", "RECIPIENTS", "FINISHED", "DELETED"],
        [
            [
                str(row["id"]), row["title"], row["state"], row["total"], row["finished_at"],
                row["deleted_at"],
            ]
            for row in rows
        ],
    )  # fmt: skip
    if summary.broadcasts > len(rows):
        print_note(f"Only the first {len(rows)} are shown. Use --json to show all of them.")


@app.command()
@uses_django
def run(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask for confirmation.")] = False,
) -> None:
    """Delete expired broadcasts now, instead of waiting for a worker to do it."""
    from clarion.broadcasts import retention
    from clarion.kit import clock

    summary = retention.summary(clock.now())
    if summary.broadcasts and not yes:
        typer.confirm(
            f"Delete {_amount(summary)}? This can't be undone.",
            abort=True,
            err=True,
        )
    while retention.sweep(by=acting()):
        pass
    if summary.broadcasts:
        print_line(f"Deleted {counted(summary.broadcasts, 'broadcast')} with all records.")
    else:
        print_line("There is nothing to delete.")


def _amount(summary: Any) -> str:
    """How much will be deleted: “3 broadcasts with 1,204 records”."""
    more = "more than " if summary.more else ""
    records = counted(summary.records, "record")
    return f"{counted(summary.broadcasts, 'broadcast')} with {more}{records}"
