"""``clarion periodic``, ``triggers``, ``external``, ``event``: what runs by itself or on call."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clarion.cli.broadcasts import AsJson, Id, find
from clarion.cli.django_setup import uses_django
from clarion.cli.failures import Failed
from clarion.cli.output import print_json, print_line, print_note, print_table

if TYPE_CHECKING:
    from clarion.contacts.models import Address

periodic = typer.Typer(help="Broadcasts that run again and again.", no_args_is_help=True)
triggers = typer.Typer(help="Broadcasts to people to whom something happens.", no_args_is_help=True)
external = typer.Typer(help="Broadcasts that other programs launch.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add these commands to the root."""
    app.add_typer(periodic, name="periodic")
    app.add_typer(triggers, name="triggers")
    app.add_typer(external, name="external")
    app.command("event")(event)


@periodic.command("list")
@uses_django
def list_periodic(as_json: AsJson = False) -> None:
    """List periodic broadcasts with their next run, the next one first."""
    from django.db.models import Count

    from clarion.broadcasts import periodic as runs
    from clarion.broadcasts.models import Broadcast
    from clarion.broadcasts.states import ACTIVE

    found = Broadcast.objects.filter(state__in=ACTIVE).exclude(recurrence={})
    listed = [
        {
            "id": one.pk,
            "title": one.title,
            "state": one.state,
            "state_reason": one.state_reason,
            "when": runs.words(one),
            "time_zone": one.zone,
            "recurrence": one.recurrence,
            "next_run_at": one.next_run_at,
            "runs": one.count,
        }
        for one in found.annotate(count=Count("runs")).order_by("next_run_at", "pk")
    ]
    _show(
        listed,
        {"ID": "id", "TITLE": "title", "STATE": "state", "WHEN": "when", "RUNS": "runs"}
        | {"NEXT": "next_run_at"},
        "No periodic broadcast is live. Start one: clarion send … --every day --at-clock 09:00",
        as_json,
    )


@periodic.command("next")
@uses_django
def next_runs(
    number: Id,
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many runs.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Show when a periodic broadcast runs next, by its own time zone."""
    from zoneinfo import ZoneInfo

    from clarion.broadcasts import periodic as runs

    broadcast = find(number)
    if not broadcast.recurrence:
        raise Failed(f"Broadcast {number} is not periodic. See: clarion periodic list")
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
    """List live triggers: on what they fire, and for how many people they have."""
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
            "id": one.pk,
            "title": one.title,
            "state": one.state,
            "state_reason": one.state_reason,
            "when": definition.words(definition.parse(one.trigger)),
            "trigger": one.trigger,
            "url": calls.url(one),
            **{name: getattr(one, name) for name in counted},
        }
        for one in types.annotate(**counted).order_by("pk")
    ]
    _show(
        listed,
        {"ID": "id", "TITLE": "title", "STATE": "state", "WHEN": "when"}
        | {"WAITING": "waiting", "SENT": "sent", "DROPPED": "dropped"},
        "No trigger is live. Start one: clarion send … --on-tag TAG",
        as_json,
    )


@triggers.command("firings")
@uses_django
def list_firings(
    number: Id,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show for whom a trigger has fired, when they are due, and why somebody was dropped."""
    broadcast = find(number)
    newest = broadcast.firings.select_related("contact").order_by("-pk")
    listed = [
        {
            "contact": one.contact_id,
            "name": one.contact.name,
            "happened_at": one.happened_at,
            "due_at": one.due_at,
            "state": one.state,
            "reason": one.reason,
            "data": one.data,
        }
        for one in newest[:limit]
    ]
    _show(
        listed,
        {"CONTACT": "contact", "NAME": "name", "HAPPENED": "happened_at", "DUE": "due_at"}
        | {"STATE": "state", "REASON": "reason"},
        "It has not fired yet.",
        as_json,
    )


@external.command("url")
@uses_django
def secret_url(
    number: Id,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Make a new one; the old one stops working at once.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print the secret URL of an external broadcast, or of a trigger on an event."""
    from clarion.accounts.audit import COMMAND_LINE
    from clarion.broadcasts import calls

    broadcast = find(number)
    if rotate:
        calls.rotate(broadcast, by=COMMAND_LINE)
    url = calls.url(broadcast)
    if not url:
        raise Failed(
            f"Broadcast {number} has no URL. External broadcasts and triggers on an event get one "
            "when they are started."
        )
    if as_json:
        print_json({"id": number, "url": url})
        return
    print_line(url)
    if url.startswith("/"):
        print_note("Put the address of this server before it, or set CLARION_PUBLIC_URL.")


@uses_django
def event(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What has happened.")],
    channel: Annotated[str, typer.Option(metavar="C", help="Where the user id belongs to.")],
    user: Annotated[str, typer.Option(metavar="ID", help="To whom: the provider's user id.")],
    data: Annotated[
        str, typer.Option(metavar="JSON", help="An object: {{ data.x }} of what they get.")
    ] = "{}",
    as_json: AsJson = False,
) -> None:
    """Say that something has happened to somebody: the triggers on it fire."""
    from clarion.broadcasts.calls import checked_data
    from clarion.broadcasts.firings import event_arrived

    person = find_address(channel, user)
    fired = event_arrived(name, person.contact_id, checked_data(_parsed(data)))
    if as_json:
        print_json({"event": name, "contact": person.contact_id, "fired": fired})
    elif fired:
        print_line(f"{fired} {'trigger fires' if fired == 1 else 'triggers fire'} for {user}.")
    else:
        print_line(f"No trigger fires for {user}: none is on “{name}”, or they have fired already.")


def find_address(channel: str, user: str) -> "Address":
    """The address of a user id on a channel. Raises Failed for one that is not known there."""
    from clarion.channels.contract import BadIdError
    from clarion.channels.manage import get_channel
    from clarion.channels.registry import kind_class
    from clarion.contacts.models import Address

    place = get_channel(channel)
    try:
        value = kind_class(place.kind).user_id(user)
    except BadIdError as error:
        raise Failed(f"“{user}” can't be a user id on {channel}: {error}.") from None
    found = Address.objects.filter(channel=place, value=value).first()
    if found is None:
        raise Failed(f"Nobody on {channel} has the user id “{user}”. Import them first.")
    return found


def _parsed(data: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise typer.BadParameter("Write a JSON object.", param_hint="--data") from None


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
            [[_cell(one[field], field) for field in columns.values()] for one in listed],
        )


def _cell(value: Any, field: str) -> Any:
    return str(value) if field in {"id", "contact"} else value
