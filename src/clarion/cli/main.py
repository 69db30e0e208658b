"""The ``clarion`` command: its parts, and what happens when one of them fails."""

import os
import sys
from typing import Annotated, Any, ClassVar

import typer

from clarion import __version__
from clarion.cli import (
    agents,
    approvals,
    attributes,
    audit,
    backups,
    bench,
    broadcast_acts,
    broadcasts,
    bulk,
    channels,
    chats,
    clicks,
    codes,
    consents,
    contact,
    contact_merging,
    contacts,
    dashboard,
    drafts,
    keywords,
    latency,
    layouts,
    maintenance,
    records,
    retention,
    saved_filters,
    segments,
    send,
    serve,
    simulate,
    stories,
    suppressions,
    tags,
    templates,
    tokens,
    webhooks,
    when,
    why,
)
from clarion.cli.acting import OPTION, take_option
from clarion.cli.app import App, CommandGroup, plain_usage_error
from clarion.cli.demo import command as demo
from clarion.cli.failures import fail

HELP = "Send one message to many people over many channels, and see what happened to each one."


class RootGroup(CommandGroup):
    """The root command: turns every exception into one sentence and exit code 1."""

    sections: ClassVar[dict[str, tuple[str, ...]]] = {
        "Run Clarion": (
            "serve",
            "web",
            "worker",
            "migrate",
            "check",
            "backup",
            "restore",
            "retention",
        ),
        "Set up": (
            "agent",
            "token",
            "webhooks",
            "channel",
            "contacts",
            "bulk",
            "tags",
            "attributes",
            "segments",
            "consents",
            "suppressions",
            "keywords",
            "stories",
            "layouts",
            "template",
            "codes",
        ),
        "Send": ("send", "drafts", "test-send", "approvals", "broadcasts", "event"),
        "Automate": ("periodic", "triggers", "external"),
        "Follow": ("dashboard", "records", "clicks", "filters", "why", "chats", "audit"),
        "Try and measure": ("demo", "simulator", "bench"),
    }

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; ``--as`` may stand anywhere among them."""
        parsed: list[str] = super().parse_args(ctx, take_option(args))
        return parsed

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except typer.TyperException as error:
            plain_usage_error(error)
            raise
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except Exception as error:  # noqa: BLE001 - reported in words, with the traceback on request
            fail(error)


app = App(
    HELP,
    cls=RootGroup,
    name="clarion",
    epilog="Settings are environment variables named CLARION_…: see docs/configuration.md.",
)


@app.callback(invoke_without_command=True)
def clarion(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
    _as: Annotated[
        str,
        typer.Option(
            OPTION,
            metavar="AGENT",
            help="With any command: act as the agent with this name or e-mail address. Without it, "
            "a broadcast shows this machine as its sender.",
        ),
    ] = "",
) -> None:
    """Everything that Clarion does."""
    if version:
        typer.echo(f"Clarion {__version__}")
        raise typer.Exit


serve.add_to(app)
maintenance.add_to(app)
backups.add_to(app)
demo.add_to(app)
bench.add_to(app)
simulate.add_to(app)
app.add_typer(agents.app, name="agent")
app.add_typer(audit.app, name="audit")
app.add_typer(approvals.app, name="approvals")
app.add_typer(tokens.app, name="token")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(channels.app, name="channel")
contact.add_to(contacts.app)
contact_merging.add_to(contacts.app)
app.add_typer(contacts.app, name="contacts")
app.add_typer(bulk.app, name="bulk")
app.add_typer(consents.app, name="consents")
app.add_typer(suppressions.app, name="suppressions")
app.add_typer(tags.app, name="tags")
app.add_typer(attributes.app, name="attributes")
app.add_typer(segments.app, name="segments")
app.add_typer(keywords.app, name="keywords")
app.add_typer(templates.app, name="template")
app.add_typer(codes.app, name="codes")
send.add_to(app)
drafts.add_to(app)
broadcast_acts.add_to(broadcasts.app)
latency.add_to(broadcasts.app)
app.add_typer(broadcasts.app, name="broadcasts")
when.add_to(app)
app.add_typer(retention.app, name="retention")
app.add_typer(chats.app, name="chats")
dashboard.add_to(app)
app.add_typer(records.app, name="records")
app.add_typer(clicks.app, name="clicks")
app.add_typer(saved_filters.app, name="filters")
why.add_to(app)
app.add_typer(stories.app, name="stories")
app.add_typer(layouts.app, name="layouts")


def run() -> None:
    """Entry point of the ``clarion`` command."""
    os.umask(0o077)  # whatever it writes holds people's data or secrets: for its owner only
    for stream in (sys.stdout, sys.stderr):
        # A terminal that can't show a letter must not be the reason why a command fails.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="clarion")
