"""``clarion send``: one message to many people, in one command."""

import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clarion import config
from clarion.cli.audience import Chosen, say_who
from clarion.cli.broadcasts import document, show_broadcast
from clarion.cli.failures import EXIT_FAILED, Failed
from clarion.cli.progress import progress
from clarion.cli.session import in_rooms
from clarion.cli.speech import moment, note

if TYPE_CHECKING:
    from clarion.broadcasts.models import Broadcast

LOOK = 0.25  # seconds between looks at the broadcast while waiting
ON_ITS_WAY = ("scheduled", "sending", "paused")

Text = Annotated[
    str, typer.Option(metavar="TEXT|@FILE", help="The text, or @ and a UTF-8 file; @- is stdin.")
]
Channels = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="Where to send; repeatable.")
]
Everyone = Annotated[bool, typer.Option("--all", help="To everyone on these channels.")]
Tags = Annotated[
    list[str] | None,
    typer.Option(metavar="T", help="To everyone with any of these tags; repeatable."),
]
WithoutTags = Annotated[
    list[str] | None,
    typer.Option(metavar="T", help="But to nobody with any of these; repeatable."),
]
Ids = Annotated[Path | None, typer.Option(metavar="FILE.csv", help="To the user ids in this file.")]
IdColumn = Annotated[str | None, typer.Option(metavar="C", help="The column of ids in that file.")]
Chats = Annotated[str | None, typer.Option(metavar="1,2,3", help="To these chat numbers.")]
Title = Annotated[str, typer.Option(help="A name for lists; the subject of e-mails.")]
At = Annotated[str | None, typer.Option(metavar="ISO", help="Send then: 2026-12-24T09:30.")]
Zone = Annotated[
    str | None, typer.Option(metavar="ZONE", help="The time zone of --at: Europe/Berlin.")
]
Undo = Annotated[
    int | None,
    typer.Option(min=0, metavar="SECONDS", help="How long it can be undone before it leaves."),
]
Wait = Annotated[bool, typer.Option("--wait", help="Show progress until it is done.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def add_to(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command()(send)


@in_rooms
def send(
    text: Text,
    channel: Channels = None,
    everyone: Everyone = False,
    tag: Tags = None,
    without_tag: WithoutTags = None,
    ids: Ids = None,
    id_column: IdColumn = None,
    chats: Chats = None,
    title: Title = "",
    at: At = None,
    tz: Zone = None,
    undo: Undo = None,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Send a text to everyone (--all), to tags, to a file of ids, or to chat numbers."""
    chosen = Chosen(
        channels=channel or [],
        everyone=everyone,
        tags=tag or [],
        without_tags=without_tag or [],
        ids=ids,
        id_column=id_column,
        chats=chats,
    )
    chosen.check()
    broadcast = _launch(chosen, _read(text), title, _moment(at, tz, undo), undo)
    if wait:
        _wait(broadcast)
    if as_json or wait:
        show_broadcast(broadcast, as_json)
    if wait and broadcast.state != "completed":
        raise typer.Exit(EXIT_FAILED)


def _launch(
    chosen: Chosen, text: str, title: str, when: datetime | None, undo: int | None
) -> "Broadcast":
    from clarion.accounts.audit import COMMAND_LINE
    from clarion.broadcasts import control, launch

    draft = chosen.draft(text, title)
    try:
        say_who(draft)
        if when is None:
            broadcast = launch.send(draft, by=COMMAND_LINE, undo_seconds=undo)
        else:
            broadcast = launch.schedule(draft, at=when, by=COMMAND_LINE)
    except ValueError:
        control.delete(draft, by=COMMAND_LINE)  # what can't be sent leaves no draft behind
        raise
    _say_when(broadcast)
    return broadcast


def _read(text: str) -> str:
    """The text itself, or what the file after the @ holds."""
    if not text.startswith("@"):
        return text
    name = text[1:]
    try:
        raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise Failed(
            f"{name} is not UTF-8: line {line} holds the byte 0x{error.object[error.start]:02x}. "
            "Save it as UTF-8 and try again."
        ) from None


def _moment(at: str | None, tz: str | None, undo: int | None) -> datetime | None:
    from clarion.kit import clock

    if at is None:
        if tz is not None:
            raise typer.BadParameter("It goes with --at only.", param_hint="--tz")
        return None
    if undo is not None:
        raise typer.BadParameter("Give either --at or --undo.", param_hint="--undo")
    try:
        return clock.parse_moment(at, tz or config.load().time_zone)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--at") from None


def _say_when(broadcast: "Broadcast") -> None:
    from clarion.engine.status import workers_alive

    assert broadcast.scheduled_at is not None
    note(
        f"Broadcast {broadcast.pk} leaves at {moment(broadcast.scheduled_at)} "
        f"({config.load().time_zone}). Until then: clarion broadcasts delete {broadcast.pk}"
    )
    if not workers_alive():
        note("No engine is running, so nothing leaves yet. Run: clarion serve")


def _wait(broadcast: "Broadcast") -> None:
    """Show progress until the broadcast is no longer on its way."""
    try:
        _watch(broadcast)
    except KeyboardInterrupt:
        note(
            f"The broadcast goes on. See: clarion broadcasts show {broadcast.pk}, "
            f"or end it: clarion broadcasts stop {broadcast.pk}"
        )
        raise


def _watch(broadcast: "Broadcast") -> None:
    with progress(f"Broadcast {broadcast.pk}") as update:
        while broadcast.state in ON_ITS_WAY:
            one = document(broadcast)
            pending = one["queued"] + one["held"] + one["sending"]
            update(one["total"] - pending, one["total"], _remark(one))
            time.sleep(LOOK)
            _refresh(broadcast)
        one = document(broadcast)
        update(one["total"], one["total"], _remark(one))


def _remark(one: dict[str, object]) -> str:
    """The state and the counts worth a word, such as ``sending, 9,412 sent, 3 failed``."""
    parts = [str(one["state"]), f"{one['completed']:,} completed"]
    parts += [
        f"{one[state]:,} {state.replace('_', ' ')}"
        for state in ("failed", "held", "in_doubt")
        if one[state]
    ]
    return ", ".join(parts)


def _refresh(broadcast: "Broadcast") -> None:
    try:
        broadcast.refresh_from_db()
    except type(broadcast).DoesNotExist:
        raise Failed(f"Broadcast {broadcast.pk} was deleted before it left.") from None
