"""``clarion send``: one message to many people, in one command."""

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clarion import config
from clarion.cli.audience import Chosen, say_who
from clarion.cli.broadcasts import document, show_broadcast
from clarion.cli.composing import Content, Manner, Timing
from clarion.cli.django_setup import uses_django
from clarion.cli.failures import EXIT_FAILED, Failed
from clarion.cli.option_groups import with_option_groups
from clarion.cli.output import format_moment, print_note
from clarion.cli.progress import progress

if TYPE_CHECKING:
    from clarion.broadcasts.models import Broadcast

LOOK = 0.25  # seconds between looks at the broadcast while waiting
ON_ITS_WAY = ("scheduled", "sending", "paused")

Undo = Annotated[
    int | None,
    typer.Option(min=0, metavar="SECONDS", help="How long it can be undone before it leaves."),
]
Draft = Annotated[bool, typer.Option("--draft", help="Only save it, to be sent later.")]
Wait = Annotated[bool, typer.Option("--wait", help="Show progress until it is done.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def add_to(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command()(send)


@uses_django
@with_option_groups
def send(
    content: Content,
    chosen: Chosen,
    manner: Manner,
    timing: Timing,
    undo: Undo = None,
    draft: Draft = False,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Send a text, story or template to everyone (--all), to tags, to user ids, to chat numbers."""
    if chosen.given or not draft:
        chosen.check()
    content.check(complete=not draft)
    timing.check()
    if undo is not None and (timing.given or draft):
        raise typer.BadParameter("It goes with sending now only.", param_hint="--undo")
    if wait and (draft or (timing.given and timing.at is None)):
        raise typer.BadParameter("It goes with sending now or --at only.", param_hint="--wait")
    fields = {**content.draft_fields(), **timing.draft_fields(), **manner.draft_fields()}
    broadcast = _create(fields | (chosen.draft_fields() if chosen.given else {}), undo, draft)
    if draft:
        print_note(f"Draft {broadcast.pk} is saved. Send it: clarion drafts send {broadcast.pk}")
    else:
        say_launched(broadcast)
    if wait:
        wait_for(broadcast)
    if as_json or wait:
        show_broadcast(broadcast, as_json)
    if wait and broadcast.state != "completed":
        raise typer.Exit(EXIT_FAILED)


def _create(fields: dict[str, Any], undo: int | None, draft: bool) -> "Broadcast":
    from clarion.accounts.audit import COMMAND_LINE
    from clarion.broadcasts import drafts, launch

    if draft:
        return drafts.create_draft(by=COMMAND_LINE, **fields)
    return launch.start_new(by=COMMAND_LINE, undo_seconds=undo, **fields)


def say_launched(broadcast: "Broadcast") -> None:
    """Print who will get a broadcast that was just launched, and when it is sent."""
    if broadcast.audience:
        say_who(broadcast)
    _say_when(broadcast)


def _say_when(broadcast: "Broadcast") -> None:
    from clarion.engine.status import workers_alive

    if broadcast.state == "live":
        _say_live(broadcast)
    else:
        assert broadcast.scheduled_at is not None
        print_note(
            f"Broadcast {broadcast.pk} leaves at {format_moment(broadcast.scheduled_at)} "
            f"({config.load().time_zone}). Until then: clarion broadcasts delete {broadcast.pk}"
        )
    if not workers_alive():
        print_note("No engine is running, so nothing leaves yet. Run: clarion serve")


def _say_live(broadcast: "Broadcast") -> None:
    from clarion.broadcasts import periodic, trigger

    if broadcast.type == "external":
        how = f"sends when its URL is called. The URL: clarion external url {broadcast.pk}"
    elif broadcast.type == "trigger":
        how = f"sends {trigger.words(trigger.parse(broadcast.trigger))}."
    else:
        assert broadcast.next_run_at is not None
        how = f"runs: {periodic.words(broadcast)}. Next: {format_moment(broadcast.next_run_at)}."
    print_note(f"Broadcast {broadcast.pk} {how}")


def wait_for(broadcast: "Broadcast") -> None:
    """Show progress until the broadcast is no longer on its way."""
    try:
        _watch(broadcast)
    except KeyboardInterrupt:
        print_note(
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
