"""The ``clarion`` command: its parts, and what happens when one of them fails."""

import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from clarion import __version__
from clarion.cli import (
    agents,
    bench,
    broadcasts,
    channels,
    chats,
    consents,
    contacts,
    drafts,
    maintenance,
    records,
    retention,
    send,
    serve,
    simulate,
    stories,
    tags,
    when,
)
from clarion.cli.demo import command as demo
from clarion.cli.failures import fail

EPILOG = "Settings are environment variables CLARION_…; see docs/configuration.md."


class Door(TyperGroup):
    """The root command: turns every exception into one sentence and exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except (typer.TyperException, typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except Exception as error:  # noqa: BLE001 - said in words, with the traceback on request
            fail(error)


app = typer.Typer(
    cls=Door,
    name="clarion",
    help="Send one message to many people, and know what happened to every one of them.",
    epilog=EPILOG,
    no_args_is_help=True,
    context_settings={"max_content_width": 100},
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def clarion(
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    """Send one message to many people, and know what happened to every one of them."""
    if version:
        typer.echo(f"Clarion {__version__}")
        raise typer.Exit


serve.add_to(app)
maintenance.add_to(app)
demo.add_to(app)
bench.add_to(app)
simulate.add_to(app)
app.add_typer(agents.app, name="agent")
app.add_typer(channels.app, name="channel")
app.add_typer(contacts.app, name="contacts")
app.add_typer(consents.app, name="consents")
app.add_typer(tags.app, name="tags")
send.add_to(app)
drafts.add_to(app)
app.add_typer(broadcasts.app, name="broadcasts")
when.add_to(app)
app.add_typer(retention.app, name="retention")
app.add_typer(chats.app, name="chats")
records.add_to(app)
app.add_typer(stories.app, name="stories")


def run() -> None:
    """Entry point of the ``clarion`` command."""
    os.umask(0o077)  # whatever it writes holds people's data or secrets: for its owner only
    for stream in (sys.stdout, sys.stderr):
        # A terminal that can't show a letter must not be the reason why a command fails.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="clarion")
