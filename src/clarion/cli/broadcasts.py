"""``clarion broadcasts``: listing, following and controlling broadcasts."""

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.broadcast_facts import show_broadcast
from clarion.cli.django_setup import uses_django
from clarion.cli.failures import EXIT_FAILED
from clarion.cli.lookups import find_broadcast
from clarion.cli.options import (
    MOMENT,
    REPEATABLE,
    AsJson,
    BroadcastId,
    Limit,
    parse_moment,
)
from clarion.cli.output import (
    counted,
    format_planned,
    print_cut,
    print_json,
    print_line,
    print_note,
    print_table,
)
from clarion.kit import rates
from clarion.kit.numbers import parse_id

if TYPE_CHECKING:
    from clarion.broadcasts.models import Broadcast

app = App("List, follow and control broadcasts.")
Section = Literal["all", "active", "scheduled", "periodic", "completed", "drafts"]
FASTEST = ("none", "off", "-")


class Type(StrEnum):
    """The types of broadcasts, as ``--type`` takes them."""

    BROADCAST = "broadcast"
    EXTERNAL = "external"
    TRIGGER = "trigger"


@app.command(
    "list",
    examples=[
        "clarion broadcasts list --section active",
        "clarion broadcasts list --search spring --after 2026-03-01T00:00",
    ],
)
@uses_django
def list_broadcasts(
    section: Annotated[Section, typer.Option(help="Which broadcasts to list.")] = "all",
    types: Annotated[
        list[Type] | None, typer.Option("--type", help=f"Only this type. {REPEATABLE}")
    ] = None,
    search: Annotated[
        str,
        typer.Option(
            "--search",
            "-q",
            metavar="TEXT",
            help="An id or №, or words of the title, text, story, template or agent.",
        ),
    ] = "",
    after: Annotated[
        str,
        typer.Option(
            metavar="TIME",
            help=f"Only from this time on, such as {MOMENT}. What counts is when active "
            "broadcasts started, when scheduled ones are due, when completed ones ended, and when "
            "others were created.",
        ),
    ] = "",
    before: Annotated[str, typer.Option(metavar="TIME", help="Only before this time.")] = "",
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List broadcasts, newest first."""
    from clarion.broadcasts import history

    sought = history.Sought(
        tuple(map(str, types or ())),
        search,
        parse_moment("--after", after),
        parse_moment("--before", before),
    )
    page = history.section(section, sought, limit=limit)
    filtered = section != "all" or any((types, search, after, before))
    nothing = "No broadcasts match." if filtered else "There are no broadcasts yet."
    _show_list(page, as_json, limit, nothing)


def _show_list(page: Any, as_json: bool, limit: int, nothing: str) -> None:
    from clarion.broadcasts import history
    from clarion.broadcasts.outcomes import outcome_words

    listed = history.facts(page.broadcasts)
    if as_json:
        print_json(listed)
        return
    if not listed:
        print_line(nothing)
        return
    print_table(
        ["ID", "№", "TITLE", "STATE", "CHANNELS", "TOTAL", "COMPLETED", "FAILED", "SCHEDULED"],
        [
            [
                str(facts["id"]),
                facts["number"],
                facts["title"] or facts["message"][:40],
                outcome_words(facts["outcome"]),
                facts["channels"],
                facts["total"] or facts["expected"] or 0,
                facts["completed"],
                facts["failed"],
                format_planned(facts["next_run_at"] or facts["scheduled_at"], facts["time_zone"]),
            ]
            for facts in listed
        ],
    )
    for facts in listed:
        if facts["state_reason"]:
            print_note(f"{facts['id']} is {facts['state']}: {facts['state_reason']}")
    if page.after is not None:
        print_cut(limit)


@app.command()
@uses_django
def show(number: BroadcastId, as_json: AsJson = False) -> None:
    """Show a broadcast and how many recipients are in each state."""
    show_broadcast(find_broadcast(number), as_json)


@app.command()
@uses_django
def runs(number: BroadcastId, limit: Limit = 50, as_json: AsJson = False) -> None:
    """List the runs of a periodic or external broadcast, newest first."""
    from clarion.broadcasts import history

    page = history.runs(find_broadcast(number), limit=limit)
    _show_list(page, as_json, limit, f"Broadcast {number} has no runs yet.")


@app.command()
@uses_django
def pause(number: BroadcastId, as_json: AsJson = False) -> None:
    """Pause a broadcast. Nothing more is sent until it is resumed."""
    from clarion.broadcasts import control

    _control(control.pause, number, None, as_json)


@app.command()
@uses_django
def resume(number: BroadcastId, as_json: AsJson = False) -> None:
    """Resume a paused broadcast, or send a missed one now."""
    from clarion.broadcasts import control

    _control(control.resume, number, None, as_json)


@app.command()
@uses_django
def stop(number: BroadcastId, as_json: AsJson = False) -> None:
    """Stop a broadcast for good. Messages already sent can't be recalled."""
    from clarion.broadcasts import control

    _control(control.stop, number, None, as_json)


@app.command()
@uses_django
def rate(
    number: BroadcastId,
    rate: Annotated[
        str,
        typer.Argument(
            metavar="RATE", help="Messages a second, such as 2.5, or none for no limit of its own."
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Change the send rate of a running broadcast. The rates of its channels still apply."""
    from clarion.broadcasts import control

    try:
        wanted = None if rate.lower() in FASTEST else rates.parse(rate)
    except rates.RateError as error:
        raise typer.BadParameter(str(error), param_hint="RATE") from None
    limit = f"{rates.written(wanted)} messages a second" if wanted else ""
    outcome = f"sends at most {limit}" if limit else "sends as fast as its channels allow"
    _control(
        lambda broadcast, by: control.set_rate(broadcast, wanted, by=by), number, outcome, as_json
    )


@app.command()
@uses_django
def release(
    number: BroadcastId,
    chats: Annotated[
        str,
        typer.Option(metavar="1,2,3", help="Only the recipients with these chat numbers."),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Send to recipients who are held because of an open chat."""
    from clarion.broadcasts import control

    broadcast = find_broadcast(number)
    released = control.release_held(broadcast, by=acting(), address_ids=_numbers(chats))
    if as_json:
        show_broadcast(broadcast, as_json)
    else:
        verb = "is" if released == 1 else "are"
        print_line(f"{counted(released, 'recipient')} {verb} no longer held.")


def _numbers(text: str) -> list[int] | None:
    if not text:
        return None
    numbers = [parse_id(part) for part in text.split(",") if part.strip()]
    if not numbers or None in numbers:
        raise typer.BadParameter(
            "Write chat numbers separated by commas: 1,2,3.", param_hint="--chats"
        )
    return [number for number in numbers if number]


@app.command()
@uses_django
def duplicate(number: BroadcastId, as_json: AsJson = False) -> None:
    """Copy a broadcast and its audience to a new draft."""
    duplicate_broadcast(number, as_json)


@app.command()
@uses_django
def delete(number: BroadcastId, as_json: AsJson = False) -> None:
    """Delete a broadcast that has not been sent. The runs of a periodic one are kept.

    To delete one that has been sent, with its records, use: clarion broadcasts remove
    """
    delete_broadcast(find_broadcast(number), as_json)


@app.command()
@uses_django
def reconcile(number: BroadcastId, as_json: AsJson = False) -> None:
    """Check that every recipient is accounted for. The exit code is 1 if the counts differ."""
    from clarion.broadcasts.reconcile import reconcile as count

    result = count(find_broadcast(number).pk)
    if as_json:
        print_json(result.document())
    else:
        for line in result.lines():
            print_line(line)
        agree = "The counts agree: every recipient is accounted for."
        print_line(agree if result.ok else "The counts differ. Please report this as a bug.")
    if not result.ok:
        raise typer.Exit(EXIT_FAILED)


def duplicate_broadcast(number: int, as_json: bool) -> None:
    """Copy any broadcast to a new draft, and print it."""
    from clarion.broadcasts import drafts

    copy = drafts.duplicate(find_broadcast(number), by=acting())
    if as_json:
        show_broadcast(copy, as_json)
    else:
        print_line(f"Draft {copy.pk} is a copy of broadcast {number}.")


def delete_broadcast(broadcast: "Broadcast", as_json: bool) -> None:
    """Delete a broadcast or draft of which nothing has been sent, and print its number."""
    from clarion.broadcasts import control

    number, noun = broadcast.pk, "Draft" if broadcast.state == "draft" else "Broadcast"
    control.delete(broadcast, by=acting())
    if as_json:
        print_json({"id": number, "deleted": True})
    else:
        print_line(f"{noun} {number} is deleted.")


def _control(
    act: "Callable[..., Broadcast]", number: int, outcome: str | None, as_json: bool
) -> None:
    """Do it, and print ``outcome``, or the state that the broadcast is now in."""

    broadcast = act(find_broadcast(number), by=acting())
    if as_json:
        show_broadcast(broadcast, as_json)
    else:
        print_line(
            f"Broadcast {number} {outcome or f'is {broadcast.get_state_display().lower()}'}."
        )
