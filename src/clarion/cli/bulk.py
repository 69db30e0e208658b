"""``clarion bulk``: one change to many contacts.

The command does the change itself, step by step; with ``--queue``, a worker does. Either way it may
be interrupted: a worker continues.
"""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.django_setup import uses_django
from clarion.cli.failures import Failed
from clarion.cli.options import REPEATABLE, AsJson, Limit
from clarion.cli.output import (
    counted,
    print_facts,
    print_json,
    print_line,
    print_note,
    print_table,
)  # fmt: skip
from clarion.cli.progress import progress

if TYPE_CHECKING:
    from clarion.bulk.models import BulkAction
    from clarion.bulk.selection import Selection

app = App("Change many contacts at once.")
Number = Annotated[int, typer.Argument(metavar="ID", help="The action's number.", min=1)]
Search = Annotated[
    str, typer.Option(metavar="TEXT", help="Part of a name, or the beginning of a user id.")
]
Channel = Annotated[str, typer.Option(metavar="CHANNEL", help="Only contacts on this channel.")]
Tag = Annotated[str, typer.Option(metavar="TAG", help="Only contacts with this tag.")]
Where = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CONDITION", help=f"Only contacts of whom this is true, as city=Bonn. {REPEATABLE}"
    ),
]
Contact = Annotated[
    list[int] | None,
    typer.Option(metavar="ID", help=f"This contact, by its id. {REPEATABLE}"),
]
_POLL = 0.5  # seconds between looks at what a worker does
_CHANGES = "--add-tag, --remove-tag, --give, --withdraw or --delete"


@app.command(
    examples=[
        "clarion bulk start --add-tag vip --where city=Bonn",
        "clarion bulk start --give newsletter --proof 'Fair in Bonn, 12 May' --tag fair",
        "clarion bulk start --delete --tag old --queue",
    ]
)
@uses_django
def start(
    add_tag: Annotated[
        list[str] | None, typer.Option(metavar="TAG", help=f"Add this tag. {REPEATABLE}")
    ] = None,
    remove_tag: Annotated[
        list[str] | None, typer.Option(metavar="TAG", help=f"Remove this tag. {REPEATABLE}")
    ] = None,
    give: Annotated[str, typer.Option(metavar="CONSENT", help="Give this consent.")] = "",
    withdraw: Annotated[str, typer.Option(metavar="CONSENT", help="Withdraw this consent.")] = "",
    proof: Annotated[
        str, typer.Option(metavar="TEXT", help="What proves that contacts gave or withdrew it.")
    ] = "",
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete the contacts. This can't be undone.")
    ] = False,
    suppress: Annotated[
        bool,
        typer.Option(help="With --delete: keep all their user ids on the suppression list."),
    ] = True,
    search: Search = "",
    channel: Channel = "",
    tag: Tag = "",
    where: Where = None,
    contact: Contact = None,
    queue: Annotated[bool, typer.Option("--queue", help="Leave the work to a worker.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask for confirmation.")] = False,
    as_json: AsJson = False,
) -> None:
    """Change the contacts that all filters find; without filters, all contacts."""
    from clarion.bulk import actions

    kind, options = _change(add_tag, remove_tag, give, withdraw, proof, delete, suppress)
    selection = _selection(search, channel, tag, where, contact)
    count = actions.count(selection)
    if not yes:
        question = f"{_QUESTIONS[kind]} {counted(count, 'contact')}?"
        if kind == "delete":
            question += " This can't be undone."
        typer.confirm(question, abort=True, err=True)
    action = actions.start(kind, selection, options, by=acting(), counted=count or None)
    if not queue:
        _carry_out(action)
    _report(action, as_json)


_QUESTIONS = {
    "tag": "Add tags to",
    "untag": "Remove tags from",
    "give": "Give the consent for",
    "withdraw": "Withdraw the consent of",
    "delete": "Delete",
}


def _change(
    add_tag: list[str] | None,
    remove_tag: list[str] | None,
    give: str,
    withdraw: str,
    proof: str,
    delete: bool,
    suppress: bool,
) -> tuple[str, dict[str, Any]]:
    """The kind of the action, and its options."""
    from clarion.bulk import acts
    from clarion.consents import manage

    chosen = {"tag": add_tag, "untag": remove_tag, "give": give, "withdraw": withdraw}
    kinds = [kind for kind, value in chosen.items() if value] + ["delete"] * delete
    if len(kinds) != 1:
        raise typer.BadParameter(f"Choose one of {_CHANGES}.", param_hint="--add-tag")
    [kind] = kinds
    if kind == "delete":
        return kind, acts.delete_options(suppress=suppress)
    if kind in ("tag", "untag"):
        return kind, acts.tag_options(add_tag or remove_tag or [])
    return kind, acts.consent_options(manage.find(give or withdraw), proof=proof)


def _selection(
    search: str, channel: str, tag: str, where: list[str] | None, contact: list[int] | None
) -> "Selection":
    from clarion.bulk.selection import Selection
    from clarion.channels.manage import get_channel
    from clarion.contacts.attribute_filters import AttributeFilter, ConditionError
    from clarion.contacts.tags import find_tag

    if contact:
        if search or channel or tag or where:
            raise typer.BadParameter("Use --contact without filters.", param_hint="--contact")
        return Selection.of_ids(contact)
    try:
        attributes = tuple(AttributeFilter.parse(condition) for condition in where or ())
    except ConditionError as error:
        raise typer.BadParameter(str(error), param_hint="--where") from None
    return Selection(
        None,
        search.strip(),
        get_channel(channel).pk if channel else None,
        find_tag(tag).pk if tag else None,
        attributes,
    )


def _carry_out(action: "BulkAction") -> None:
    """Do it here; where a worker was faster, wait for it."""
    from clarion.bulk import actions

    with progress("Contacts") as update:

        def show(row: "BulkAction") -> None:
            update(row.done, row.total, f"{row.done:,} of {row.total:,}")

        if not actions.carry_out(action, show):
            while action.state in action.OPEN:
                time.sleep(_POLL)
                action.refresh_from_db()
                show(action)


@app.command("list")
@uses_django
def list_actions(limit: Limit = 50, as_json: AsJson = False) -> None:
    """List bulk actions, newest first."""
    from clarion.bulk.models import BulkAction

    rows = list(BulkAction.objects.order_by("-pk")[:limit])
    if as_json:
        print_json([_document(row) for row in rows])
    elif not rows:
        print_line("There are no bulk actions.")
    else:
        columns = ("id", "action", "state", "done", "total", "by", "created_at")
        documents = [_document(row) for row in rows]
        print_table(
            [name.upper().replace("_", " ") for name in columns],
            [[document[name] for name in columns] for document in documents],
        )


@app.command(examples=["clarion bulk show 3"])
@uses_django
def show(action: Number, as_json: AsJson = False) -> None:
    """Show how far an action is, and its result."""
    _report(_find(action), as_json)


@app.command(examples=["clarion bulk cancel 3"])
@uses_django
def cancel(action: Number, as_json: AsJson = False) -> None:
    """Stop an action. Contacts that are changed already stay changed."""
    from clarion.bulk import actions

    row = _find(action)
    actions.cancel(row, by=acting())
    _report(row, as_json)


@app.command(examples=["clarion bulk export bonn.csv --where city=Bonn"])
@uses_django
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The CSV file to write.")],
    search: Search = "",
    channel: Channel = "",
    tag: Tag = "",
    where: Where = None,
    contact: Contact = None,
) -> None:
    """Write the contacts that all filters find to a CSV file."""
    from clarion.accounts import audit
    from clarion.bulk.export import export_csv

    selection = _selection(search, channel, tag, where, contact)
    with file.open("wb") as out:
        audit.note_export("contacts", acting(), ", ".join(selection.words()))
        for piece in export_csv(selection):
            out.write(piece)
    print_note(f"Written to {file}.")


def _find(number: int) -> "BulkAction":
    from clarion.bulk.models import BulkAction
    from clarion.kit.numbers import is_id

    row = BulkAction.objects.filter(pk=number).first() if is_id(number) else None
    if row is None:
        raise Failed(f"There is no bulk action {number}. List them with: clarion bulk list")
    return row


def _document(action: "BulkAction") -> dict[str, Any]:
    return {
        "id": action.pk,
        "action": action.kind,
        "state": str(action.state),
        "total": action.total,
        "done": action.done,
        "changed": action.changed,
        "unchanged": action.unchanged,
        "refused": action.refused,
        "refusals": [
            {"reason": reason, "count": count, "contacts": contacts}
            for reason, count, contacts in action.refusals
        ],
        "error": action.error,
        "by": action.actor,
        "created_at": action.created_at,
        "finished_at": action.finished_at,
    }


def _report(action: "BulkAction", as_json: bool) -> None:
    document = _document(action)
    if as_json:
        print_json(document)
        return
    refusals = document.pop("refusals")
    print_facts([(name.replace("_", " "), value) for name, value in document.items()])
    for refusal in refusals:
        print_line(f"{counted(refusal['count'], 'contact')} refused: {refusal['reason']}")
    if action.state == action.State.FAILED:
        raise Failed(action.error)
