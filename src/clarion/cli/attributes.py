"""``clarion attributes``: the names and types of what is known of contacts."""

from typing import Annotated

import typer

from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.django_setup import uses_django
from clarion.cli.options import AsJson
from clarion.cli.output import counted, print_json, print_line, print_note, print_table

app = App("Attributes of contacts.")
Name = Annotated[str, typer.Argument(metavar="ATTRIBUTE", help="The attribute.")]
TypeName = Annotated[
    str, typer.Argument(metavar="TYPE", help="One of: text, number, date, yes_no, list.")
]


@app.command("list")
@uses_django
def list_attributes(as_json: AsJson = False) -> None:
    """List the attributes, their types, how many contacts have each, and what uses it."""
    from clarion.contacts.attribute_changes import attribute_list

    rows = attribute_list()
    if as_json:
        print_json(
            [
                {
                    "name": row.attribute.name,
                    "type": row.attribute.type or None,
                    "contacts": row.contacts,
                    "estimated": row.about,
                    "used_by": row.uses,
                }
                for row in rows
            ]
        )
    elif not rows:
        print_line(
            "There are no attributes yet. Declare one with: clarion attributes add NAME TYPE"
        )
    else:
        print_table(
            ["ATTRIBUTE", "TYPE", "CONTACTS", "USED BY"],
            [
                [
                    row.attribute.name,
                    row.attribute.get_type_display() or "not declared",
                    f"about {row.contacts:,}" if row.about else f"{row.contacts:,}",
                    row.uses,
                ]
                for row in rows
            ],
        )


@app.command(examples=["clarion attributes add birthday date"])
@uses_django
def add(name: Name, type_: TypeName, as_json: AsJson = False) -> None:
    """Declare an attribute. Values that contacts get from then on must fit its type."""
    from clarion.contacts.attribute_changes import declare

    attribute = declare(name, type_, by=acting())
    if as_json:
        print_json({"name": attribute.name, "type": attribute.type})
    else:
        print_line(f"Declared “{attribute.name}” as {attribute.get_type_display().lower()}.")


@app.command(examples=["clarion attributes rename town city"])
@uses_django
def rename(
    name: Name,
    new_name: Annotated[str, typer.Argument(metavar="NAME", help="Its new name.")],
    as_json: AsJson = False,
) -> None:
    """Rename an attribute in all contacts and conditions. Refused while a text shows it."""
    from clarion.contacts.attribute_changes import find_attribute
    from clarion.contacts.attribute_changes import rename as change

    renamed = change(find_attribute(name), new_name, by=acting())
    if as_json:
        print_json({"name": renamed.name})
    else:
        print_line(f"The attribute is called “{renamed.name}” now.")


@app.command("type", examples=["clarion attributes type age number"])
@uses_django
def set_type(
    name: Name,
    type_: TypeName,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask for confirmation.")] = False,
    as_json: AsJson = False,
) -> None:
    """Change the type of an attribute. Asks first when there are values that don't fit."""
    from clarion.contacts.attribute_changes import change_type, find_attribute, preview

    attribute = find_attribute(name)
    expected = preview(attribute, type_)
    if expected.misfits and not yes:
        for misfit in expected.examples:
            print_note(f"#{misfit.contact}: {misfit.why}")
        sample = " of a sample" if expected.about else ""
        typer.confirm(
            f"{expected.misfits:,} of {counted(expected.values, 'value')}{sample} will stay as "
            "they are, and no condition that needs the type will match them. Change the type?",
            abort=True,
        )
    misfits = change_type(attribute, type_, by=acting())
    if as_json:
        print_json({"name": attribute.name, "type": type_, "misfits": misfits})
    else:
        rest = f" {counted(misfits, 'value')} stayed as before." if misfits else ""
        print_line(f"Changed the type of “{attribute.name}”.{rest}")


@app.command(examples=["clarion attributes delete old --yes"])
@uses_django
def delete(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask for confirmation.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete an attribute and all its values. Refused while something uses it."""
    from clarion.contacts.attribute_changes import delete as delete_for_good
    from clarion.contacts.attribute_changes import find_attribute

    attribute = find_attribute(name)
    if not yes:
        typer.confirm(
            f"Delete “{attribute.name}”? All contacts lose their value. This can't be undone.",
            abort=True,
        )
    contacts = delete_for_good(attribute, by=acting())
    if as_json:
        print_json({"deleted": name, "contacts": contacts})
    else:
        print_line(f"Deleted. {counted(contacts, 'contact')} had it.")
