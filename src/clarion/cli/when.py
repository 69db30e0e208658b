"""``clarion periodic``, ``triggers``, ``external``, ``event``: what starts without ``send``."""

from typing import Annotated, Any

import typer

from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.django_setup import uses_django
from clarion.cli.failures import Failed
from clarion.cli.lookups import find_address, find_broadcast
from clarion.cli.options import AsJson, BroadcastId, Limit, OfChannel, parse_json
from clarion.cli.output import counted, print_json, print_line, print_note, print_table

periodic = App("Broadcasts that repeat on a schedule.")
triggers = App("Broadcasts that start when something happens to a contact.")
external = App("Broadcasts that start when your system calls a URL.")


def add_to(app: App) -> None:
    """Add these commands to the root."""
    app.add_typer(periodic, name="periodic")
    app.add_typer(triggers, name="triggers")
    app.add_typer(external, name="external")
    app.command(
        "event",
        examples=['clarion event ordered --channel shop --user 1001 --data \'{"order": "A-17"}\''],
    )(event)


@periodic.command("list")
@uses_django
def list_periodic(as_json: AsJson = False) -> None:
    """List the periodic broadcasts that are live or paused, the next run first."""
    from django.db.models import Count

    from clarion.broadcasts import periodic as runs
    from clarion.broadcasts.models import Broadcast
    from clarion.broadcasts.states import ACTIVE

    live = Broadcast.objects.filter(state__in=ACTIVE).exclude(recurrence={})
    listed = [
        {
            "id": broadcast.pk,
            "title": broadcast.title,
            "state": broadcast.state,
            "state_reason": broadcast.state_reason,
            "when": runs.words(broadcast),
            "time_zone": broadcast.zone,
            "recurrence": broadcast.recurrence,
            "next_run_at": broadcast.next_run_at,
            "runs": broadcast.count,
        }
        for broadcast in live.annotate(count=Count("runs")).order_by("next_run_at", "pk")
    ]
    _show(
        listed,
        {"ID": "id", "TITLE": "title", "STATE": "state", "WHEN": "when", "RUNS": "runs"}
        | {"NEXT": "next_run_at"},
        "There are no live periodic broadcasts. Start one with: clarion send … --every day "
        "--at-clock 09:00",
        as_json,
    )


@periodic.command("next")
@uses_django
def next_runs(
    number: BroadcastId,
    count: Annotated[
        int, typer.Option(min=1, max=1000, metavar="N", help="How many runs to show.")
    ] = 5,
    as_json: AsJson = False,
) -> None:
    """Show the next runs of a periodic broadcast, in its time zone."""
    from zoneinfo import ZoneInfo

    from clarion.broadcasts import periodic as runs

    broadcast = find_broadcast(number)
    if not broadcast.recurrence:
        raise Failed(f"Broadcast {number} is not periodic. List those with: clarion periodic list")
    moments = runs.upcoming(broadcast, count)
    if as_json:
        print_json(moments)
        return
    print_note(runs.words(broadcast))
    for moment in moments:
        print_line(f"{moment.astimezone(ZoneInfo(broadcast.zone)):%a %Y-%m-%d %H:%M %z}")


@triggers.command("list")
@uses_django
def list_triggers(as_json: AsJson = False) -> None:
    """List the triggers that are live or paused, with the number of contacts by state."""
    from django.db.models import Count, Q

    from clarion.broadcasts import calls
    from clarion.broadcasts import trigger as definition
    from clarion.broadcasts.models import Broadcast, Firing
    from clarion.broadcasts.states import ACTIVE

    types = Broadcast.objects.filter(type=Broadcast.Type.TRIGGER, state__in=ACTIVE)
    counted = {
        str(state): Count("firings", filter=Q(firings__state=state)) for state in Firing.State
    }
    listed = [
        {
            "id": broadcast.pk,
            "title": broadcast.title,
            "state": broadcast.state,
            "state_reason": broadcast.state_reason,
            "when": definition.words(definition.parse(broadcast.trigger)),
            "trigger": broadcast.trigger,
            "url": calls.url(broadcast),
            **{name: getattr(broadcast, name) for name in counted},
        }
        for broadcast in types.annotate(**counted).order_by("pk")
    ]
    _show(
        listed,
        {"ID": "id", "TITLE": "title", "STATE": "state", "WHEN": "when"}
        | {"WAITING": "waiting", "SENT": "sent", "DROPPED": "dropped"},
        "There are no live triggers. Start one with: clarion send … --on-tag TAG",
        as_json,
    )


@triggers.command("firings")
@uses_django
def list_firings(
    number: BroadcastId,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List the contacts that a trigger has fired for, the newest first."""
    broadcast = find_broadcast(number)
    newest = broadcast.firings.select_related("contact").order_by("-pk")
    listed = [
        {
            "contact": firing.contact_id,
            "name": firing.contact.name,
            "happened_at": firing.happened_at,
            "due_at": firing.due_at,
            "state": firing.state,
            "reason": firing.reason,
            "data": firing.data,
        }
        for firing in newest[:limit]
    ]
    _show(
        listed,
        {"CONTACT": "contact", "NAME": "name", "HAPPENED": "happened_at", "DUE": "due_at"}
        | {"STATE": "state", "REASON": "reason"},
        f"Trigger {number} has not fired yet.",
        as_json,
    )


@external.command("url")
@uses_django
def secret_url(
    number: BroadcastId,
    rotate: Annotated[
        bool,
        typer.Option("--rotate", help="Create a new URL. The old one stops working at once."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the secret URL of an external broadcast, or of a trigger on an event."""
    from clarion.broadcasts import calls

    broadcast = find_broadcast(number)
    if rotate:
        calls.rotate(broadcast, by=acting())
    url = calls.url(broadcast)
    if not url:
        raise Failed(
            f"Broadcast {number} has no URL. External broadcasts and triggers on an event have one "
            "once they are live."
        )
    if as_json:
        print_json({"id": number, "url": url})
        return
    print_line(url)
    if url.startswith("/"):
        print_note("Add the address of this server in front, or set CLARION_PUBLIC_URL.")


@uses_django
def event(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The event's name.")],
    channel: OfChannel,
    user: Annotated[str, typer.Option(metavar="ID", help="The contact's user id there.")],
    data: Annotated[
        str,
        typer.Option(
            metavar="JSON", help="A JSON object for the text, which shows x as {{ data.x }}."
        ),
    ] = "{}",
    as_json: AsJson = False,
) -> None:
    """Record an event for a contact. Triggers on this event start."""
    from clarion.broadcasts.call_data import checked_data
    from clarion.broadcasts.firings import event_arrived

    contact = find_address(channel, user).contact_id
    fired = event_arrived(name, contact, checked_data(parse_json("--data", data)))
    if as_json:
        print_json({"event": name, "contact": contact, "fired": fired})
    elif fired:
        print_line(f"{counted(fired, 'trigger')} fired for {user}.")
    else:
        print_line(
            f"No trigger fired for {user}: no live trigger is on “{name}”, or it fired before."
        )


def _show(
    listed: list[dict[str, Any]], columns: dict[str, str], nothing: str, as_json: bool
) -> None:
    if as_json:
        print_json(listed)
    elif not listed:
        print_line(nothing)
    else:
        print_table(
            list(columns),
            [[_cell(row[field], field) for field in columns.values()] for row in listed],
        )


def _cell(value: Any, field: str) -> Any:
    return str(value) if field in {"id", "contact"} else value
