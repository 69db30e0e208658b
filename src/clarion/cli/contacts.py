"""``clarion contacts``: importing contacts.

An import runs in the process of the command. It needs no worker, the file can be anywhere on this
machine, and the result is there when the command ends; imports from the page are done by a worker.
"""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.django_setup import uses_django
from clarion.cli.options import REPEATABLE, AsJson, IdColumn
from clarion.cli.output import counted, print_json, print_line, print_note
from clarion.cli.progress import progress

if TYPE_CHECKING:
    from clarion.contacts.models import Import

app = App("The people you send to.")


@app.command(
    "import",
    examples=[
        "clarion contacts import people.csv --channel shop --dry-run",
        "clarion contacts import people.csv --channel shop --id-column customer --tag spring",
    ],
)
@uses_django
def import_file(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A CSV file in UTF-8 with a header row.")
    ],
    channel: Annotated[
        str, typer.Option(metavar="CHANNEL", help="The channel that the user ids belong to.")
    ],
    id_column: IdColumn = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(metavar="TAG", help=f"A tag for every contact in the file. {REPEATABLE}"),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check every line and change nothing.")
    ] = False,
    rejects: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write rejected lines and the reasons to this file."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Import contacts from a CSV file.

    Contacts that exist already are updated. Every column other than the id becomes an attribute,
    which texts show as {{ contact.COLUMN }}.
    """
    from clarion.channels.manage import get_channel
    from clarion.contacts.imports import import_contacts

    began = time.monotonic()
    with progress("Checking" if dry_run else "Importing") as update:
        done = import_contacts(
            file,
            channel=get_channel(channel),
            id_column=id_column,
            tags=tag or [],
            dry_run=dry_run,
            rejects=rejects,
            progress=lambda row: update(row.bytes_done, row.bytes_total, f"{row.lines:,} lines"),
            by=acting(),
        )
    _report(done, rejects, time.monotonic() - began, as_json)


def _report(done: "Import", rejects: Path | None, seconds: float, as_json: bool) -> None:
    from clarion.contacts.imports import rejects_file

    left_out = done.rejected + done.repeated
    path = str(rejects or rejects_file(done) or "") if left_out else ""
    if as_json:
        print_json(_document(done, path, seconds))
        return
    verb = "Checked" if done.dry_run else "Imported"
    print_line(
        f"{verb} {counted(done.lines, 'line')} in {seconds:.1f} s: {done.created:,} new, "
        f"{done.updated:,} updated, {done.repeated:,} repeated, {done.rejected:,} rejected."
    )
    if path:
        print_note(f"The lines that were left out and the reasons are in {path}.")
    if done.dry_run:
        print_note("This was a dry run: nothing was changed.")


def _document(done: "Import", path: str, seconds: float) -> dict[str, Any]:
    return {
        "id": done.pk,
        "file": done.filename,
        "channel": done.channel.name,
        "id_column": done.id_column,
        "tags": done.tags,
        "dry_run": done.dry_run,
        "lines": done.lines,
        "created": done.created,
        "updated": done.updated,
        "repeated": done.repeated,
        "rejected": done.rejected,
        "rejects_file": path or None,
        "seconds": round(seconds, 3),
    }
