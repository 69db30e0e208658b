"""``clarion webhooks``: URLs of other programs to which events are posted."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.django_setup import uses_django
from clarion.cli.failures import Failed
from clarion.cli.options import AsJson, Limit
from clarion.cli.output import (
    counted,
    print_facts,
    print_json,
    print_line,
    print_note,
    print_table,
)

if TYPE_CHECKING:
    from clarion.accounts.models import Agent
    from clarion.webhooks.models import Endpoint

app = App("Webhook endpoints: URLs of other programs to which events are posted.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The endpoint's name.")]
Url = Annotated[str, typer.Argument(metavar="URL", help="Events are posted to it.")]
Events = Annotated[
    list[str],
    typer.Option(
        "--event",
        metavar="EVENT",
        help="An event to post, such as delivery.failed. Can be repeated. `all` is all. "
        "List them with: clarion webhooks events",
    ),
]
Private = Annotated[
    bool,
    typer.Option(help="Whether the URL may be in your own network or on this machine."),
]


@app.command("list")
@uses_django
def list_endpoints(as_json: AsJson = False) -> None:
    """List the endpoints."""
    from clarion.webhooks.models import Endpoint

    endpoints = [_document(endpoint) for endpoint in Endpoint.objects.order_by("name")]
    if as_json:
        print_json(endpoints)
    elif not endpoints:
        print_line(
            "There are no webhook endpoints yet. Add one with: "
            "clarion webhooks add NAME URL --event all"
        )
    else:
        columns = ("name", "url", "state", "failing_since")
        headers = ["NAME", "URL", "STATE", "FAILING SINCE"]
        print_table(headers, [[each[column] for column in columns] for each in endpoints])


@app.command("events")
def list_events(as_json: AsJson = False) -> None:
    """List the events that can be posted."""
    from clarion.webhooks.events import EVENT_TYPES

    if as_json:
        print_json([{"event": name, "meaning": text} for name, text in EVENT_TYPES.items()])
    else:
        print_table(["EVENT", "MEANING"], list(EVENT_TYPES.items()))


@app.command(
    examples=[
        "clarion webhooks add Shop https://shop.example.org/clarion --event delivery.failed",
        "clarion webhooks add Shop https://shop.example.org/clarion --event all",
    ]
)
@uses_django
def add(name: Name, url: Url, event: Events, allow_private: Private = False) -> None:
    """Add an endpoint. It gets what happens from now on; its secret is printed once."""
    from clarion.webhooks.endpoints import add_endpoint

    endpoint, secret = add_endpoint(
        name=name, url=url, event_types=_events(event), allow_private=allow_private, by=_manager()
    )
    print_line(f"Added the webhook endpoint {endpoint.name}.")
    print_line(f"Secret (shown only now): {secret}")
    print_note(f"Try it with: clarion webhooks test {_quoted(endpoint.name)}")


@app.command(examples=["clarion webhooks edit Shop --url https://shop.example.org/v2/clarion"])
@uses_django
def edit(
    name: Name,
    new_name: Annotated[str, typer.Option("--name", metavar="NAME", help="Another name.")] = "",
    url: Annotated[str, typer.Option("--url", metavar="URL", help="Another URL.")] = "",
    event: Annotated[
        list[str] | None, typer.Option("--event", metavar="EVENT", help="The events to post.")
    ] = None,
    allow_private: Annotated[
        bool | None, typer.Option(help="Whether the URL may be in your own network.")
    ] = None,
) -> None:
    """Change an endpoint. What is left out stays; events replace those of before."""
    from clarion.webhooks.endpoints import edit_endpoint

    by, endpoint = _manager(), _find(name)
    edit_endpoint(
        endpoint,
        name=new_name or endpoint.name,
        url=url or endpoint.url,
        event_types=_events(event) if event else endpoint.event_types,
        allow_private=endpoint.allow_private if allow_private is None else allow_private,
        by=by,
    )
    print_line(f"Changed the webhook endpoint {endpoint.name}.")


@app.command()
@uses_django
def show(name: Name, as_json: AsJson = False) -> None:
    """Show an endpoint and its events."""
    document = _document(_find(name))
    if as_json:
        print_json(document)
    else:
        print_facts(
            [(key.replace("_", " ").capitalize(), value) for key, value in document.items()]
        )


@app.command(examples=["clarion webhooks pause Shop"])
@uses_django
def pause(name: Name) -> None:
    """Post nothing to an endpoint until it is resumed. Events are kept for then."""
    from clarion.webhooks.endpoints import pause_endpoint

    by, endpoint = _manager(), _find(name)
    pause_endpoint(endpoint, by=by)
    print_line(f"{endpoint.name} is paused.")


@app.command(examples=["clarion webhooks resume Shop --skip"])
@uses_django
def resume(
    name: Name,
    skip: Annotated[
        bool, typer.Option("--skip", help="Post only what happens from now on.")
    ] = False,
) -> None:
    """Post to an endpoint again, also what happened while it was paused or disabled."""
    from clarion.webhooks.endpoints import resume_endpoint

    by, endpoint = _manager(), _find(name)
    resume_endpoint(endpoint, skip=skip, by=by)
    print_line(f"{endpoint.name} is active.")


@app.command("rotate-secret", examples=["clarion webhooks rotate-secret Shop"])
@uses_django
def rotate_secret(name: Name) -> None:
    """Replace an endpoint's secret. For a day, requests are signed with both."""
    from clarion.webhooks import endpoints

    by, endpoint = _manager(), _find(name)
    secret = endpoints.rotate_secret(endpoint, by=by)
    print_line(f"New secret (shown only now): {secret}")


@app.command(examples=["clarion webhooks test Shop"])
@uses_django
def test(name: Name) -> None:
    """Post a test event to an endpoint. A worker sends it within seconds."""
    from clarion.webhooks.endpoints import send_test

    by, endpoint = _manager(), _find(name)
    send_test(endpoint, by=by)
    print_line(
        f"A test event waits for a worker. See: clarion webhooks log {_quoted(endpoint.name)}"
    )


@app.command(examples=["clarion webhooks log Shop --state failed"])
@uses_django
def log(
    name: Name,
    state: Annotated[
        Literal["waiting", "accepted", "failed"] | None, typer.Option(help="Only these requests.")
    ] = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List the requests to an endpoint of the last 30 days, newest first."""
    from clarion.webhooks.log import log_of

    requests = [
        {
            "id": request.pk,
            "created": request.created_at,
            "events": request.events,
            "state": request.state,
            "attempts": request.attempts,
            "outcome": request.outcome,
            "next_attempt": request.due_at if request.state == "waiting" else None,
        }
        for request in log_of(_find(name), state or "")[:limit]
    ]
    if as_json:
        print_json(requests)
    elif not requests:
        print_line("There are no requests.")
    else:
        headers = ["ID", "CREATED", "EVENTS", "STATE", "ATTEMPTS", "OUTCOME", "NEXT ATTEMPT"]
        print_table(headers, [list(request.values()) for request in requests])


@app.command(examples=["clarion webhooks repeat Shop 17", "clarion webhooks repeat Shop --failed"])
@uses_django
def repeat(
    name: Name,
    number: Annotated[
        int | None, typer.Argument(metavar="[ID]", help="The request's ID.", min=1)
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="All that failed.")] = False,
) -> None:
    """Post requests again: one, or all that failed."""
    from clarion.kit.numbers import is_id
    from clarion.webhooks.log import log_of, repeat_failed, repeat_request

    by, endpoint = _manager(), _find(name)
    if (number is None) != failed:
        raise Failed("Choose either the ID of a request or --failed.")
    if number is None:
        count = repeat_failed(endpoint, by=by)
        print_line(f"{counted(count, 'request')} will be posted again.")
        return
    request = log_of(endpoint).filter(pk=number).first() if is_id(number) else None
    if request is None:
        raise Failed(
            f"There is no request {number}. List them with: clarion webhooks log {_quoted(name)}"
        )
    repeat_request(request, by=by)
    print_line(f"Request {number} will be posted again.")


@app.command(examples=["clarion webhooks delete Shop --yes"])
@uses_django
def delete(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete an endpoint with its log. This can't be undone."""
    from clarion.webhooks.endpoints import delete_endpoint

    by, endpoint = _manager(), _find(name)
    if not yes:
        typer.confirm(
            f"Delete {endpoint.name} and its log? Events that were not posted yet will not be.",
            abort=True,
        )
    delete_endpoint(endpoint, by=by)
    print_line(f"Deleted the webhook endpoint {endpoint.name}.")


def _find(name: str) -> "Endpoint":
    from clarion.webhooks.models import Endpoint

    endpoint = Endpoint.objects.filter(name=name).first()
    if endpoint is None:
        raise Failed(
            f"There is no webhook endpoint “{name}”. List them with: clarion webhooks list"
        )
    return endpoint


def _manager() -> "Agent | str":
    from clarion.accounts.models import Agent, Role

    by = acting()
    if isinstance(by, Agent) and not by.may(Role.MANAGER):
        raise Failed("Only managers and admins can change webhook endpoints.")
    return by


def _events(chosen: list[str]) -> list[str]:
    from clarion.webhooks.events import EVENT_TYPES

    return list(EVENT_TYPES) if chosen == ["all"] else chosen


def _quoted(name: str) -> str:
    import shlex

    return shlex.quote(name)


def _document(endpoint: "Endpoint") -> dict[str, Any]:
    return {
        "name": endpoint.name,
        "url": endpoint.url,
        "events": endpoint.event_types,
        "allow_private": endpoint.allow_private,
        "state": endpoint.state,
        "state_reason": endpoint.state_reason,
        "failing_since": endpoint.failing_since,
        "created": endpoint.created_at,
    }
