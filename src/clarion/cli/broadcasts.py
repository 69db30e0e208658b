"""``clarion broadcasts``: what was sent, is being sent, and control over it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clarion.cli.failures import EXIT_FAILED, Failed
from clarion.cli.session import in_rooms
from clarion.cli.speech import facts, note, say, show_json, table

if TYPE_CHECKING:
    from clarion.broadcasts.models import Broadcast

app = typer.Typer(help="What was sent, is being sent, and control over it.", no_args_is_help=True)
Id = Annotated[int, typer.Argument(metavar="ID", help="The broadcast's number.", min=1)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
SECTIONS = ("all", "active", "scheduled", "completed", "drafts")
COUNTS = (
    "queued", "held", "sending", "sent", "delivered", "read",
    "failed", "skipped", "unsent", "in_doubt",
)  # fmt: skip
LARGEST_ID = 2**63 - 1


@app.command("list")
@in_rooms
def list_broadcasts(
    section: Annotated[
        str, typer.Option(help="all, active, scheduled, completed or drafts.")
    ] = "all",
    search: Annotated[str, typer.Option(help="Id, or words of title, text or agent.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List broadcasts, newest first."""
    from clarion.broadcasts import history

    if section not in SECTIONS:
        raise typer.BadParameter(
            f"There is no section “{section}”. Choose one of: {', '.join(SECTIONS)}.",
            param_hint="--section",
        )
    page = history.section(section, q=search, limit=limit)
    listed = history.facts(page.broadcasts)
    if as_json:
        show_json(listed)
        return
    if not listed:
        say("No broadcast here." if search or section != "all" else "No broadcast yet.")
        return
    table(
        ["ID", "TITLE", "STATE", "CHANNELS", "TOTAL", "COMPLETED", "FAILED", "SCHEDULED"],
        [
            [
                str(one["id"]),
                one["title"] or one["text"][:40],
                one["state"],
                one["channels"],
                one["total"],
                one["completed"],
                one["failed"],
                one["scheduled_at"],
            ]
            for one in listed
        ],
    )
    if page.after is not None:
        note(f"Only the newest {limit} are shown; --limit shows more.")


@app.command()
@in_rooms
def show(number: Id, as_json: AsJson = False) -> None:
    """Show one broadcast and where everyone stands."""
    show_broadcast(find(number), as_json)


@app.command()
@in_rooms
def pause(number: Id, as_json: AsJson = False) -> None:
    """Let nothing further leave until it is resumed."""
    from clarion.broadcasts import control

    _control(control.pause, number, "is paused", as_json)


@app.command()
@in_rooms
def resume(number: Id, as_json: AsJson = False) -> None:
    """Go on with a paused broadcast; send a missed one after all."""
    from clarion.broadcasts import control
    from clarion.broadcasts.states import BroadcastState

    if find(number).state == BroadcastState.MISSED:
        _control(control.accept_missed, number, "is sent after all", as_json)
    else:
        _control(control.resume, number, "goes on", as_json)


@app.command()
@in_rooms
def stop(number: Id, as_json: AsJson = False) -> None:
    """Let nothing further leave, for good; what was sent stays sent."""
    from clarion.broadcasts import control

    _control(control.stop, number, "is stopped", as_json)


@app.command()
@in_rooms
def restart(
    number: Id,
    in_doubt: Annotated[
        bool,
        typer.Option("--in-doubt", help="Also to people in doubt, who may have got it already."),
    ] = False,
    undo: Annotated[
        int | None, typer.Option(min=0, metavar="SECONDS", help="How long it can be undone.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send a stopped or completed one again, as a new one, to those it did not reach."""
    from clarion.accounts.audit import COMMAND_LINE
    from clarion.broadcasts import control

    fresh = control.restart(find(number), by=COMMAND_LINE, in_doubt=in_doubt, undo_seconds=undo)
    if as_json:
        show_broadcast(fresh, as_json)
    else:
        say(f"Broadcast {fresh.pk} sends to those whom {number} did not reach.")


@app.command()
@in_rooms
def delete(number: Id, as_json: AsJson = False) -> None:
    """Delete a broadcast of which nothing has left yet."""
    from clarion.accounts.audit import COMMAND_LINE
    from clarion.broadcasts import control

    control.delete(find(number), by=COMMAND_LINE)
    if as_json:
        show_json({"id": number, "deleted": True})
    else:
        say(f"Broadcast {number} is deleted.")


@app.command()
@in_rooms
def reconcile(number: Id, as_json: AsJson = False) -> None:
    """Count everyone from the rows and from the tallies; exit code 1 where they differ."""
    from clarion.records.reconcile import reconcile as count

    result = count(find(number).pk)
    if as_json:
        show_json(result.document())
    else:
        for line in result.lines():
            say(line)
    if not result.ok:
        raise typer.Exit(EXIT_FAILED)


def find(number: int) -> "Broadcast":
    """The broadcast of that number. Raises Failed when there is none."""
    from clarion.broadcasts.models import Broadcast

    found = Broadcast.objects.filter(pk=number).first() if number <= LARGEST_ID else None
    if found is None:
        raise Failed(f"There is no broadcast {number}. See: clarion broadcasts list")
    return found


def document(broadcast: "Broadcast") -> dict[str, Any]:
    """The facts of one broadcast, as ``broadcasts show --json`` prints them."""
    from clarion.broadcasts import history

    return history.facts([broadcast])[0]


def show_broadcast(broadcast: "Broadcast", as_json: bool) -> None:
    """Print one broadcast: as JSON, or its facts and the count of everyone by state."""
    one = document(broadcast)
    if as_json:
        show_json(one)
        return
    facts(
        [
            ("id", str(one["id"])),
            ("title", one["title"]),
            ("state", " – ".join(filter(None, (one["state"], one["state_reason"])))),
            ("text", one["text"][:200]),
            ("channels", one["channels"]),
            ("agent", one["agent"] or "command line"),
            ("created", one["created_at"]),
            ("scheduled", one["scheduled_at"]),
            ("started", one["started_at"]),
            ("finished", one["finished_at"]),
            ("total", one["total"]),
            *((f"  {state.replace('_', ' ')}", one[state]) for state in COUNTS if one[state]),
        ]
    )


def _control(move: "Callable[..., Broadcast]", number: int, outcome: str, as_json: bool) -> None:
    from clarion.accounts.audit import COMMAND_LINE

    broadcast = move(find(number), by=COMMAND_LINE)
    if as_json:
        show_broadcast(broadcast, as_json)
    else:
        say(f"Broadcast {number} {outcome}.")
