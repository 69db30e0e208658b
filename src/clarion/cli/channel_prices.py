"""``clarion channel prices``: what a channel's provider charges by country."""

from pathlib import Path
from typing import Annotated

import typer

from clarion.cli.acting import acting
from clarion.cli.django_setup import uses_django
from clarion.cli.options import AsJson
from clarion.cli.output import counted, print_json, print_line, print_table


@uses_django
def prices(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The channel's name.")],
    import_from: Annotated[
        Path | None,
        typer.Option(
            "--import", metavar="FILE", help="Replace the prices by those of this CSV file."
        ),
    ] = None,
    export_to: Annotated[
        Path | None,
        typer.Option("--export", metavar="FILE", help="Write the prices to this CSV file."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show, import or export the prices of a channel, by calling code and category.

    The file has the columns calling_code, category and price.
    """
    from clarion.channels import price_lists
    from clarion.channels.manage import get_channel
    from clarion.channels.prices import named

    channel = get_channel(name)
    if import_from is not None:
        count = price_lists.import_csv(channel, import_from, by=acting())
        if not as_json:
            print_line(f"{counted(count, 'price')} of {channel.name} imported.")
    if export_to is not None:
        with export_to.open("wb") as out:
            for part in price_lists.export_csv(channel):
                out.write(part)
        if not as_json:
            print_line(f"The prices of {channel.name} are in {export_to}.")
    table = price_lists.table_of(channel)
    if as_json:
        rows = [
            {"calling_code": price_lists.shown_code(row), "category": row.category,
             "price": f"{row.price:f}"}
            for row in table.rows
        ]  # fmt: skip
        print_json({"currency": table.currency, "prices": rows})
    elif import_from is None and export_to is None:
        _print(
            [
                [named(row.code) or "all others", row.category or "all", f"{row.price:f}"]
                for row in table.rows
            ],
            table.currency,
        )


def _print(rows: list[list[str]], currency: str) -> None:
    if not rows:
        print_line(
            "There are no prices yet. Import them: clarion channel prices NAME --import FILE"
        )
        return
    print_table(["NUMBERS", "CATEGORY", f"PRICE {currency}".strip()], rows)
    if not currency:
        print_line("No costs are shown: set the currency of the channel.")
