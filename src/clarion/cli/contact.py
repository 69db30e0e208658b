"""``clarion contacts``: one contact, what is known of them and what happened."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from clarion.cli.app import App
from clarion.cli.django_setup import uses_django
from clarion.cli.lookups import find_contact
from clarion.cli.options import AsJson, ContactName, Limit
from clarion.cli.output import (
    format_moment,
    print_cut,
    print_facts,
    print_json,
    print_line,
    print_table,
)

if TYPE_CHECKING:
    from clarion.contacts.models import Contact
    from clarion.insights.timeline_sources import Line


def add_to(app: App) -> None:
    """Add the commands to those of contacts."""
    app.command(examples=["clarion contacts show 1001", "clarion contacts show '#17'"])(show)
    app.command(examples=["clarion contacts timeline 1001 --show messages"])(timeline)


@uses_django
def show(contact: ContactName, as_json: AsJson = False) -> None:
    """Show what is known of a contact: attributes, tags, addresses, consents."""
    document = _document(find_contact(contact))
    if as_json:
        print_json(document)
        return
    fields = ("id", "name", "language", "time_zone", "created_at", "tags")
    print_facts([(name.replace("_", " "), document[name]) for name in fields])
    print_facts([(name, value) for name, value in document["attributes"].items()])
    print_facts([(f"consent {name}", is_given) for name, is_given in document["consents"].items()])
    print_table(
        ["CHAT", "CHANNEL", "USER", "STATE"],
        [list(address.values()) for address in document["addresses"]],
    )


def _document(contact: "Contact") -> dict[str, Any]:
    addresses = contact.addresses.filter(alias_of=None).select_related("channel").order_by("pk")
    return {
        "id": contact.pk,
        "name": contact.name,
        "language": contact.language,
        "time_zone": contact.time_zone,
        "attributes": contact.attributes,
        "tags": list(contact.taggings.order_by("tag__name").values_list("tag__name", flat=True)),
        "addresses": [
            {
                "chat": address.pk,
                "channel": address.channel.name,
                "user": address.user_id,
                "state": address.state,
            }
            for address in addresses
        ],
        "consents": dict(
            contact.grants.order_by("consent__name").values_list("consent__name", "given")
        ),
        "created_at": contact.created_at,
    }


@uses_django
def timeline(
    contact: ContactName,
    show: Annotated[
        str,
        typer.Option(
            metavar="KIND",
            help="Only messages, not_sent, chats, consents, codes or changes.",
        ),
    ] = "",
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List everything that happened to a contact, newest first."""
    from clarion.insights.timeline import MOST_LINES, Span
    from clarion.insights.timeline import timeline as read

    person = find_contact(contact)
    try:
        page = read(person, Span(show), limit=min(limit, MOST_LINES))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--show") from None
    if as_json:
        print_json([_listed(line) for line in page.rows])
        return
    if not page.rows:
        print_line("Nothing has happened yet.")
    for line in page.rows:
        parts = [line.title, line.channel, line.broadcast_title or line.broadcast, line.state]
        print_line(f"{format_moment(line.at)}  {', '.join(str(part) for part in parts if part)}")
        for text in (*line.text.splitlines(), line.actor and f"by {line.actor}"):
            if text:
                print_line(f"    {text}")
    if page.next_cursor:
        print_cut(limit)


def _listed(line: "Line") -> dict[str, Any]:
    return {
        "at": line.at,
        "what": line.what,
        "title": line.title,
        "text": line.text,
        "by": line.actor or None,
        "channel": line.channel or None,
        "broadcast": line.broadcast,
        "record": line.record,
        "chat": line.chat,
        "state": line.state or None,
    }
