"""``clarion tags``: labels on contacts, given and taken by hand."""

from typing import Annotated

import typer

from clarion.cli.django_setup import uses_django
from clarion.cli.output import print_json, print_line, print_table

app = typer.Typer(help="Labels on contacts.", no_args_is_help=True)
Names = Annotated[list[str], typer.Argument(metavar="TAG…", help="One or more tags.")]
On = Annotated[str, typer.Option(metavar="C", help="Where the user ids belong to.")]
Users = Annotated[list[str], typer.Option(metavar="ID", help="A user id; repeatable.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command("list")
@uses_django
def list_tags(as_json: AsJson = False) -> None:
    """List all tags and how many contacts have them."""
    from clarion.contacts.tags import tag_counts

    found = tag_counts()
    if as_json:
        print_json([{"name": one.name, "contacts": one.contacts} for one in found])
    elif not found:
        print_line("No tag yet: clarion contacts import … --tag T, or clarion tags assign T …")
    else:
        print_table(["TAG", "CONTACTS"], [[one.name, one.contacts] for one in found])


@app.command()
@uses_django
def assign(names: Names, channel: On, user: Users, as_json: AsJson = False) -> None:
    """Give people tags; the triggers on these tags fire."""
    from clarion.accounts.audit import COMMAND_LINE
    from clarion.contacts import tags

    new = tags.assign(names, _people(channel, user), by=COMMAND_LINE)
    if as_json:
        print_json({"assigned": new})
    else:
        print_line(
            f"Assigned {new:,} times; {len(set(user)) * len(set(names)) - new:,} had it already."
        )


@app.command()
@uses_django
def remove(names: Names, channel: On, user: Users, as_json: AsJson = False) -> None:
    """Take tags from people."""
    from clarion.accounts.audit import COMMAND_LINE
    from clarion.contacts import tags

    gone = tags.remove(names, _people(channel, user), by=COMMAND_LINE)
    if as_json:
        print_json({"removed": gone})
    else:
        print_line(f"Removed {gone:,} times.")


def _people(channel: str, users: list[str]) -> list[int]:
    from clarion.cli.when import find_address

    return sorted({find_address(channel, user).contact_id for user in users})
