"""``clarion consents``: marketing permissions, and who has given them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.csv_ids import read_address_ids
from clarion.cli.django_setup import uses_django
from clarion.cli.option_groups import with_option_groups
from clarion.cli.options import (
    MOMENT,
    REPEATABLE,
    AsJson,
    ContactName,
    IdColumn,
    chosen,
    only_with,
    parse_moment,
)
from clarion.cli.output import counted, print_json, print_line, print_table

if TYPE_CHECKING:
    from clarion.consents.manage import Confirming
    from clarion.consents.models import Consent

app = App("Marketing permissions that contacts give and withdraw.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The consent's name.")]
Way = Literal["agent", "import", "api", "form", "keyword", "page", "complaint"]
How = Annotated[Way, typer.Option(help="How it was given or withdrawn.")]
At = Annotated[
    str | None,
    typer.Option(
        metavar="TIME", help=f"When it was given or withdrawn, such as {MOMENT}. Without it: now."
    ),
]
Note = Annotated[
    str,
    typer.Option(
        metavar="TEXT", help="What proves it, such as where the form is. Without it: the file."
    ),
]
Category = Annotated[str, typer.Option(metavar="CATEGORY", help="The category to list it under.")]
Words = Annotated[
    str, typer.Option("--text", metavar="TEXT", help="What contacts agree to, word for word.")
]


Channel = Annotated[
    str | None,
    typer.Option(
        metavar="CHANNEL",
        help="Contacts confirm the consent by a link that this channel sends; “none”: they need "
        "not.",
    ),
]
Subject = Annotated[
    str, typer.Option(metavar="TEXT", help="The subject of the confirmation message.")
]
Message = Annotated[
    str, typer.Option(metavar="TEXT", help="The confirmation message, with {{ confirm_url }}.")
]
Confirmed = Annotated[
    bool,
    typer.Option("--confirmed", help="They have confirmed it already: don't ask them for it."),
]


@dataclass(frozen=True, slots=True)
class Contacts:
    """Whose consent it is, as the options name them; see ``option_groups``."""

    contacts: Annotated[
        list[int] | None,
        typer.Option("--contact", metavar="N", help=f"The contact with this number. {REPEATABLE}"),
    ] = None
    tag: Annotated[str | None, typer.Option(metavar="TAG", help="All contacts with this tag.")] = (
        None
    )
    everyone: Annotated[bool, typer.Option("--all", help="All contacts.")] = False
    ids: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The contacts with the user ids in this CSV file; with --channel."
        ),
    ] = None
    channel: Annotated[
        str | None, typer.Option(metavar="CHANNEL", help="The channel that these ids belong to.")
    ] = None
    id_column: IdColumn = None

    def check(self) -> None:
        """Raise BadParameter unless exactly one way of naming contacts is given, and fits."""
        way = chosen(
            {
                "--contact": self.contacts,
                "--tag": self.tag,
                "--all": self.everyone,
                "--ids": self.ids,
            }
        )
        only_with("--channel", self.channel, "--ids", given=way)
        only_with("--id-column", self.id_column, "--ids", given=way)
        if self.ids is not None and self.channel is None:
            raise typer.BadParameter("Name the channel with --channel.", param_hint="--ids")

    def contact_ids(self) -> Iterable[int]:
        """The ids of the contacts. Raises an error of a package for what does not exist."""
        from clarion.channels.manage import get_channel
        from clarion.consents.grants import everyone, known, owners
        from clarion.contacts.tags import find_tag

        if self.contacts:
            return known(self.contacts)
        if self.ids is not None and self.channel is not None:
            return owners(read_address_ids(self.ids, get_channel(self.channel), self.id_column))
        return everyone(None if self.tag is None else find_tag(self.tag))


@app.command("list")
@uses_django
def list_consents(as_json: AsJson = False) -> None:
    """List the consents and how many contacts have given or withdrawn each."""
    from clarion.consents.grants import Count, counts
    from clarion.consents.models import Consent

    numbers = counts()
    listed = [
        (consent, numbers.get(consent.pk, Count())) for consent in Consent.objects.order_by("name")
    ]
    if as_json:
        print_json([_document(consent, count.given, count.withdrawn) for consent, count in listed])
        return
    if not listed:
        print_line("There are no consents yet. Add one with: clarion consents add NAME")
        return
    rows = [
        [consent.name, consent.category, count.given, count.withdrawn] for consent, count in listed
    ]
    print_table(["NAME", "CATEGORY", "GIVEN", "WITHDRAWN"], rows)


@app.command(
    examples=['clarion consents add newsletter --text "Send me offers once a month by e-mail."']
)
@uses_django
def add(
    name: Name,
    category: Category = "",
    text: Words = "",
    confirm_channel: Channel = None,
    confirm_subject: Subject = "",
    confirm_text: Message = "",
    as_json: AsJson = False,
) -> None:
    """Add a consent."""
    from clarion.consents.manage import define

    confirming = _confirming(confirm_channel, confirm_subject, confirm_text)
    consent = define(name=name, category=category, text=text, confirming=confirming, by=acting())
    if as_json:
        print_json(_document(consent, 0, 0))
        return
    print_line(f"Added the consent “{consent.name}”.")


@app.command(examples=["clarion consents edit newsletter --confirm-channel mail"])
@uses_django
def edit(
    name: Name,
    new_name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Its new name.")
    ] = None,
    category: Annotated[
        str | None, typer.Option(metavar="CATEGORY", help="The category to list it under.")
    ] = None,
    text: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What contacts agree to: a new version.")
    ] = None,
    confirm_channel: Channel = None,
    confirm_subject: Subject = "",
    confirm_text: Message = "",
    as_json: AsJson = False,
) -> None:
    """Change a consent. Contacts who gave it keep it, and the text that they agreed to."""
    from clarion.consents.grants import Count, counts
    from clarion.consents.manage import find, update

    consent = find(name)
    confirming = _confirming(
        confirm_channel or (consent.confirm_channel.name if consent.confirm_channel else None),
        confirm_subject or consent.confirm_subject,
        confirm_text or consent.confirm_text,
    )
    update(consent, name=new_name, category=category, text=text, confirming=confirming, by=acting())
    if as_json:
        count = counts().get(consent.pk, Count())
        print_json(_document(consent, count.given, count.withdrawn))
        return
    print_line(f"Saved the consent “{consent.name}”.")


def _confirming(channel: str | None, subject: str, text: str) -> "Confirming":
    from clarion.channels.manage import get_channel
    from clarion.consents.manage import Confirming

    if channel is None and (subject or text):
        raise typer.BadParameter("Use it with --confirm-channel only.", param_hint="--confirm-text")
    named = None if channel in (None, "none") else get_channel(channel)
    return Confirming(named, subject, text)


@app.command(
    examples=[
        "clarion consents give newsletter --tag subscribers",
        "clarion consents give newsletter --ids signed-up.csv --channel shop --how form",
    ]
)
@uses_django
@with_option_groups
def give(
    name: Name,
    people: Contacts,
    how: How = "agent",
    at: At = None,
    note: Note = "",
    confirmed: Confirmed = False,
    as_json: AsJson = False,
) -> None:
    """Record that contacts have given a consent, or ask them to confirm it."""
    from functools import partial

    from clarion.consents import grants

    give_all = partial(grants.give, is_confirmed=confirmed)
    _record(give_all, "given", name, people, how, at, note, as_json, asks=not confirmed)


@app.command(examples=["clarion consents withdraw newsletter --contact 4711"])
@uses_django
@with_option_groups
def withdraw(
    name: Name,
    people: Contacts,
    how: How = "agent",
    at: At = None,
    note: Note = "",
    as_json: AsJson = False,
) -> None:
    """Record that contacts have withdrawn a consent.

    Queued messages that require the consent are not sent to them.
    """
    from clarion.consents import grants

    _record(grants.withdraw, "withdrawn", name, people, how, at, note, as_json)


@app.command(examples=["clarion consents show 4711", "clarion consents show '#4711' --json"])
@uses_django
def show(contact: ContactName, as_json: AsJson = False) -> None:
    """Show every change of a contact's consents, newest first, with its proof."""
    from clarion.cli.lookups import find_contact
    from clarion.consents.grants import changes
    from clarion.consents.history import document

    rows = changes(find_contact(contact), limit=None)
    if as_json:
        print_json([document(change) for change in rows])
        return
    if not rows:
        print_line("This contact has given and withdrawn nothing yet.")
    for change in rows:
        done = "given" if change.given else "withdrawn"
        by = f" by {change.agent.name}" if change.agent else ""
        print_line(f"{change.at:%Y-%m-%d %H:%M} UTC  {change.consent.name}: {done}{by}")
        facts = [change.get_how_display(), change.detail, change.ip, change.user_agent]
        print_line(f"    {', '.join(filter(None, facts))}")
        if change.version and change.version.text:
            print_line(f"    Version {change.version.number}: {change.version.text}")


@app.command(examples=["clarion consents export proof.csv --consent newsletter"])
@uses_django
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The CSV file to write.")],
    consent: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only changes of this consent.")
    ] = None,
    contact: Annotated[
        str | None, typer.Option(metavar="CONTACT", help="Only changes of this contact.")
    ] = None,
) -> None:
    """Write every change with its proof to a CSV file."""
    from clarion import config
    from clarion.accounts import audit
    from clarion.cli.lookups import find_contact
    from clarion.consents.history import export_csv
    from clarion.consents.manage import find

    of_consent = find(consent) if consent else None
    of_contact = find_contact(contact) if contact else None
    only = " ".join(str(each) for each in (of_consent, of_contact) if each)
    audit.note_export("consents", acting(), only)
    zone = config.load().time_zone
    with file.open("wb") as out:
        for part in export_csv(zone, consent=of_consent, contact=of_contact):
            out.write(part)
    print_line(f"The changes are in {file}.")


def _record(
    change: Callable[..., int],
    done: str,
    name: str,
    people: Contacts,
    how: str,
    at: str | None,
    note: str,
    as_json: bool,
    *,
    asks: bool = False,
) -> None:
    """Give or withdraw, and print for how many contacts that is new."""
    from clarion.consents import grants
    from clarion.consents.manage import find
    from clarion.consents.proof import Proof

    people.check()
    moment = parse_moment("--at", at)
    consent = find(name)
    proof = Proof(note or (people.ids.name if people.ids else ""))
    ids = people.contact_ids()
    changed = change(consent, ids, how=how, by=acting(), at=moment, proof=proof)
    if as_json:
        print_json({"name": consent.name, "changed": changed})
        return
    if asks and consent.confirm_channel_id and how in grants.NEEDS_CONFIRMING:
        print_line(f"{counted(changed, 'contact')} will be asked to confirm “{consent.name}”.")
        return
    has = "has" if changed == 1 else "have"
    print_line(f"{counted(changed, 'contact')} {has} newly {done} “{consent.name}”.")


def _document(consent: "Consent", given: int, withdrawn: int) -> dict[str, Any]:
    return {
        "id": consent.pk,
        "name": consent.name,
        "category": consent.category,
        "text": consent.text,
        "given": given,
        "withdrawn": withdrawn,
        "confirm_channel": consent.confirm_channel.name if consent.confirm_channel else "",
    }
