"""One broadcast on the command line: its facts, its recipients by state, its errors by cause."""

from typing import TYPE_CHECKING, Any

from clarion.cli.output import (
    counted,
    format_moment,
    format_planned,
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
    from clarion.insights.errors import explained_causes

    facts = document(broadcast)
    found_causes = explained_causes(broadcast.pk)
    if as_json:
        errors = [
            {"cause": cause.id, "error": cause.text, "code": cause.code, "attempts": cause.errors,
             "recipients": cause.people, "about": explained.about, "advice": explained.advice}
            for cause, explained in found_causes
        ]  # fmt: skip
        print_json({**facts, "causes": errors})
        return
    optional: list[tuple[str, Any]] = [
        ("when", facts["when"]),
        ("next run", format_planned(facts["next_run_at"], broadcast.zone)),
        ("runs", facts["runs"]),
        ("last run", facts["last_run_at"]),
        ("run of", facts["parent"]),
        ("restart of", facts["restart_of"]),
        ("rate", f"{rates.written(facts['rate'])} a second" if facts["rate"] else ""),
        ("pauses", _pauses(broadcast)),
        ("halted by", _halted_by(broadcast)),
    ]
    print_facts(
        [
            ("id", str(facts["id"])),
            ("title", facts["title"]),
            ("type", facts["type"]),
            (
                "state",
                " – ".join(filter(None, (outcome_words(facts["outcome"]), facts["state_reason"]))),
            ),
            (facts["data_type"], facts["message"][:200]),
            *((name.replace("_", " "), source) for name, source in facts["mail"].items()),
            ("channels", facts["channels"]),
            ("number", f"№ {facts['number']}" if facts["number"] else "–"),
            ("agent", facts["agent"] or "–"),
            ("drafter", facts["drafted_by"] or "–"),
            *(("waits for", _blockade(facts["id"], each)) for each in facts["waits_for"]),
            *((name, value) for name, value in optional if value),
            ("created", facts["created_at"]),
            ("scheduled", format_planned(facts["scheduled_at"], broadcast.zone) or None),
            ("started", facts["started_at"]),
            ("finished", facts["finished_at"]),
            ("total", facts["total"]),
            *((f"  {state.replace('_', ' ')}", facts[state]) for state in COUNTS if facts[state]),
            *(_shares(facts) if facts["total"] else ()),
        ]
    )
    if found_causes:
        print_line("errors by cause")
        for cause, explained in found_causes[:MOST_CAUSES]:
            attempts, people = counted(cause.errors, "attempt"), counted(cause.people, "recipient")
            print_line(f"  {attempts}, {people}: {cause.text}")
            print_line(f"    cause {cause.id}. {explained.words}: {explained.advice}")
        print_note(f"List them with: clarion records list --broadcast {facts['id']} --status error")


def _halted_by(broadcast: "Broadcast") -> str:
    """Who paused or stopped it, and when; empty while it is neither."""
    from clarion.broadcasts.events import halted_by

    event = halted_by(broadcast)
    return f"{event.actor}, {format_moment(event.at)}" if event else ""


def _pauses(broadcast: "Broadcast") -> str:
    """At which share of failures it pauses by itself."""
    from clarion.broadcasts.halting import limits_of

    limits = limits_of(broadcast)
    parts = [(limits.rejected, "rejected"), (limits.unreachable, "can't be reached")]
    words = " or ".join(f"{percent}% {what}" for percent, what in parts if percent)
    return f"if {words}" if words else "never by itself"


def _blockade(broadcast_id: int, wait: dict[str, Any]) -> str:
    """What keeps it from being sent at this moment: why, since when, until when."""
    moments = [
        f"{word} {format_moment(wait[key])}"
        for word, key in (("since", "since"), ("next attempt", "until"))
        if wait[key]
    ]
    channel = wait["channel"]
    what = f"channel {channel} is {wait['state']}" if channel else "the story's webhook"
    resume = f"channel resume {channel}" if channel else f"broadcasts resume {broadcast_id}"
    return f"{', '.join([what, *moments])}. {wait['reason']} Resume: clarion {resume}"


def _shares(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """The percentages of the recipients who got it and who opened it, as far as it is reported,
    and of those who opened the e-mail or clicked a link, where that is counted.
    """
    names = [name for name in ("opened", "clicked") if facts[f"{name}_of"] is not None]
    return [(name, _share(facts, name)) for name in ("delivered", "read", *names)]


def _share(facts: dict[str, Any], name: str) -> str:
    """A percentage, and of how many where these are not all recipients."""
    of = facts[f"{name}_of"]
    if of is None:
        return "not reported"
    if not of:
        return "–"
    return f"{facts[f'{name}_percent']} %" + (f" of {of:,}" if of != facts["total"] else "")
