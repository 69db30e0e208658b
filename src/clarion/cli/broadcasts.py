"""``clarion broadcasts``: what was sent, is being sent, and control over it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clarion.cli.django_setup import uses_django
from clarion.cli.failures import EXIT_FAILED, Failed
from clarion.cli.output import print_facts, print_json, print_line, print_note, print_table
from clarion.kit import rates
from clarion.kit.numbers import is_id, parse_id

if TYPE_CHECKING:
    from datetime import datetime

    from clarion.broadcasts.models import Broadcast

app = typer.Typer(help="What was sent, is being sent, and control over it.", no_args_is_help=True)
Id = Annotated[int, typer.Argument(metavar="ID", help="The broadcast's number.", min=1)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")]
SECTIONS = ("all", "active", "scheduled", "periodic", "completed", "drafts")
TYPES = ("broadcast", "external", "trigger")
COUNTS = (
    "queued", "held", "sending", "sent", "delivered", "read",
    "failed", "skipped", "unsent", "in_doubt",
)  # fmt: skip
FASTEST = ("none", "off", "-")


@app.command("list")
@uses_django
def list_broadcasts(
    section: Annotated[
        str, typer.Option(help="all, active, scheduled, periodic, completed or drafts.")
    ] = "all",
    types: Annotated[
        list[str] | None,
        typer.Option("--type", help="broadcast, external or trigger; several may be given."),
    ] = None,
    search: Annotated[
        str,
        typer.Option(
            "--search", "-q", help="Id, or words of title, text, story, template or agent."
        ),
    ] = "",
    after: Annotated[
        str, typer.Option(metavar="T", help="Not before this moment (see the docs for which).")
    ] = "",
    before: Annotated[str, typer.Option(metavar="T", help="Before this moment.")] = "",
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List broadcasts, newest first."""
    from clarion.broadcasts import history

    _one_of("section", [section], SECTIONS)
    _one_of("type", types or [], TYPES)
    sought = history.Sought(
        tuple(types or ()), search, _moment("after", after), _moment("before", before)
    )
    page = history.section(section, sought, limit=limit)
    anything = section != "all" or any((types, search, after, before))
    _show_list(page, as_json, limit, "No broadcast here." if anything else "No broadcast yet.")


def _one_of(option: str, given: list[str], known: tuple[str, ...]) -> None:
    for value in given:
        if value not in known:
            raise typer.BadParameter(
                f"There is no {option} “{value}”. Choose one of: {', '.join(known)}.",
                param_hint=f"--{option}",
            )


def _moment(option: str, text: str) -> "datetime | None":
    from clarion import config
    from clarion.kit import clock

    if not text:
        return None
    try:
        return clock.parse_moment(text, config.load().time_zone)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=f"--{option}") from None


def _show_list(page: Any, as_json: bool, limit: int, nothing: str) -> None:
    from clarion.broadcasts import history

    listed = history.facts(page.broadcasts)
    if as_json:
        print_json(listed)
        return
    if not listed:
        print_line(nothing)
        return
    print_table(
        ["ID", "TITLE", "STATE", "CHANNELS", "TOTAL", "COMPLETED", "FAILED", "SCHEDULED"],
        [
            [
                str(one["id"]),
                one["title"] or one["message"][:40],
                one["state"],
                one["channels"],
                one["total"],
                one["completed"],
                one["failed"],
                one["next_run_at"] or one["scheduled_at"],
            ]
            for one in listed
        ],
    )
    if page.after is not None:
        print_note(f"Only the newest {limit} are shown; --limit shows more.")


@app.command()
@uses_django
def show(number: Id, as_json: AsJson = False) -> None:
    """Show one broadcast and where everyone stands."""
    show_broadcast(find(number), as_json)


@app.command()
@uses_django
def runs(number: Id, limit: Limit = 50, as_json: AsJson = False) -> None:
    """List the runs of a periodic or external broadcast, newest first."""
    from clarion.broadcasts import history

    page = history.runs(find(number), limit=limit)
    _show_list(page, as_json, limit, f"Broadcast {number} has no runs.")


@app.command()
@uses_django
def pause(number: Id, as_json: AsJson = False) -> None:
    """Let nothing further leave until it is resumed."""
    from clarion.broadcasts import control

    _control(control.pause, number, None, as_json)


@app.command()
@uses_django
def resume(number: Id, as_json: AsJson = False) -> None:
    """Continue a paused broadcast, or send a missed one now."""
    from clarion.broadcasts import control

    _control(control.resume, number, None, as_json)


@app.command()
@uses_django
def stop(number: Id, as_json: AsJson = False) -> None:
    """Let nothing further leave, for good; what was sent stays sent."""
    from clarion.broadcasts import control

    _control(control.stop, number, None, as_json)


@app.command()
@uses_django
def rate(
    number: Id,
    rate: Annotated[
        str, typer.Argument(metavar="R", help="Messages a second; none: as fast as it goes.")
    ],
    as_json: AsJson = False,
) -> None:
    """Change the send rate of a running broadcast. The channels' own rates still hold."""
    from clarion.broadcasts import control

    try:
        wanted = None if rate.lower() in FASTEST else rates.parse(rate)
    except rates.RateError as error:
        raise typer.BadParameter(str(error), param_hint="R") from None
    limit = (
        f"at most {rates.written(wanted)} a second" if wanted else "as fast as its channels allow"
    )
    _control(
        lambda found, by: control.set_rate(found, wanted, by=by), number, f"sends {limit}", as_json
    )


@app.command()
@uses_django
def release(
    number: Id,
    chats: Annotated[
        str, typer.Option(metavar="1,2,3", help="Only the people with these chat numbers.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Let people who are held because of an open chat have it now."""
    from clarion.accounts.audit import COMMAND_LINE
    from clarion.broadcasts import control

    found = find(number)
    released = control.release_held(found, by=COMMAND_LINE, address_ids=_numbers(chats))
    if as_json:
        show_broadcast(found, as_json)
    else:
        print_line(f"{released:,} {'person' if released == 1 else 'people'} will have it now.")


def _numbers(text: str) -> list[int] | None:
    if not text:
        return None
    numbers = [parse_id(part) for part in text.split(",") if part.strip()]
    if not numbers or None in numbers:
        raise typer.BadParameter(
            "Give chat numbers, separated by commas: 1,2,3.", param_hint="--chats"
        )
    return [number for number in numbers if number]


@app.command()
@uses_django
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
        print_line(f"Broadcast {fresh.pk} sends to those whom {number} did not reach.")


@app.command()
@uses_django
def duplicate(number: Id, as_json: AsJson = False) -> None:
    """Make a draft with all that a broadcast has."""
    from clarion.accounts.audit import COMMAND_LINE
    from clarion.broadcasts import drafts

    copy = drafts.duplicate(find(number), by=COMMAND_LINE)
    if as_json:
        show_broadcast(copy, as_json)
    else:
        print_line(f"Broadcast {copy.pk} is a draft with all that {number} has.")


@app.command()
@uses_django
def delete(number: Id, as_json: AsJson = False) -> None:
    """Delete a broadcast of which nothing has left yet. Runs of a periodic one stay."""
    from clarion.accounts.audit import COMMAND_LINE
    from clarion.broadcasts import control

    control.delete(find(number), by=COMMAND_LINE)
    if as_json:
        print_json({"id": number, "deleted": True})
    else:
        print_line(f"Broadcast {number} is deleted.")


@app.command()
@uses_django
def reconcile(number: Id, as_json: AsJson = False) -> None:
    """Count everyone from the rows and from the tallies; exit code 1 where they differ."""
    from clarion.broadcasts.reconcile import reconcile as count

    result = count(find(number).pk)
    if as_json:
        print_json(result.document())
    else:
        for line in result.lines():
            print_line(line)
    if not result.ok:
        raise typer.Exit(EXIT_FAILED)


def find(number: int) -> "Broadcast":
    """The broadcast of that number. Raises Failed when there is none."""
    from clarion.broadcasts import history

    found = history.visible().filter(pk=number).first() if is_id(number) else None
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
        print_json(one)
        return
    optional: list[tuple[str, Any]] = [
        ("when", one["when"]),
        ("next run", one["next_run_at"]),
        ("runs", one["runs"]),
        ("last run", one["last_run_at"]),
        ("run of", one["parent"]),
        ("restart of", one["restart_of"]),
        ("rate", f"{rates.written(one['rate'])} a second" if one["rate"] else ""),
    ]
    print_facts(
        [
            ("id", str(one["id"])),
            ("title", one["title"]),
            ("type", one["type"]),
            ("state", " – ".join(filter(None, (one["state"], one["state_reason"])))),
            (one["data_type"], one["message"][:200]),
            ("channels", one["channels"]),
            ("agent", one["agent"] or "command line"),
            *((name, value) for name, value in optional if value),
            ("created", one["created_at"]),
            ("scheduled", one["scheduled_at"]),
            ("started", one["started_at"]),
            ("finished", one["finished_at"]),
            ("total", one["total"]),
            *((f"  {state.replace('_', ' ')}", one[state]) for state in COUNTS if one[state]),
        ]
    )


def _control(
    act: "Callable[..., Broadcast]", number: int, outcome: str | None, as_json: bool
) -> None:
    """Do it, and print ``outcome``, or the state that the broadcast is in now."""
    from clarion.accounts.audit import COMMAND_LINE

    broadcast = act(find(number), by=COMMAND_LINE)
    if as_json:
        show_broadcast(broadcast, as_json)
    else:
        print_line(
            f"Broadcast {number} {outcome or f'is {broadcast.get_state_display().lower()}'}."
        )
