"""``clarion segments``: contacts found by saved conditions."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.django_setup import uses_django
from clarion.cli.options import AsJson
from clarion.cli.output import counted, print_json, print_line, print_note, print_table

if TYPE_CHECKING:
    from clarion.segments.conditions import Condition
    from clarion.segments.members import Count
    from clarion.segments.models import Segment

app = App("Contacts found by saved conditions.")
Name = Annotated[str, typer.Argument(metavar="NAME", help="The segment's name.")]
Where = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CONDITION",
        help="A condition: city=Bonn, 'age>30', tag:vip, consent:News, channel:shop, wrote:30d, "
        "received:30d, added:7d, read-none:5; !tag:vip and so on for the opposite. Repeat it "
        "for several.",
    ),
]
Match = Annotated[
    Literal["all", "any"] | None,
    typer.Option(help="Whether all conditions must hold, or any of them."),
]


@app.command("list")
@uses_django
def list_segments(as_json: AsJson = False) -> None:
    """List the segments, and about how many contacts are in each."""
    from clarion.segments.members import count
    from clarion.segments.models import Segment

    segments = list(Segment.objects.order_by("name"))
    counts = {segment.pk: count(segment, quick=True) for segment in segments}
    if as_json:
        print_json(
            [
                _document(segment)
                | {"contacts": counts[segment.pk].contacts, "about": counts[segment.pk].about}
                for segment in segments
            ]
        )
    elif not segments:
        print_line(
            "There are no segments yet. Add one with: clarion segments add NAME --where CONDITION"
        )
    else:
        print_table(
            ["SEGMENT", "CONTACTS", "MATCH", "CONDITIONS"],
            [
                [
                    segment.name,
                    _counted(counts[segment.pk]),
                    segment.match,
                    ", ".join(_document(segment)["conditions"]),
                ]
                for segment in segments
            ],
        )


@app.command(
    examples=[
        "clarion segments add quiet --where received:90d --where '!wrote:90d'",
        "clarion segments add berlin --where city=Berlin --where '!tag:staff'",
    ]
)
@uses_django
def add(name: Name, where: Where = None, match: Match = None, as_json: AsJson = False) -> None:
    """Add a segment. It contains whoever fulfils its conditions at the time it is used."""
    from clarion.segments.manage import define

    segment = define(name=name, conditions=_conditions(where), match=match or "all", by=acting())
    _report(segment, "Added", as_json)


@app.command(examples=["clarion segments edit berlin --where city=Berlin --match any"])
@uses_django
def edit(
    name: Name,
    new_name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Its new name.")
    ] = None,
    where: Where = None,
    match: Match = None,
    as_json: AsJson = False,
) -> None:
    """Change a segment. The conditions that you give replace all of its conditions."""
    from clarion.segments.manage import find, update

    if not (new_name or where or match):
        raise typer.BadParameter("Give at least one option that changes something.")
    conditions = _conditions(where) if where else None
    segment = update(find(name), name=new_name, conditions=conditions, match=match, by=acting())
    _report(segment, "Changed", as_json)


@app.command()
@uses_django
def show(name: Name, as_json: AsJson = False) -> None:
    """Show a segment's conditions, how many contacts are in it, and some of their names."""
    from clarion.segments.manage import find
    from clarion.segments.members import conditions_of, count, sample

    segment = find(name)
    contacts, names = count(segment).contacts, sample(segment)
    if as_json:
        print_json(_document(segment) | {"contacts": contacts, "sample": names})
        return
    matching = "All of these are met" if segment.match == "all" else "Any of these is met"
    print_line(f"{segment.name}: {counted(contacts, 'contact')}. {matching}:")
    for condition in conditions_of(segment):
        print_line(f"  {condition.words()}")
    if names:
        print_line(f"For example {', '.join(names)}.")


@app.command()
@uses_django
def delete(name: Name) -> None:
    """Delete a segment. Its contacts stay."""
    from clarion.segments import manage

    segment = manage.find(name)
    manage.delete(segment, by=acting())
    print_line(f"The segment {segment.name} is deleted.")


def _counted(contacts: "Count") -> str:
    return f"{'about ' if contacts.about else ''}{contacts.contacts:,}"


def _conditions(where: list[str] | None) -> "list[Condition]":
    from clarion.contacts.attribute_filters import ConditionError
    from clarion.segments.conditions import Condition

    try:
        return [Condition.parse(condition) for condition in where or ()]
    except ConditionError as error:
        raise typer.BadParameter(str(error), param_hint="--where") from None


def _report(segment: "Segment", done: str, as_json: bool) -> None:
    from clarion.segments.members import count

    contacts = count(segment).contacts
    if as_json:
        print_json(_document(segment) | {"contacts": contacts})
        return
    print_line(f"{done} the segment {segment.name}: {counted(contacts, 'contact')}.")
    if not contacts:
        print_note("No contact meets its conditions at the moment.")


def _document(segment: "Segment") -> dict[str, Any]:
    from clarion.segments.members import conditions_of

    return {
        "id": segment.pk,
        "name": segment.name,
        "match": segment.match,
        "conditions": [condition.short() for condition in conditions_of(segment)],
    }
