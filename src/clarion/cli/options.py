"""Arguments and options that many commands have, and what is checked of them in one way."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import typer

REPEATABLE = "Can be repeated."
MOMENT = "2026-12-24T09:30"  # how times are written, as an example

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Limit = Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="Show at most this many.")]
BroadcastId = Annotated[int, typer.Argument(metavar="ID", help="The broadcast's number.", min=1)]
ContactName = Annotated[
    str,
    typer.Argument(metavar="CONTACT", help="A user id of the contact, or # and its id."),
]
OfChannel = Annotated[
    str,
    typer.Option("--channel", metavar="CHANNEL", help="The channel that the user id belongs to."),
]
Ids = Annotated[
    str | None,
    typer.Option("--ids", metavar="FILE", help="The user ids in this CSV file, on one channel."),
]
IdColumn = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN", help="The column of user ids. Without it, the column is detected."
    ),
]
Undo = Annotated[
    int | None,
    typer.Option(
        min=0,
        metavar="SECONDS",
        help="The undo window: how long the broadcast can be deleted before it is sent.",
    ),
]
Rate = Annotated[
    float | None,
    typer.Option(
        metavar="RATE", help="The broadcast's send rate: at most this many messages a second."
    ),
]
PauseRejected = Annotated[
    int | None,
    typer.Option(
        metavar="PERCENT",
        help="Pause when this percentage of the last 200 messages is rejected; 0 is never.  "
        "[default: CLARION_PAUSE_REJECTED_PERCENT, 20]",
    ),
]
PauseUnreachable = Annotated[
    int | None,
    typer.Option(
        metavar="PERCENT",
        help="Pause when this percentage of the last 200 recipients can't be reached; 0 is never.  "
        "[default: CLARION_PAUSE_UNREACHABLE_PERCENT, 50]",
    ),
]


def chosen(ways: Mapping[str, object], *, required: bool = True) -> str | None:
    """The one option of these that is given (its value is neither None, False nor empty).

    Raises BadParameter for several, and for none where one is ``required``.
    """
    options = [option for option, value in ways.items() if value not in (None, False, [], "")]
    if len(options) > 1:
        raise typer.BadParameter(f"{' and '.join(options)} can't be combined. Use one of them.")
    if required and not options:
        raise typer.BadParameter(f"Use one of {', '.join(ways)}.")
    return options[0] if options else None


def only_with(option: str, value: object, *others: str, given: str | None) -> None:
    """Raise BadParameter when an option is given without one of those that it belongs to.

    ``given`` is what ``chosen`` returned.
    """
    if value not in (None, False, [], "") and given not in others:
        listed = " or ".join(filter(None, (", ".join(others[:-1]), others[-1])))
        raise typer.BadParameter(f"Use it with {listed} only.", param_hint=option)


def parse_json(option: str, text: str) -> Any:
    """The value that an option holds as JSON. Raises BadParameter."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise typer.BadParameter("Write a JSON object.", param_hint=option) from None


def parse_moment(option: str, text: str | None, zone: str | None = None) -> datetime | None:
    """The moment that an option names; None when it is not given. Raises BadParameter.

    It is taken in ``zone``, or in the time zone of the command line.
    """
    from clarion import config
    from clarion.kit import clock

    if not text:
        return None
    try:
        return clock.parse_moment(text, zone or config.load().time_zone)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None
