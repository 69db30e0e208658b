"""The options of ``clarion channel add``, ``edit`` and ``defaults``, and how they are read."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clarion.channels import limits
from clarion.cli.content_options import read
from clarion.cli.options import REPEATABLE
from clarion.kit import rates

if TYPE_CHECKING:
    from collections.abc import Callable

    from clarion.channels.models import Channel


class Field(StrEnum):
    """What has a default, as ``--default`` takes it."""

    RATE = "rate"
    ATTEMPTS = "attempts"
    BACKOFF = "backoff"


Rate = Annotated[
    str | None,
    typer.Option(
        metavar="RATE",
        help="Send rate: at most this many messages a second, or none for no limit. Without it, "
        "the default applies.",
    ),
]
Attempts = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=limits.MOST_ATTEMPTS,
        metavar="N",
        help="How many times a message is attempted in all. Without it, the default applies.",
    ),
]
Backoff = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        metavar="SECONDS",
        help="Retry delay: how long to wait before the second attempt. It doubles with each "
        "attempt. Without it, the default applies.",
    ),
]


class Demand(StrEnum):
    """Whether only contacts who have written get messages, as ``--only-written`` takes it."""

    DEFAULT = "default"
    YES = "yes"
    NO = "no"


OnlyWritten = Annotated[
    Demand | None,
    typer.Option(
        help="Whether only contacts who have written to the channel receive broadcasts. default: "
        "as the provider demands.",
    ),
]
Check = Annotated[
    bool, typer.Option("--check/--no-check", help="Test the credentials with the provider now.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask for confirmation.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help=f"A setting of this kind. {REPEATABLE}"),
]
FromFiles = Annotated[
    list[str] | None,
    typer.Option(
        "--set-file",
        metavar="KEY=FILE",
        help="A setting whose value is read from a file, - for standard input: a secret is "
        f"then in no list of processes and no shell history. {REPEATABLE}",
    ),
]


def chosen_settings(pairs: list[str] | None, from_files: list[str] | None) -> dict[str, str]:
    """The settings of ``--set`` and ``--set-file``. Raises BadParameter and Failed."""
    settings = _pairs(pairs or [], "--set", "VALUE")
    for key, name in _pairs(from_files or [], "--set-file", "FILE").items():
        if key in settings:
            raise typer.BadParameter(f"{key} is given twice.", param_hint="--set-file")
        # Editors and echo end a file with a line break, which is no part of a token.
        settings[key] = read(f"@{name}").rstrip("\r\n")
    return settings


def confirmed(change: "Callable[..., Channel]", *, yes: bool) -> "Channel":
    """What ``change`` returns. It is called again once the questions that it raises are answered
    with yes. Raises Abort where they are not."""
    from clarion.channels.errors import NotConfirmed

    try:
        return change(confirmed=yes)
    except NotConfirmed as asked:
        typer.confirm(" ".join([*asked.questions, "Turn it on?"]), abort=True, err=True)
    return change(confirmed=True)


def _pairs(texts: list[str], option: str, value_name: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            # The text itself may be a secret that was put in the wrong place.
            raise typer.BadParameter(f"Write a setting as KEY={value_name}.", param_hint=option)
        if key.strip() in pairs:
            raise typer.BadParameter(f"{key.strip()} is given twice.", param_hint=option)
        pairs[key.strip()] = value
    return pairs


def number(option: str, text: str | None, *, whole: bool = False) -> Any:
    """A number, None for “none”, … where the option is left out."""
    if text is None:
        return ...
    if text.lower() == "none":
        return None
    try:
        return int(text) if whole else float(text)
    except ValueError:
        raise typer.BadParameter("Write a number, or none.", param_hint=option) from None


def demand(given: Demand | None) -> dict[str, Any]:
    """What ``--only-written`` says, as ``channels.manage`` takes it; nothing if left out."""
    answers = {Demand.DEFAULT: None, Demand.YES: True, Demand.NO: False}
    return {} if given is None else {"only_written": answers[given]}


def sending(rate: str | None, attempts: int | None, backoff: float | None) -> dict[str, Any]:
    """What is given of these, as ``channels.manage`` takes it. Raises RateError."""
    chosen: dict[str, Any] = {"attempts": attempts, "backoff": backoff}
    chosen = {name: value for name, value in chosen.items() if value is not None}
    if rate is None:
        return chosen
    return chosen | {"rate": None if rate.lower() == "none" else rates.parse(rate)}
