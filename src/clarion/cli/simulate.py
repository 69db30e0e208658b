"""``clarion simulator``: a provider to rehearse with."""

from pathlib import Path
from typing import Annotated

import typer

from clarion.cli.children import end_with_parent
from clarion.cli.failures import Failed


def add_to(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command()(simulator)


def simulator(
    host: Annotated[
        str, typer.Option(help="The address to listen on. Leave it on loopback: nobody is asked.")
    ] = "127.0.0.1",
    http_port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8025,
    smtp_port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 2525,
    knobs: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Turn a knob; repeatable."),
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Append everything received to this file of JSON lines."),
    ] = None,
    ready_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write this file once it listens.")
    ] = None,
    parent_fd: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run a test provider that sends nothing and logs everything it receives."""
    from clarion_simulator.behaviour import Behaviour
    from clarion_simulator.main import main

    try:
        behaviour = Behaviour.parse(knobs or [])
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--set") from None
    end_with_parent(parent_fd)
    try:
        main(
            host=host,
            http_port=http_port,
            smtp_port=smtp_port,
            behaviour=behaviour,
            log=log,
            ready_file=ready_file,
        )
    except ValueError as error:
        raise Failed(str(error)) from error
