"""``clarion retention``: what is past its days, and deleting it."""

from datetime import timedelta
from typing import Annotated, Any

import typer

from clarion.cli.django_setup import uses_django
from clarion.cli.output import print_json, print_line, print_note, print_table

app = typer.Typer(
    help="What will be deleted because it is long over, and when.", no_args_is_help=True
)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
LISTED = 100


@app.command()
@uses_django
def show(
    days: Annotated[
        int, typer.Option(min=0, max=36_500, help="What goes within so many days from now.")
    ] = 30,
    as_json: AsJson = False,
) -> None:
    """Say what will be deleted, when, and how many records go with it."""
    from clarion.broadcasts import retention
    from clarion.kit import clock

    until = clock.now() + timedelta(days=days)
    told = retention.summary(until)
    due = retention.due(until, limit=None if as_json else LISTED)
    rows = [
        {
            "id": one.broadcast.pk,
            "title": one.broadcast.title,
            "state": one.broadcast.state,
            "total": one.broadcast.total,
            "finished_at": one.broadcast.finished_at,
            "deleted_at": one.goes_at,
        }
        for one in due
    ]
    if as_json:
        print_json(
            {
                "retention_days": retention.days(),
                "until": until,
                "broadcasts": told.broadcasts,
                "records": told.records,
                "more_records": told.more,
                "due": rows,
            }
        )
        return
    _say(rows, told, days, retention.days())


def _say(rows: list[dict[str, Any]], told: Any, within: int, kept: int) -> None:
    if not kept:
        print_line("Nothing is ever deleted by itself: CLARION_RETENTION_DAYS is 0.")
        return
    print_line(
        f"Finished broadcasts are deleted {kept} days after they ended, with all their records."
    )
    if not rows:
        print_line(f"Nothing will be deleted within {within} days.")
        return
    more = "more than " if told.more else ""
    print_line(
        f"{_counted(told.broadcasts, 'broadcast')} with {more}{_counted(told.records, 'record')} "
        f"will be deleted within {within} days."
    )
    print_table(
        ["ID", "TITLE", "STATE", "PEOPLE", "FINISHED", "DELETED"],
        [
            [
                str(one["id"]), one["title"], one["state"], one["total"], one["finished_at"],
                one["deleted_at"],
            ]
            for one in rows
        ],
    )  # fmt: skip
    if told.broadcasts > len(rows):
        print_note(f"The first {len(rows)} are shown; --json has all.")


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


@app.command()
@uses_django
def run(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete now what is past its days, instead of waiting for the engine to do it."""
    from clarion.accounts.audit import COMMAND_LINE
    from clarion.broadcasts import retention
    from clarion.kit import clock

    told = retention.summary(clock.now())
    if told.broadcasts and not yes:
        more = "more than " if told.more else ""
        typer.confirm(
            f"Delete {_counted(told.broadcasts, 'broadcast')} with "
            f"{more}{_counted(told.records, 'record')} for good?",
            abort=True,
            err=True,
        )
    while retention.sweep(by=COMMAND_LINE):
        pass
    if told.broadcasts:
        print_line(f"Deleted: {_counted(told.broadcasts, 'broadcast')}, with all their records.")
    else:
        print_line("Nothing is past its days.")
