"""``clarion tags``: labels on contacts, assigned, removed and changed by hand."""

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
Name = Annotated[str, typer.Argument(metavar="TAG", help="The tag.")]
NewName = Annotated[str, typer.Argument(metavar="NAME", help="Its new name.")]
Users = Annotated[
    list[str],
    typer.Option("--user", metavar="ID", help=f"The contact's user id there. {REPEATABLE}"),
]


@app.command("list")
@uses_django
def list_tags(as_json: AsJson = False) -> None:
    """List the tags, how many contacts have each, and what uses it."""
    from clarion.contacts.tag_changes import uses
    from clarion.contacts.tags import tag_counts

    counts = tag_counts()
    using = {name: [use.words for use in tag_uses] for name, tag_uses in uses().items()}
    if as_json:
        print_json(
            [
                {"name": tag.name, "contacts": tag.contacts, "used_by": using.get(tag.name, [])}
                for tag in counts
            ]
        )
    elif not counts:
        print_line(
            "There are no tags yet. Assign one with: clarion tags assign TAG --channel CHANNEL "
            "--user ID"
        )
    else:
        print_table(
            ["TAG", "CONTACTS", "USED BY"],
            [[tag.name, tag.contacts, using.get(tag.name, [])] for tag in counts],
        )


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


@app.command(examples=["clarion tags rename vip 'key customer'"])
@uses_django
def rename(name: Name, new_name: NewName, as_json: AsJson = False) -> None:
    """Rename a tag. Contacts, broadcasts and segments that have it keep it."""
    from clarion.contacts import tag_changes
    from clarion.contacts.tags import find_tag

    renamed = tag_changes.rename(find_tag(name), new_name, by=acting())
    if as_json:
        print_json({"name": renamed.name})
    else:
        print_line(f"The tag is called “{renamed.name}” now.")


@app.command(examples=["clarion tags merge VIP vip"])
@uses_django
def merge(
    name: Name,
    into: Annotated[str, typer.Argument(metavar="INTO", help="The tag that is kept.")],
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask for confirmation.")] = False,
    as_json: AsJson = False,
) -> None:
    """Give everybody with a tag another one, then delete the first. What uses it follows."""
    from clarion.contacts import tag_changes
    from clarion.contacts.tags import find_tag

    tag, kept = find_tag(name), find_tag(into)
    if not yes:
        contacts = counted(tag.taggings.count(), "contact")
        typer.confirm(
            f"Merge “{tag.name}” ({contacts}) into “{kept.name}”? This can't be undone.", abort=True
        )
    new = tag_changes.merge(tag, kept, by=acting())
    if as_json:
        print_json({"name": kept.name, "new": new})
    else:
        print_line(f"Merged. {counted(new, 'contact')} newly with “{kept.name}”.")


@app.command(examples=["clarion tags delete old --yes"])
@uses_django
def delete(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask for confirmation.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete a tag. Refused while a broadcast or a segment uses it."""
    from clarion.contacts import tag_changes
    from clarion.contacts.tags import find_tag

    tag = find_tag(name)
    if not yes:
        contacts = counted(tag.taggings.count(), "contact")
        typer.confirm(
            f"Delete “{tag.name}”? {contacts} will no longer have it. This can't be undone.",
            abort=True,
        )
    removed = tag_changes.delete(tag, by=acting())
    if as_json:
        print_json({"deleted": name, "contacts": removed})
    else:
        print_line(f"Deleted. {counted(removed, 'contact')} had it.")


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
