"""Reconciliation as a file for an audit: every number, how it was counted, when, by what."""

from collections.abc import Iterator
from typing import Final

from clarion import __version__
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.reconcile import TERMS, Reconciliation
from clarion.kit import sheets

HEADER: Final = ("item", "channel", "state", "number", "how it was counted")
_ROWS = "rows of the table records_delivery of this broadcast"
_TALLIES = "sum of the changes in records_tally, written with every move of a delivery"
_RECORDS = "rows of the table records_record of this broadcast"


def report(broadcast: Broadcast, found: Reconciliation) -> Iterator[bytes]:
    """A CSV file of a reconciliation, as an auditor can check it against the database.

    The moment is in UTC: all numbers were read by one statement that sees one moment.
    """
    return sheets.stream(HEADER, map(_line, _facts(broadcast, found)))


_Fact = tuple[str, str, str, str, str]


def _line(fact: _Fact) -> str:
    return sheets.cells(fact)


def _facts(broadcast: Broadcast, found: Reconciliation) -> Iterator[_Fact]:
    yield "broadcast id", "", "", str(broadcast.pk), ""
    yield "broadcast number", "", "", str(broadcast.number or ""), ""
    yield "title", "", "", broadcast.title, ""
    yield "counted at", "", "", found.at.isoformat(), "the clock of the web server, UTC"
    yield "Clarion version", "", "", __version__, ""
    yield "result", "", "", "agrees" if found.ok else "differs", "all numbers below compared"
    how = "recipients counted while they were written down, before anything was sent"
    yield "expected", "", "", str(found.expected), how
    for channel in found.channels:
        name = channel.name or f"deleted channel {channel.channel_id}"
        for state, rows, tallies in channel.states():
            yield "recipients by rows", name, state, str(rows), _ROWS
            yield "recipients by tallies", name, state, str(tallies), _TALLIES
            yield "difference", name, state, str(rows - tallies), "by rows, less by tallies"
    for word, states in TERMS.items():
        total = sum(found.by_rows[state] for state in states)
        yield "recipients", "", word, str(total), f"states {', '.join(states)}, by rows"
    total = sum(found.by_rows.values())
    yield "recipients in all states", "", "", str(total), "must be the number expected"
    completed = f"{_RECORDS} with the status completed"
    yield "completed records", "", "", str(found.completed_records), completed
    errors = f"{_RECORDS} with the status error"
    yield "error records", "", "", str(found.error_records), errors
    twice = "recipients with more than one completed record"
    yield "accepted more than once", "", "", str(found.twice), twice
    for sentence in found.differences:
        yield "difference found", "", "", "", sentence
