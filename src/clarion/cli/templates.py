"""``clarion template``: the templates that providers list."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.django_setup import uses_django
from clarion.cli.options import AsJson
from clarion.cli.output import counted, print_json, print_line, print_table

if TYPE_CHECKING:
    from clarion.channels.models import MessageTemplate

app = App("Templates that a provider has approved, as it lists them.")
Channel = Annotated[str, typer.Argument(metavar="CHANNEL", help="The name of the channel.")]
OnChannel = Annotated[
    str | None, typer.Option("--channel", metavar="NAME", help="Only those of this channel.")
]


@app.command("list", examples=["clarion template list --channel shop"])
@uses_django
def list_templates(channel: OnChannel = None, as_json: AsJson = False) -> None:
    """List the templates as they were when they were last fetched."""
    from clarion.channels.manage import get_channel
    from clarion.channels.templates import library

    rows = list(library.templates_of([get_channel(channel)] if channel else None))
    if as_json:
        print_json([_document(row) for row in rows])
    elif not rows:
        print_line("No templates have been fetched. Fetch them: clarion template refresh CHANNEL")
    else:
        print_table(
            ["NAME", "LANGUAGE", "STATUS", "CATEGORY", "QUALITY", "CHANNEL", "TEXT"],
            [_row(row) for row in rows],
        )


@app.command(examples=["clarion template refresh shop"])
@uses_django
def refresh(channel: Channel, as_json: AsJson = False) -> None:
    """Fetch the list of a channel's templates from its provider."""
    from clarion.channels.errors import ChannelError
    from clarion.channels.manage import get_channel
    from clarion.channels.templates import library

    of = get_channel(channel)
    library.order_refresh(of, by=acting())
    if problem := library.refresh(of):
        raise ChannelError(problem)
    rows = list(library.templates_of([of]))
    if as_json:
        print_json([_document(row) for row in rows])
    else:
        print_line(f"{counted(len(rows), 'template')} of {of.name} fetched.")


def _row(row: "MessageTemplate") -> list[str]:
    from clarion.channels.templates.parts import parts_of

    text = " ".join(parts_of(row.components).body.split())
    short = text if len(text) <= 60 else f"{text[:59]}…"
    return [
        row.name, row.language, row.status, row.category, row.quality, row.channel.name, short,
    ]  # fmt: skip


def _document(row: "MessageTemplate") -> dict[str, Any]:
    return {
        "channel": row.channel.name,
        "name": row.name,
        "language": row.language,
        "status": row.status,
        "category": row.category,
        "quality": row.quality,
        "components": row.components,
        "changed_at": row.changed_at,
    }
