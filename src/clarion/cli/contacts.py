"""``clarion contacts``: listing and importing contacts.

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
from clarion.cli.options import REPEATABLE, AsJson, IdColumn, Limit
from clarion.cli.output import counted, print_cut, print_json, print_line, print_note, print_table
from clarion.cli.progress import progress

if TYPE_CHECKING:
    from clarion.contacts.models import Import
    from clarion.contacts.search import ContactRow

app = App("The contacts you send to.")
FileTags = Annotated[
    list[str] | None,
    typer.Option("--tag", metavar="TAG", help=f"A tag for every contact in the file. {REPEATABLE}"),
]
HaveWritten = Annotated[
    bool,
    typer.Option(
        "--have-written",
        help="All contacts in the file have written to the channel, for example started the bot.",
    ),
]
ColumnMap = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="TITLE=TARGET",
        help="What a column becomes: name, language, time_zone, tags, has_written, wrote_at, "
        "ignore, address:CHANNEL, consent:NAME, attribute:NAME or attribute:TYPE:NAME. "
        f"{REPEATABLE}",
    ),
]
Mode = Annotated[
    str,
    typer.Option(
        "--mode",
        metavar="MODE",
        help="both, add (only contacts that are new) or update (only those that exist).",
    ),
]
Keep = Annotated[bool, typer.Option("--keep", help="Keep the values that existing contacts have.")]


@app.command(
    "list",
    examples=[
        "clarion contacts list --where city=Bonn --where 'age>=30'",
        "clarion contacts list --channel shop --tag vip --search ada",
    ],
)
@uses_django
def list_contacts(
    search: Annotated[
        str, typer.Option(metavar="TEXT", help="Part of a name, or the beginning of a user id.")
    ] = "",
    channel: Annotated[
        str, typer.Option(metavar="CHANNEL", help="Only contacts on this channel.")
    ] = "",
    tag: Annotated[str, typer.Option(metavar="TAG", help="Only contacts with this tag.")] = "",
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CONDITION",
            help="Only contacts for whom this is true: city=Bonn, city!=Bonn, city~Bo, "
            f"'age>30', 'joined<2026-05-01', city or !city. {REPEATABLE}",
        ),
    ] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List contacts, newest first. Several filters can be combined."""
    from clarion.channels.manage import get_channel
    from clarion.contacts.attribute_filters import AttributeFilter, ConditionError
    from clarion.contacts.search import contact_list
    from clarion.contacts.tags import find_tag

    try:
        attributes = [AttributeFilter.parse(condition) for condition in where or ()]
    except ConditionError as error:
        raise typer.BadParameter(str(error), param_hint="--where") from None
    page = contact_list(
        q=search,
        channel=get_channel(channel) if channel else None,
        tag=find_tag(tag) if tag else None,
        attributes=attributes,
        limit=limit,
    )
    if as_json:
        print_json([_listed(row) for row in page.rows])
    elif not page.rows:
        print_line("No contacts match.")
    else:
        print_table(
            ["CONTACT", "NAME", "ADDRESSES", "TAGS", "ADDED"],
            [
                [
                    str(row.id),
                    row.name,
                    ", ".join(f"{address.value} on {address.channel}" for address in row.addresses),
                    ", ".join(row.tags),
                    row.created_at,
                ]
                for row in page.rows
            ],
        )
        if page.next:
            print_cut(limit)


def _listed(row: "ContactRow") -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "addresses": [
            {
                "chat": address.id,
                "channel": address.channel,
                "user": address.value,
                "state": address.state,
            }
            for address in row.addresses
        ],
        "tags": row.tags,
        "created_at": row.created_at,
    }


@app.command(
    "import",
    examples=[
        "clarion contacts import people.csv --channel shop --dry-run",
        "clarion contacts import people.csv --channel shop --id-column customer --tag spring",
    ],
)
@uses_django
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file with a header row.")],
    channel: Annotated[
        str, typer.Option(metavar="CHANNEL", help="The channel that the user ids belong to.")
    ],
    id_column: IdColumn = None,
    tag: FileTags = None,
    have_written: HaveWritten = False,
    column: ColumnMap = None,
    mode: Mode = "both",
    keep: Keep = False,
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
    from clarion.contacts.imports import import_contacts, read_choices

    began = time.monotonic()
    on = get_channel(channel)
    choices = read_choices(file, on, id_column, column or (), mode, keep=keep)
    with progress("Checking" if dry_run else "Importing") as update:
        done = import_contacts(
            file,
            channel=on,
            id_column=id_column,
            tags=tag or [],
            have_written=have_written,
            choices=choices,
            dry_run=dry_run,
            rejects=rejects,
            progress=lambda row: update(row.bytes_done, row.bytes_total, f"{row.lines:,} lines"),
            by=acting(),
        )
    _report(done, rejects, time.monotonic() - began, as_json)


@app.command("undo-import", examples=["clarion contacts undo-import 12"])
@uses_django
def undo_import(
    number: Annotated[
        int, typer.Argument(metavar="IMPORT", min=1, help="The id that the import printed.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask for confirmation.")] = False,
    as_json: AsJson = False,
) -> None:
    """Undo an import: delete what it added and nothing happened to, restore what it changed."""
    from clarion.cli.failures import Failed
    from clarion.contacts.import_undo import kept_file, request_undo, undo_next
    from clarion.contacts.models import Import

    row = Import.objects.filter(pk=number).first()
    if row is None:
        raise Failed(f"There is no import {number}.")
    if not yes:
        typer.confirm(
            f"Undo the import of “{row.filename}”? It added {counted(row.created, 'contact')} and "
            f"updated {row.updated:,}. This can't be undone.",
            abort=True,
        )
    request_undo(row, by=acting())
    while undo_next(lambda: False):
        pass
    row.refresh_from_db()
    path = str(kept_file(row) or "")
    if as_json:
        print_json(
            {
                "import": row.pk,
                "deleted": row.undo_removed,
                "restored": row.undo_restored,
                "kept": row.undo_kept,
                "kept_file": path or None,
            }
        )
        return
    print_line(
        f"Deleted {counted(row.undo_removed, 'contact')}, restored {row.undo_restored:,}; "
        f"{row.undo_kept:,} could not be undone."
    )
    if path:
        print_note(f"What could not be undone and why is in {path}.")


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
        f"{done.updated:,} updated, {done.unchanged:,} unchanged, {done.skipped:,} skipped, "
        f"{done.repeated:,} repeated, {done.rejected:,} rejected."
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
        "have_written": done.have_written,
        "dry_run": done.dry_run,
        "lines": done.lines,
        "created": done.created,
        "updated": done.updated,
        "unchanged": done.unchanged,
        "skipped": done.skipped,
        "repeated": done.repeated,
        "rejected": done.rejected,
        "rejects_file": path or None,
        "seconds": round(seconds, 3),
    }
