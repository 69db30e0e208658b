"""``clarion layouts``: what stands around the content of e-mails."""

from typing import Annotated, Any

import typer

from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.content_options import read
from clarion.cli.django_setup import uses_django
from clarion.cli.options import AsJson
from clarion.cli.output import print_json, print_line, print_table

app = App("Layouts of e-mails: the header and footer around what a broadcast says.")
Which = Annotated[str, typer.Argument(metavar="LAYOUT", help="The layout's name or number.")]
Html = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT", help="The HTML, with {{ content }}. @FILE reads it from a UTF-8 file."
    ),
]
Postal = Annotated[
    str | None,
    typer.Option("--address", metavar="TEXT", help="The postal address. @FILE reads it."),
]
Default = Annotated[
    bool | None,
    typer.Option(
        "--default/--no-default", help="Use it where a broadcast chooses none.  [default: as it is]"
    ),
]


@app.command("list")
@uses_django
def list_layouts(as_json: AsJson = False) -> None:
    """List layouts by name."""
    from clarion.content.models import Layout

    layouts = list(Layout.objects.order_by("name"))
    if as_json:
        print_json([_facts(layout) for layout in layouts])
    elif not layouts:
        print_line("There are no layouts: the built-in one is used. Add one: clarion layouts save")
    else:
        rows = [[str(it.pk), it.name, "default" if it.is_default else ""] for it in layouts]
        print_table(["ID", "NAME", ""], rows)


@app.command()
@uses_django
def show(layout: Which, as_json: AsJson = False) -> None:
    """Print the HTML of a layout."""
    from clarion.content.mail.layouts import find_layout

    stored = find_layout(layout)
    if as_json:
        print_json(_facts(stored))
    else:
        print_line(stored.html)


@app.command(examples=["clarion layouts save Shop --html @shop.html --address @shop.txt"])
@uses_django
def save(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The layout's name.")],
    html: Html = None,
    address: Postal = None,
    default: Default = None,
    as_json: AsJson = False,
) -> None:
    """Add a layout, or change the one of this name. Options that you leave out keep their values.

    A new layout without --html begins as the built-in one.
    """
    from clarion.content.mail.layouts import built_in, save_layout
    from clarion.content.models import Layout

    before = Layout.objects.filter(name=name).first()
    old = before or Layout(html=built_in().html)
    saved = save_layout(
        before,
        name=name,
        html=old.html if html is None else read(html),
        address=old.address if address is None else read(address),
        is_default=old.is_default if default is None else default,
        by=acting(),
    )
    if as_json:
        print_json(_facts(saved))
    else:
        print_line(f"Layout {saved.pk}, “{saved.name}”, is saved.")


@app.command()
@uses_django
def delete(layout: Which) -> None:
    """Delete a layout. Broadcasts that were launched with it keep it."""
    from clarion.content.mail.layouts import delete_layout, find_layout

    stored = find_layout(layout)
    delete_layout(stored, by=acting())
    print_line(f"Layout “{stored.name}” is deleted.")


def _facts(layout: Any) -> dict[str, Any]:
    names = ("id", "name", "address", "is_default", "html")
    return {name: getattr(layout, name) for name in names}
