"""``clarion tags``: labels on contacts, assigned and removed by hand."""

from collections.abc import Callable
from typing import Annotated

import typer

from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.django_setup import uses_django
from clarion.cli.lookups import find_address
from clarion.cli.options import REPEATABLE, AsJson, OfChannel
from clarion.cli.output import counted, print_json, print_line, print_table

app = App("Labels on contacts.")
Names = Annotated[list[str], typer.Argument(metavar="TAG", help="One or more tags.")]
Users = Annotated[
    list[str],
    typer.Option("--user", metavar="ID", help=f"The contact's user id there. {REPEATABLE}"),
]


@app.command("list")
@uses_django
def list_tags(as_json: AsJson = False) -> None:
    """List the tags and how many contacts have each."""
    from clarion.contacts.tags import tag_counts

    counts = tag_counts()
    if as_json:
        print_json([{"name": tag.name, "contacts": tag.contacts} for tag in counts])
    elif not counts:
        print_line(
            "There are no tags yet. Assign one with: clarion tags assign TAG --channel CHANNEL "
            "--user ID"
        )
    else:
        print_table(["TAG", "CONTACTS"], [[tag.name, tag.contacts] for tag in counts])


@app.command(examples=["clarion tags assign vip --channel shop --user 1001 --user 1002"])
@uses_django
def assign(names: Names, channel: OfChannel, user: Users, as_json: AsJson = False) -> None:
    """Assign tags to contacts. Triggers on these tags start."""
    from clarion.contacts import tags

    _change(tags.assign, "assigned", "assigned already", names, channel, user, as_json)


@app.command(examples=["clarion tags remove vip --channel shop --user 1001"])
@uses_django
def remove(names: Names, channel: OfChannel, user: Users, as_json: AsJson = False) -> None:
    """Remove tags from contacts."""
    from clarion.contacts import tags

    _change(tags.remove, "removed", "not assigned", names, channel, user, as_json)


def _change(
    change: Callable[..., int],
    done: str,
    else_: str,
    names: list[str],
    channel: str,
    users: list[str],
    as_json: bool,
) -> None:
    """Assign or remove, and print how many tags that was; ``else_``: what the others are."""

    contacts = sorted({find_address(channel, user).contact_id for user in users})
    changed = change(names, contacts, by=acting())
    if as_json:
        print_json({done: changed})
        return
    others = len(contacts) * len(set(names)) - changed
    verb = "was" if others == 1 else "were"
    rest = f" {others:,} {verb} {else_}." if others else ""
    print_line(f"{counted(changed, 'tag')} {done}.{rest}")
