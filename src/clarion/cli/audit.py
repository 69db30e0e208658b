"""``clarion audit``: who changed what."""

from pathlib import Path
from typing import Annotated

import typer

from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.django_setup import uses_django
from clarion.cli.options import AsJson, parse_moment
from clarion.cli.output import print_cut, print_json, print_line, print_note, print_table
from clarion.cli.records import STDOUT, whole

app = App("The audit log.")
MOST = 10_000
By = Annotated[
    str, typer.Option("--by", metavar="NAME", help="Of this agent or token: the whole name.")
]
Action = Annotated[
    str, typer.Option(metavar="ACTION", help="Of this action, or one that begins so: `channel.`")
]
Object = Annotated[
    str, typer.Option("--object", metavar="OBJECT", help="About this, such as `broadcast 17`.")
]
After = Annotated[str, typer.Option(metavar="TIME", help="From this time on.")]
Before = Annotated[str, typer.Option(metavar="TIME", help="Before this time.")]


@app.command("list", examples=['clarion audit list --object "broadcast 17"'])
@uses_django
def list_entries(
    by: By = "",
    action: Action = "",
    subject: Object = "",
    after: After = "",
    before: Before = "",
    limit: Annotated[
        int, typer.Option(min=1, max=MOST, metavar="N", help="Show at most this many.")
    ] = 100,
    as_json: AsJson = False,
) -> None:
    """List what was changed and by whom, newest first."""
    from clarion.accounts.audit_log import Wanted, search

    since, until = parse_moment("--after", after), parse_moment("--before", before)
    rows = search(Wanted(by, action, subject, since, until), limit=limit + 1).rows
    shown = [
        {
            "id": entry.pk,
            "at": entry.at,
            "by": entry.actor,
            "action": entry.action,
            "object": entry.subject,
            "detail": entry.detail,
        }
        for entry in rows[:limit]
    ]
    if as_json:
        print_json(shown)
    elif not shown:
        print_line("No entries match.")
    else:
        columns = ["at", "by", "action", "object", "detail"]
        headers = ["WHEN", "BY", "ACTION", "OBJECT", "DETAILS"]
        table = [entry | {"detail": rows[at].detail_text} for at, entry in enumerate(shown)]
        print_table(headers, [[entry[column] for column in columns] for entry in table])
        if len(rows) > limit:
            print_cut(limit, ", or clarion audit export to write all of them")


@app.command("export", examples=["clarion audit export audit.csv --after 2026-12-01T00:00"])
@uses_django
def export_entries(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The CSV file; - for stdout.")],
    by: By = "",
    action: Action = "",
    subject: Object = "",
    after: After = "",
    before: Before = "",
) -> None:
    """Write all entries that match to a CSV file."""
    from clarion import config
    from clarion.accounts import audit
    from clarion.accounts.audit_log import Wanted, export_csv

    since, until = parse_moment("--after", after), parse_moment("--before", before)
    wanted = Wanted(by, action, subject, since, until)
    audit.note_export("audit log", acting(), wanted.to_query())
    with whole(file) as out:
        for chunk in export_csv(wanted, config.load().time_zone):
            out.write(chunk)
    if file != STDOUT:
        print_note(f"Wrote the audit log to {file}.")
