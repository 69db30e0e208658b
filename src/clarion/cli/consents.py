"""``clarion consents``: marketing permissions, and who has given them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clarion import config
from clarion.cli.audience import NAMED
from clarion.cli.django_setup import uses_django
from clarion.cli.option_groups import with_option_groups
from clarion.cli.output import print_json, print_line, print_note, print_table

if TYPE_CHECKING:
    from clarion.consents.models import Consent

app = typer.Typer(help="Marketing permissions and who has given them.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The consent.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
How = Annotated[
    str, typer.Option(metavar="WAY", help="In which way: agent, import, api, form, keyword.")
]
At = Annotated[str | None, typer.Option(metavar="ISO", help="When, if not now: 2026-05-01T09:30.")]
Category = Annotated[str, typer.Option(metavar="C", help="What it is listed under.")]
Words = Annotated[
    str, typer.Option("--text", metavar="TEXT", help="What people agree to, word for word.")
]


@dataclass(frozen=True, slots=True)
class People:
    """Whose consent it is, as the options name them; see ``option_groups.with_option_groups``."""

    contacts: Annotated[
        list[int] | None,
        typer.Option("--contact", metavar="N", help="This contact, by number; repeatable."),
    ] = None
    tag: Annotated[str | None, typer.Option(metavar="T", help="Everyone with this tag.")] = None
    everyone: Annotated[bool, typer.Option("--all", help="All contacts.")] = False
    ids: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="The user ids in this file.")
    ] = None
    channel: Annotated[
        str | None, typer.Option(metavar="NAME", help="The channel of those user ids.")
    ] = None
    id_column: Annotated[
        str | None, typer.Option(metavar="C", help="The column of ids in that file.")
    ] = None

    def check(self) -> None:
        """Raise BadParameter unless exactly one way of naming people is given, and fits."""
        ways = {
            "--contact": bool(self.contacts),
            "--tag": self.tag is not None,
            "--all": self.everyone,
            "--ids": self.ids is not None,
        }
        given = [name for name, used in ways.items() if used]
        if len(given) != 1:
            found = f"not {' and '.join(given)}" if given else "none is given"
            raise typer.BadParameter(f"Give exactly one of {', '.join(ways)}; {found}.")
        if (self.ids is None) != (self.channel is None):
            raise typer.BadParameter("They go together.", param_hint="--ids and --channel")
        if self.id_column is not None and self.ids is None:
            raise typer.BadParameter("It goes with --ids.", param_hint="--id-column")

    def contact_ids(self) -> Iterable[int]:
        """The ids of the contacts. Raises a package's error for what does not exist."""
        from clarion.consents.grants import everyone, known
        from clarion.contacts.tags import find_tag

        if self.contacts:
            return known(self.contacts)
        if self.ids is not None and self.channel is not None:
            return _in_file(self.ids, self.channel, self.id_column)
        return everyone(None if self.tag is None else find_tag(self.tag))


@app.callback()
def consents() -> None:
    """Marketing permissions and who has given them."""


@app.command("list")
@uses_django
def list_consents(as_json: AsJson = False) -> None:
    """List consents, and how many people have given and withdrawn each."""
    from clarion.consents.grants import Count, counts
    from clarion.consents.models import Consent

    numbers = counts()
    found = [(one, numbers.get(one.pk, Count())) for one in Consent.objects.order_by("name")]
    if as_json:
        print_json([_document(one, count.given, count.withdrawn) for one, count in found])
        return
    if not found:
        print_line("No consent yet. Add one with: clarion consents add NAME")
        return
    rows = [[one.name, one.category, count.given, count.withdrawn] for one, count in found]
    print_table(["NAME", "CATEGORY", "GIVEN", "WITHDRAWN"], rows)


@app.command()
@uses_django
def add(name: Name, category: Category = "", text: Words = "", as_json: AsJson = False) -> None:
    """Add a consent that people can give."""
    from clarion.accounts.audit import COMMAND_LINE
    from clarion.consents.manage import define

    consent = define(name=name, category=category, text=text, by=COMMAND_LINE)
    if as_json:
        print_json(_document(consent, 0, 0))
        return
    print_line(f"The consent “{consent.name}” is there. Nobody has given it yet.")


@app.command()
@uses_django
@with_option_groups
def give(
    name: Name, people: People, how: How = "agent", at: At = None, as_json: AsJson = False
) -> None:
    """Note that people have given a consent."""
    from clarion.consents import grants

    people.check()
    _note(name, people, how, at, as_json, note_it=grants.give, said="have given")


@app.command()
@uses_django
@with_option_groups
def withdraw(
    name: Name, people: People, how: How = "agent", at: At = None, as_json: AsJson = False
) -> None:
    """Note that people have withdrawn a consent; what is queued for them is skipped at once."""
    from clarion.consents import grants

    people.check()
    _note(name, people, how, at, as_json, note_it=grants.withdraw, said="have withdrawn")


def _note(
    name: str, people: People, how: str, at: str | None, as_json: bool, *, note_it: Any, said: str
) -> None:
    from clarion.accounts.audit import COMMAND_LINE
    from clarion.consents.manage import find
    from clarion.kit import clock

    consent = find(name)
    try:
        moment = None if at is None else clock.parse_moment(at, config.load().time_zone)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--at") from None
    changed = note_it(consent, people.contact_ids(), how=how, by=COMMAND_LINE, at=moment)
    if as_json:
        print_json({"name": consent.name, "changed": changed})
        return
    print_line(f"{changed:,} people {said} “{consent.name}” now who had not before.")


def _in_file(path: Path, channel: str, column: str | None) -> Iterator[int]:
    from clarion.channels.manage import get_channel
    from clarion.consents.grants import owners
    from clarion.contacts.csv_ids import read_ids

    found = read_ids(path, channel=get_channel(channel), column=column)
    if found.rejected:
        print_note(f"{found.rejected_count:,} lines of {path.name} are left out:")
        for reject in found.rejected[:NAMED]:
            print_note(f"  line {reject.line}: {reject.reason}")
    return owners(found.address_ids)


def _document(consent: "Consent", given: int, withdrawn: int) -> dict[str, Any]:
    return {
        "id": consent.pk,
        "name": consent.name,
        "category": consent.category,
        "text": consent.text,
        "given": given,
        "withdrawn": withdrawn,
    }
