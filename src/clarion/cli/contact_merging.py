"""``clarion contacts``: merging two contacts by hand, undoing it, likely duplicates."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.django_setup import uses_django
from clarion.cli.failures import Failed
from clarion.cli.lookups import find_contact
from clarion.cli.options import AsJson, ContactName, Limit
from clarion.cli.output import print_json, print_line, print_note, print_table

if TYPE_CHECKING:
    from clarion.contacts.merges import Preview


def add_to(app: App) -> None:
    """Add the commands to those of contacts."""
    app.command(examples=["clarion contacts merge '#17' '#204'"])(merge)
    app.command(examples=["clarion contacts unmerge 3"])(unmerge)
    app.command()(merges)
    app.command()(duplicates)


@uses_django
def merge(
    contact: ContactName,
    other: Annotated[
        str,
        typer.Argument(
            metavar="OTHER", help="The contact to merge into it, named in the same way."
        ),
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask for confirmation.")] = False,
    as_json: AsJson = False,
) -> None:
    """Merge a contact into another one. Where both have a value, that of CONTACT counts."""
    from clarion.contacts import merges as merging

    kept, merged = find_contact(contact), find_contact(other)
    if not yes:
        _show(merging.preview(kept, merged))
        typer.confirm(f"Merge contact {merged.pk} into contact {kept.pk}?", abort=True)
    try:
        row = merging.merge(kept.pk, merged.pk, by=acting())
    except merging.MergeError as error:
        raise Failed(str(error)) from None
    if as_json:
        print_json({"merge": row.pk, "kept": kept.pk, "merged": merged.pk})
        return
    print_line(f"Contact {merged.pk} is merged into contact {kept.pk}.")
    print_note(f"Undo it within {merging.DAYS} days with: clarion contacts unmerge {row.pk}")


def _show(preview: "Preview") -> None:
    rows = [[row.name, row.kept, row.other, row.result] for row in preview.rows]
    tags = ["tags", *(", ".join(names) for names in preview.tags)]
    print_table(["", "CONTACT", "OTHER", "RESULT"], [*rows, tags])
    if preview.doubled:
        print_note(
            f"Both have an address on {', '.join(preview.doubled)}. Broadcasts there are still "
            "sent to each of the addresses."
        )


@uses_django
def unmerge(
    number: Annotated[int, typer.Argument(metavar="MERGE", min=1, help="The number of the merge.")],
    as_json: AsJson = False,
) -> None:
    """Undo a merge. What was changed since stays with the contact that was kept."""
    from clarion.contacts import merges as merging

    try:
        back = merging.undo(number, by=acting())
    except merging.MergeError as error:
        raise Failed(str(error)) from None
    if as_json:
        print_json({"merge": number, "contact": back.pk})
    else:
        print_line(f"Contact {back.pk} exists again.")


@uses_django
def merges(limit: Limit = 50, as_json: AsJson = False) -> None:
    """List the merges that can be undone, newest first."""
    from clarion.contacts.merges import undoable

    rows: list[dict[str, Any]] = [
        {"merge": row.pk, "kept": row.kept_id, "merged": row.gone_id, "name": row.gone_name,
         "at": row.created_at}
        for row in undoable()[:limit]
    ]  # fmt: skip
    if as_json:
        print_json(rows)
    elif not rows:
        print_line("There are no merges that can be undone.")
    else:
        headers = ["MERGE", "KEPT", "MERGED", "NAME", "AT"]
        print_table(headers, [list(row.values()) for row in rows])


@uses_django
def duplicates(limit: Limit = 50, as_json: AsJson = False) -> None:
    """List contacts that are likely one person, with the reason."""
    from clarion.contacts.duplicates import duplicates as find

    pairs = find(limit)
    if as_json:
        print_json(
            [{"contact": pair.first, "other": pair.second, "reason": pair.reason} for pair in pairs]
        )
    elif not pairs:
        print_line("No likely duplicates.")
    else:
        print_table(
            ["CONTACT", "NAME", "OTHER", "NAME", "REASON"],
            [
                [
                    f"#{pair.first}",
                    pair.first_name,
                    f"#{pair.second}",
                    pair.second_name,
                    pair.reason,
                ]
                for pair in pairs
            ],
        )
