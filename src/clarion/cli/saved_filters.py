"""``clarion filters``: the saved filters that all agents share."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.django_setup import uses_django
from clarion.cli.failures import Failed
from clarion.cli.options import AsJson
from clarion.cli.output import print_json, print_line, print_table

if TYPE_CHECKING:
    from clarion.accounts.models import SavedFilter

app = App("Filters of lists that all agents share.")
ListName = Literal["records", "clicks", "logs", "contacts", "broadcasts"]
Number = Annotated[int, typer.Argument(metavar="ID", help="The filter's number.", min=1)]


@app.command("list")
@uses_django
def list_filters(as_json: AsJson = False) -> None:
    """List the shared filters."""
    from clarion.accounts import saved_filters

    rows = list(saved_filters.visible(None))
    if as_json:
        print_json(
            [{"id": row.pk, "list": row.list, "name": row.name, "query": row.query} for row in rows]
        )
    elif not rows:
        print_line("There are no shared filters. Save one with: clarion filters save")
    else:
        print_table(
            ["ID", "LIST", "NAME", "QUERY"],
            [[str(row.pk), row.list, row.name, row.query] for row in rows],
        )


@app.command(examples=["clarion filters save records Failures --query 'status=error'"])
@uses_django
def save(
    list_name: Annotated[ListName, typer.Argument(metavar="LIST", help="Which list.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called.")],
    query: Annotated[
        str,
        typer.Option(metavar="QUERY", help="The conditions, as in the address of the list."),
    ],
) -> None:
    """Save a filter of a list for all agents."""
    from clarion.accounts import saved_filters

    saved = saved_filters.save(list_name, name, query, shared=True, by=acting())
    print_line(f"Filter {saved.pk}, “{saved.name}”, is saved.")


@app.command()
@uses_django
def rename(
    number: Number, name: Annotated[str, typer.Argument(metavar="NAME", help="Its new name.")]
) -> None:
    """Give a shared filter another name."""
    from clarion.accounts import saved_filters

    saved_filters.rename(_find(number), name, by=acting())
    print_line(f"Filter {number} is renamed.")


@app.command()
@uses_django
def delete(number: Number) -> None:
    """Delete a shared filter. This can't be undone."""
    from clarion.accounts import saved_filters

    saved_filters.delete(_find(number), by=acting())
    print_line(f"Filter {number} is deleted.")


def _find(number: int) -> "SavedFilter":
    from clarion.accounts import saved_filters

    saved = saved_filters.visible(None).filter(pk=number).first()
    if saved is None:
        raise Failed(f"There is no shared filter {number}. List them with: clarion filters list")
    return saved
