"""``clarion contacts``: one contact, what is known of them and what happened."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.django_setup import uses_django
from clarion.cli.failures import Failed
from clarion.cli.lookups import find_contact
from clarion.cli.options import REPEATABLE, AsJson, ContactName, Limit, OfChannel
from clarion.cli.output import (
    counted,
    format_moment,
    plain_json,
    print_cut,
    print_facts,
    print_json,
    print_line,
    print_note,
    print_table,
)

if TYPE_CHECKING:
    from clarion.contacts.models import Contact
    from clarion.insights.timeline_sources import Line


def add_to(app: App) -> None:
    """Add the commands to those of contacts."""
    app.command(examples=["clarion contacts show 1001", "clarion contacts show '#17'"])(show)
    app.command(examples=["clarion contacts timeline 1001 --show messages"])(timeline)
    app.command(
        examples=[
            "clarion contacts edit 1001 --name 'Ada King' --set city=London --unset age",
            "clarion contacts edit '#17' --tag vip --untag old",
        ]
    )(edit)
    example = "clarion contacts add-address 1001 --channel mail --user ada@example.org"
    app.command("add-address", examples=[example])(add_address)
    app.command("opt-out", examples=["clarion contacts opt-out 1001 --channel shop"])(opt_out)
    app.command(examples=["clarion contacts delete 1001"])(delete)
    example = "clarion contacts export-person 1001 --output ada.json"
    app.command("export-person", examples=[example])(export_person)


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
    from clarion.insights.merged import MOST_LINES, Span
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


@uses_django
def edit(
    contact: ContactName,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="The name.")] = None,
    language: Annotated[
        str | None, typer.Option(metavar="CODE", help="A code such as de or pt-BR.")
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="A time zone such as Europe/Berlin.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help=f"Set an attribute. {REPEATABLE}"),
    ] = None,
    unset: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help=f"Remove an attribute. {REPEATABLE}")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option(metavar="TAG", help=f"Assign a tag. {REPEATABLE}")
    ] = None,
    untag: Annotated[
        list[str] | None, typer.Option(metavar="TAG", help=f"Remove a tag. {REPEATABLE}")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Change a contact. What you leave out stays as it is."""
    from clarion.contacts.editing import Edit, EditError
    from clarion.contacts.editing import edit as change

    person = find_contact(contact)
    own = set(person.taggings.values_list("tag__name", flat=True))
    try:
        changed = change(
            person,
            Edit(
                name=name,
                language=language,
                time_zone=time_zone,
                attributes=_attributes(set_ or [], unset or []),
                tags=sorted((own | set(tag or [])) - set(untag or [])),
            ),
            by=acting(),
        )
    except EditError as error:
        raise Failed(str(error)) from None
    if as_json:
        print_json({"id": person.pk, "changed": changed})
    elif changed:
        print_line(f"Changed: {', '.join(field.replace('_', ' ') for field in changed)}.")
    else:
        print_line("Nothing has changed.")


def _attributes(wanted: list[str], removed: list[str]) -> dict[str, str]:
    attributes = dict.fromkeys(removed, "")
    for pair in wanted:
        name, equals, value = pair.partition("=")
        if not equals:
            raise typer.BadParameter(f"Write “{pair}” as NAME=VALUE.", param_hint="--set")
        attributes[name] = value
    return attributes


@uses_django
def add_address(
    contact: ContactName,
    channel: OfChannel,
    user: Annotated[str, typer.Option(metavar="ID", help="The contact's user id on this channel.")],
    as_json: AsJson = False,
) -> None:
    """Add an address to a contact."""
    from clarion.channels.manage import get_channel
    from clarion.contacts.editing import EditError
    from clarion.contacts.editing import add_address as add

    person = find_contact(contact)
    try:
        address = add(person, get_channel(channel), user, by=acting())
    except EditError as error:
        raise Failed(str(error)) from None
    if as_json:
        print_json({"id": person.pk, "chat": address.pk, "user": address.user_id})
    else:
        print_line(f"Added {address.user_id} on {channel}: chat {address.pk}.")


@uses_django
def opt_out(
    contact: ContactName,
    channel: Annotated[
        str, typer.Option(metavar="CHANNEL", help="Only on this channel. Without it, on all.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Note that a contact wants no more broadcasts. Queued ones are skipped at once."""
    from clarion.channels.manage import get_channel
    from clarion.contacts import addresses
    from clarion.kit import clock

    own = find_contact(contact).addresses.filter(alias_of=None)
    if channel:
        own = own.filter(channel=get_channel(channel))
    by = acting()
    marked = [row.pk for row in own if addresses.mark(row.pk, "opted_out", clock.now(), by=by)]
    if as_json:
        print_json({"opted_out": marked})
    else:
        print_line(f"{counted(len(marked), 'address', 'addresses')} opted out.")


@uses_django
def delete(
    contact: ContactName,
    suppress: Annotated[
        bool,
        typer.Option(
            "--suppress/--no-suppress",
            help="Keep all user ids on the suppression list, so that a later import sends nothing. "
            "User ids that opted out are kept in any case.",
        ),
    ] = True,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask for confirmation.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete a contact for good, and make their records anonymous."""
    from clarion.contacts.deleting import delete_contact
    from clarion.insights.person_facts import person_facts

    person = find_contact(contact)
    facts = person_facts(person)
    if not yes:
        addresses = counted(facts.addresses, "address", "addresses")
        messages = counted(facts.chat_messages, "chat message")
        typer.confirm(
            f"Delete contact {person.pk} with {addresses} and {messages}, and erase what "
            f"{counted(facts.records, 'record')} say they were sent? The records are kept without "
            "their name, so that numbers stay correct. This can't be undone.",
            abort=True,
        )
    suppressed = delete_contact(person, suppress=suppress, by=acting())
    if as_json:
        print_json({"deleted": person.pk, "suppressed": suppressed})
    else:
        print_line(f"Deleted. {counted(suppressed, 'user id')} kept on the suppression list.")


@uses_django
def export_person(
    contact: ContactName,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write to this file. Without it, print the document."),
    ] = None,
) -> None:
    """Export everything that is stored about a contact, as JSON."""
    from clarion.insights.person_export import export_person as export

    document = json.dumps(
        export(find_contact(contact), by=acting()), ensure_ascii=False, indent=2, default=plain_json
    )
    if output is None:
        print_line(document)
        return
    try:
        output.write_text(document + "\n", encoding="utf-8")
    except OSError as error:
        raise Failed(f"{output} can't be written: {error.strerror}.") from None
    print_note(f"Written to {output}.")


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
