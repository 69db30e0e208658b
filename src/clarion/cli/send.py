"""``clarion send``: one message to many people, in one command."""

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.audience import AudienceOptions, print_audience
from clarion.cli.broadcast_facts import document, show_broadcast
from clarion.cli.composing import ScheduleOptions, SettingOptions
from clarion.cli.content_options import ContentOptions
from clarion.cli.django_setup import uses_django
from clarion.cli.failures import EXIT_FAILED, Failed
from clarion.cli.mail_options import MailOptions
from clarion.cli.option_groups import with_option_groups
from clarion.cli.options import AsJson, Undo
from clarion.cli.output import format_moment, format_planned, own_time, print_note
from clarion.cli.progress import progress

if TYPE_CHECKING:
    from clarion.broadcasts.models import Broadcast

LOOK = 0.25  # seconds between two reads of the broadcast while waiting
ON_ITS_WAY = ("scheduled", "sending", "paused")

Draft = Annotated[bool, typer.Option("--draft", help="Save a draft and send nothing.")]
Wait = Annotated[bool, typer.Option("--wait", help="Show progress until the broadcast has ended.")]


def add_to(app: App) -> None:
    """Add the command to the root."""
    app.command(
        examples=[
            "clarion send --channel shop --all --text 'Hello {{ contact.name }}!'",
            "clarion send --channel shop --tag vip --story welcome --at 2026-12-24T09:30",
            "clarion send --channel shop --tag vip --text @hello.txt --every day --at-clock 09:00",
            "clarion send --channel shop --all --text 'Thank you!' --on-tag customer --delay 2h",
        ]
    )(send)


@uses_django
@with_option_groups
def send(
    content: ContentOptions,
    audience: AudienceOptions,
    schedule: ScheduleOptions,
    mail: MailOptions,
    settings: SettingOptions,
    undo: Undo = None,
    draft: Draft = False,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Send a text, story or template: now, or by a schedule or trigger."""
    if audience.given or not draft:
        audience.check()
    content.check(complete=not draft)
    schedule.check()
    if undo is not None and (schedule.given or draft):
        raise typer.BadParameter("Use it when sending now only.", param_hint="--undo")
    if wait and (draft or (schedule.given and schedule.at is None)):
        raise typer.BadParameter("Use it when sending now or with --at only.", param_hint="--wait")
    fields = {**content.draft_fields(), **schedule.draft_fields(), **settings.draft_fields()}
    fields |= mail.draft_fields()
    if audience.given:
        fields |= audience.draft_fields(fields.get("data_type"))
    broadcast = _create(fields, undo, draft)
    if draft:
        number = broadcast.pk
        print_note(f"Draft {number} is saved. Send it with: clarion drafts send {number}")
    else:
        print_launched(broadcast)
    if wait:
        wait_for(broadcast)
    if as_json or wait:
        show_broadcast(broadcast, as_json)
    if wait and broadcast.state != "completed":
        raise typer.Exit(EXIT_FAILED)


def _create(fields: dict[str, Any], undo: int | None, draft: bool) -> "Broadcast":
    from clarion.broadcasts import drafts, launch
    from clarion.broadcasts.errors import GapsError

    if draft:
        return drafts.create_draft(by=acting(), **fields)
    try:
        return launch.start_new(by=acting(), undo_seconds=undo, **fields)
    except GapsError as error:
        raise Failed(f"{error}\nTo send to the others, add --send-to-others.") from None


def print_launched(broadcast: "Broadcast") -> None:
    """Print who will get a broadcast that was just launched, and when it is sent."""
    if broadcast.audience:
        print_audience(broadcast)
    if broadcast.accepted_gaps:
        names = ", ".join(broadcast.accepted_gaps)
        print_note(f"Recipients who lack {names} get nothing.")
    if broadcast.state == "live":
        _print_live(broadcast)
    else:
        _print_scheduled(broadcast)
    _warn_of_channels(broadcast)
    warn_without_worker()


def _warn_of_channels(broadcast: "Broadcast") -> None:
    """Print what is wrong with the channels that the broadcast is sent through."""
    from clarion.channels.condition import conditions, words

    for channel, condition in conditions(broadcast.channels.order_by("name")):
        print_note(f"Warning: {words(channel, condition)}")


def warn_without_worker() -> None:
    """Print that nothing is sent, and what to do, when no worker is running or one can't send."""
    from clarion.engine.status import troubles, workers_alive

    if not workers_alive():
        print_note("No worker is running, so nothing is sent yet. Start one with: clarion serve")
    for host, why in troubles():
        print_note(f"The worker on {host} has stopped sending. {why}")


def _print_scheduled(broadcast: "Broadcast") -> None:
    from clarion import config
    from clarion.kit import clock

    assert broadcast.scheduled_at is not None
    if broadcast.scheduled_at <= clock.now():
        print_note(f"Broadcast {broadcast.pk} is sent now.")
        return
    own = own_time(broadcast.scheduled_at, broadcast.zone)
    zones = ", ".join(filter(None, (config.load().time_zone, own)))
    print_note(
        f"Broadcast {broadcast.pk} will be sent at {format_moment(broadcast.scheduled_at)} "
        f"({zones}). Delete it before with: "
        f"clarion broadcasts delete {broadcast.pk}"
    )


def _print_live(broadcast: "Broadcast") -> None:
    from clarion.broadcasts import periodic, trigger

    if broadcast.type == "external":
        how = f"sends when its URL is called. Show it with: clarion external url {broadcast.pk}"
    elif broadcast.type == "trigger":
        how = f"sends {trigger.words(trigger.parse(broadcast.trigger))}."
    else:
        assert broadcast.next_run_at is not None
        next_run = format_planned(broadcast.next_run_at, broadcast.zone)
        how = f"repeats: {periodic.words(broadcast)}. Next run: {next_run}."
    print_note(f"Broadcast {broadcast.pk} {how}")


def wait_for(broadcast: "Broadcast") -> None:
    """Show progress until the broadcast is no longer on its way."""
    try:
        _watch(broadcast)
    except KeyboardInterrupt:
        print_note(
            "The broadcast continues. "
            f"Follow it with: clarion broadcasts show {broadcast.pk}, "
            f"stop it with: clarion broadcasts stop {broadcast.pk}"
        )
        raise


def _watch(broadcast: "Broadcast") -> None:
    with progress(f"Broadcast {broadcast.pk}") as update:
        while broadcast.state in ON_ITS_WAY:
            facts = document(broadcast)
            pending = facts["queued"] + facts["held"] + facts["sending"]
            update(facts["total"] - pending, facts["total"], _remark(facts))
            time.sleep(LOOK)
            _refresh(broadcast)
        facts = document(broadcast)
        update(facts["total"], facts["total"], _remark(facts))


def _remark(facts: dict[str, object]) -> str:
    """The state and the counts that matter, such as ``sending, 9,412 completed, 3 failed``."""
    parts = [str(facts["state"]), f"{facts['completed']:,} completed"]
    parts += [
        f"{facts[state]:,} {state.replace('_', ' ')}"
        for state in ("failed", "held", "in_doubt")
        if facts[state]
    ]
    return ", ".join(parts)


def _refresh(broadcast: "Broadcast") -> None:
    try:
        broadcast.refresh_from_db()
    except type(broadcast).DoesNotExist:
        raise Failed(f"Broadcast {broadcast.pk} was deleted before it was sent.") from None
