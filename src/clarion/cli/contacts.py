"""``clarion contacts``: people and how they get in."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clarion.cli.django_setup import uses_django
from clarion.cli.failures import Failed
from clarion.cli.output import print_json, print_line, print_note
from clarion.cli.progress import progress

if TYPE_CHECKING:
    from clarion.contacts.models import Import

app = typer.Typer(help="People and how they get in.", no_args_is_help=True)


@app.callback()
def contacts() -> None:
    """People and how they get in."""


@app.command("import")
@uses_django
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="UTF-8, with a title line.")],
    channel: Annotated[str, typer.Option(metavar="NAME", help="Where the ids belong to.")],
    id_column: Annotated[
        str | None,
        typer.Option(metavar="C", help="The column of user ids; found by itself if unambiguous."),
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option(metavar="T", help="Give everyone this tag; repeatable.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check every line, change nothing.")
    ] = False,
    rejects: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write rejected lines and reasons here.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Import contacts. Every column but the id becomes an attribute: {{ contact.column }}."""
    from clarion.accounts.audit import COMMAND_LINE
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
            progress=lambda now: update(now.bytes_done, now.bytes_total, f"{now.lines:,} lines"),
            by=COMMAND_LINE,
        )
    _report(done, rejects, time.monotonic() - began, as_json)


def _report(done: "Import", rejects: Path | None, seconds: float, as_json: bool) -> None:
    from clarion.contacts.imports import rejects_file as stored_rejects

    rejects_file = str(rejects or stored_rejects(done) or "")
    if done.state == done.State.FAILED:
        raise Failed(done.error)
    if as_json:
        print_json(_document(done, rejects_file, seconds))
        return
    verb = "Checked" if done.dry_run else "Imported"
    print_line(
        f"{verb} {done.lines:,} lines in {seconds:.1f} s: {done.created:,} new, "
        f"{done.updated:,} known already, {done.rejected:,} rejected."
    )
    if done.rejected and rejects_file:
        print_note(f"The rejected lines and their reasons are in {rejects_file}.")
    if done.dry_run:
        print_note("Nothing was changed: this was a dry run.")


def _document(done: "Import", rejects_file: str, seconds: float) -> dict[str, Any]:
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
        "rejected": done.rejected,
        "rejects_file": rejects_file if done.rejected else None,
        "seconds": round(seconds, 3),
    }
