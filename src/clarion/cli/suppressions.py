"""``clarion suppressions``: addresses and patterns of addresses to which nothing is sent."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.django_setup import uses_django
from clarion.cli.options import AsJson, Limit
from clarion.cli.output import counted, print_json, print_line, print_note, print_table
from clarion.cli.progress import progress

if TYPE_CHECKING:
    from clarion.contacts.suppressions.listing import Listed

app = App("The suppression list: addresses to which nothing is sent.")

Patterns = Annotated[
    list[str],
    typer.Argument(
        metavar="ADDRESS", help="An address, or a pattern such as *@example.com or +4479*."
    ),
]
Kind = Annotated[
    str, typer.Option(metavar="KIND", help="The channel kind it is about, such as email.")
]
ReasonName = Literal["blocked", "gone", "bounced", "complained", "opted_out"]
Reason = Annotated[ReasonName, typer.Option(help="Why nothing is sent.")]
OnlyReason = Annotated[
    ReasonName | None, typer.Option("--reason", help="Only those with this reason.")
]
OnlyKind = Annotated[
    str, typer.Option("--kind", metavar="KIND", help="Only those of this channel kind.")
]
Search = Annotated[
    str, typer.Option(metavar="TEXT", help="Only those whose address contains this text.")
]
Note = Annotated[str, typer.Option(metavar="TEXT", help="A note for your colleagues.")]


@app.command("list")
@uses_django
def list_suppressions(
    search: Search = "",
    reason: OnlyReason = None,
    kind: OnlyKind = "",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List the entries, newest first, then addresses that opted out or can't be reached."""
    from clarion.contacts.suppressions.listing import Wanted, suppression_list

    page = suppression_list(Wanted(search, reason or "", kind), limit=limit)
    if as_json:
        print_json([_document(row) for row in page.rows])
        return
    if not page.rows:
        print_line("Nothing is on the suppression list.")
        return
    print_table(
        ["ADDRESS", "KIND", "REASON", "SOURCE", "CHANNEL", "ADDRESSES", "NOTE"],
        [
            [row.pattern, ", ".join(row.all_kinds), row.reason_label, row.source_label,
             row.channel, row.stops, row.note]
            for row in page.rows
        ],
    )  # fmt: skip
    if page.next_cursor:
        print_note("There are more. Narrow the list with --search, --reason or --kind.")


@app.command(
    examples=[
        'clarion suppressions add "*@example.com" --kind email --reason blocked --note "Competitor"'
    ]
)
@uses_django
def add(
    patterns: Patterns,
    kind: Kind,
    reason: Reason = "blocked",
    note: Note = "",
    as_json: AsJson = False,
) -> None:
    """Put addresses or patterns on the list. Nothing is sent to them from now on."""
    from clarion.contacts.suppressions import entries

    stored = [
        entries.add(pattern, kind=kind, reason=reason, note=note, by=acting())
        for pattern in patterns
    ]
    if as_json:
        print_json(
            [
                {"id": entry.pk, "address": entry.pattern, "kind": entry.kind,
                 "reason": entry.reason, "note": entry.note, "addresses": stops}
                for entry, stops in stored
            ]
        )  # fmt: skip
        return
    for entry, stops in stored:
        print_line(
            f"{entry.pattern} is on the list. It matches {counted(stops, 'address', 'addresses')}."
        )


@app.command(examples=["clarion suppressions remove ada@example.com --kind email --yes"])
@uses_django
def remove(
    patterns: Patterns,
    kind: Kind,
    reachable: Annotated[
        bool,
        typer.Option("--reachable", help="Make addresses that bounced active again."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask for confirmation.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove entries. Later broadcasts are sent to their addresses again."""
    from clarion.contacts.suppressions import entries

    rows = [entries.find(pattern, kind) for pattern in patterns]
    count = sum(row.addresses.count() for row in rows)
    if not yes:
        typer.confirm(
            f"Remove {counted(len(rows), 'entry', 'entries')}? Broadcasts are sent to "
            f"{counted(count, 'address', 'addresses')} again.",
            abort=True,
            err=True,
        )
    removed = entries.remove(rows, reachable=reachable, by=acting())
    if as_json:
        print_json({"removed": removed, "addresses": count})
    else:
        print_line(f"{counted(removed, 'entry', 'entries')} removed.")


@app.command(
    "import",
    examples=["clarion suppressions import bounces.csv --kind email --reason gone"],
)
@uses_django
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file with a header row.")],
    kind: Annotated[
        str, typer.Option(metavar="KIND", help="The channel kind of lines that name none.")
    ] = "",
    reason: Annotated[
        ReasonName | None, typer.Option(help="The reason of lines that name none.")
    ] = None,
    rejects: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the rejected lines to this CSV file."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put the addresses and patterns of a CSV file on the list."""
    from clarion.contacts.suppressions.files import import_entries

    with progress("Importing") as update:
        outcome = import_entries(
            file,
            kind=kind,
            reason=reason or "",
            rejects=rejects,
            progress=lambda done, total: update(done, total, ""),
            by=acting(),
        )
    if as_json:
        print_json(
            {"lines": outcome.lines, "added": outcome.added, "known": outcome.known,
             "rejected": outcome.rejected}
        )  # fmt: skip
        return
    print_line(
        f"{counted(outcome.lines, 'line')}: {outcome.added:,} added, {outcome.known:,} on the list "
        f"already, {outcome.rejected:,} rejected."
    )
    for reject in outcome.first_rejects[:10]:
        print_note(f"line {reject.line}: {reject.value}: {reject.reason}")


@app.command(examples=["clarion suppressions export suppressions.csv --kind email"])
@uses_django
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The CSV file to write.")],
    search: Search = "",
    reason: OnlyReason = None,
    kind: OnlyKind = "",
) -> None:
    """Write the list to a CSV file, in the form that import reads."""
    from clarion import config
    from clarion.accounts import audit
    from clarion.contacts.suppressions.listing import Wanted, export_csv

    wanted = Wanted(search, reason or "", kind)
    audit.note_export("suppressions", acting(), only=wanted.to_query())
    with file.open("wb") as out:
        for part in export_csv(wanted, config.load().time_zone):
            out.write(part)
    print_line(f"The suppression list is in {file}.")


def _document(row: "Listed") -> dict[str, Any]:
    return {
        "id": row.id,
        "address": row.pattern,
        "kind": row.kind,
        "kinds": list(row.all_kinds),
        "reason": row.reason,
        "source": row.source,
        "channel": row.channel,
        "contact": row.contact_id,
        "addresses": row.stops,
        "note": row.note,
        "by": row.by,
        "at": row.at,
    }
