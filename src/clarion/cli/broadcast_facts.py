"""One broadcast on the command line: its facts, its recipients by state, its errors by cause."""

from typing import TYPE_CHECKING, Any

from clarion.cli.output import (
    counted,
    format_moment,
    print_facts,
    print_json,
    print_line,
    print_note,
)
from clarion.kit import rates

if TYPE_CHECKING:
    from clarion.broadcasts.models import Broadcast

MOST_CAUSES = 10  # shown; --json has all
COUNTS = (
    "queued", "held", "sending", "sent", "delivered", "read",
    "failed", "skipped", "unsent", "in_doubt",
)  # fmt: skip


def document(broadcast: "Broadcast") -> dict[str, Any]:
    """The facts of one broadcast, as ``broadcasts show --json`` prints them."""
    from clarion.broadcasts import history

    return history.facts([broadcast])[0]


def show_broadcast(broadcast: "Broadcast", as_json: bool) -> None:
    """Print one broadcast: as JSON, or its facts and its recipients by state."""
    from clarion.broadcasts.outcomes import outcome_words
    from clarion.records.causes import causes

    one = document(broadcast)
    found = causes(broadcast.pk)
    if as_json:
        errors = [
            {"error": cause.text, "code": cause.code, "attempts": cause.errors,
             "recipients": cause.people}
            for cause in found
        ]  # fmt: skip
        print_json({**one, "causes": errors})
        return
    optional: list[tuple[str, Any]] = [
        ("when", one["when"]),
        ("next run", one["next_run_at"]),
        ("runs", one["runs"]),
        ("last run", one["last_run_at"]),
        ("run of", one["parent"]),
        ("restart of", one["restart_of"]),
        ("rate", f"{rates.written(one['rate'])} a second" if one["rate"] else ""),
    ]
    print_facts(
        [
            ("id", str(one["id"])),
            ("title", one["title"]),
            ("type", one["type"]),
            (
                "state",
                " – ".join(filter(None, (outcome_words(one["outcome"]), one["state_reason"]))),
            ),
            (one["data_type"], one["message"][:200]),
            ("channels", one["channels"]),
            ("number", f"№ {one['number']}" if one["number"] else "–"),
            ("agent", one["agent"] or "–"),
            ("drafter", one["drafted_by"] or "–"),
            *(("waits for", _blockade(one)) for one in one["waits_for"]),
            *((name, value) for name, value in optional if value),
            ("created", one["created_at"]),
            ("scheduled", one["scheduled_at"]),
            ("started", one["started_at"]),
            ("finished", one["finished_at"]),
            ("total", one["total"]),
            *((f"  {state.replace('_', ' ')}", one[state]) for state in COUNTS if one[state]),
            *(_shares(one) if one["total"] else ()),
        ]
    )
    if found:
        print_line("errors by cause")
        for cause in found[:MOST_CAUSES]:
            attempts, people = counted(cause.errors, "attempt"), counted(cause.people, "recipient")
            print_line(f"  {attempts}, {people}: {cause.text}")
        print_note(f"List them with: clarion records list --broadcast {one['id']} --status error")


def _blockade(one: dict[str, Any]) -> str:
    """A channel through which nothing is sent at this moment: why, since when, until when."""
    moments = [
        f"{word} {format_moment(one[key])}"
        for word, key in (("since", "since"), ("next attempt", "until"))
        if one[key]
    ]
    state = ", ".join([f"channel {one['channel']} is {one['state']}", *moments])
    return f"{state}. {one['reason']} Resume: clarion channel resume {one['channel']}"


def _shares(one: dict[str, Any]) -> list[tuple[str, str]]:
    """The percentages of the recipients who got it and who opened it, as far as it is reported."""
    return [
        (name, "not reported" if one[key] is None else f"{one[key]} %")
        for name, key in (("delivered", "delivered_percent"), ("read", "read_percent"))
    ]
