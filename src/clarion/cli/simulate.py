"""``clarion simulator``: a test provider."""

from pathlib import Path
from typing import Annotated, Any

import typer

from clarion.cli.app import App
from clarion.cli.children import end_with_parent
from clarion.cli.failures import Failed


def add_to(app: App) -> None:
    """Add the command to the root."""
    app.command(
        examples=[
            "clarion simulator --set latency=5ms..50ms --set error_500=1 --log received.jsonl"
        ]
    )(simulator)


def _port(about: str) -> Any:
    return typer.Option(min=0, max=65535, metavar="PORT", help=about)


def simulator(
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="The address to listen on. Keep it on this machine: anyone can use the simulator.",
        ),
    ] = "127.0.0.1",
    http_port: Annotated[int, _port("The port for HTTP. 0 chooses a free one.")] = 8025,
    smtp_port: Annotated[int, _port("The port for SMTP. 0 chooses a free one.")] = 2525,
    smpp_port: Annotated[
        int | None, _port("Speak SMPP too, on this port. 0 chooses a free one.")
    ] = None,
    imap_port: Annotated[
        int | None,
        _port("Speak IMAP too, on this port: the mailbox for bounces. 0 chooses a free one."),
    ] = None,
    knobs: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="How the provider behaves, such as error_500=1. Can be repeated.",
        ),
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Append everything it receives to this file, as JSON lines."
        ),
    ] = None,
    ready_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write this file once it is listening.")
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
            smpp_port=smpp_port,
            imap_port=imap_port,
            behaviour=behaviour,
            log=log,
            ready_file=ready_file,
        )
    except ValueError as error:
        raise Failed(str(error)) from error
