"""Making the numbers over time of a broadcast what its rows say, where they are wrong.

The rows know when each delivery moved last. So what is missing is added, and what is too much is
taken away, in the spans that differ from them the most early on; no span becomes negative. What is
only known of the sum, such as when a message was sent that has been read since, may so end up in
another span than it happened in.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from clarion.clicks.models import ANY_LINK, OPENED
from clarion.kit import db
from clarion.records import measures
from clarion.records.measures import MINUTE, NAMES, STATES, Numbers

_MINUTE = f"{{at}} - {{at}} %% {MINUTE}"
_BY_STATE = tuple(STATES)


class Correction(NamedTuple):
    """By how much a sum was too low (negative: too high)."""

    channel: int
    name: str  # one of measures.NAMES
    missing: int


class _Counted(NamedTuple):
    channel: int
    name: str
    at: int
    rows: int  # what the rows say
    measured: int


def correct_measures(broadcast_id: int) -> list[Correction]:
    """Make the numbers over time add up to what the rows say; return what was wrong.

    Part of the caller's transaction. What is wrong is read in one statement, which sees one moment,
    and put right by deltas: so it may be called while the broadcast is being sent.
    """
    counted = _counted(broadcast_id)
    corrections = []
    deltas: dict[tuple[int, int], Counter[str]] = {}
    for channel, name in sorted({each[:2] for each in counted}):
        spans = sorted(each for each in counted if each[:2] == (channel, name))
        missing = sum(each.rows - each.measured for each in spans)
        if missing:
            corrections.append(Correction(channel, name, missing))
            for at, step in _spread(spans, missing):
                deltas.setdefault((channel, at), Counter())[name] += step
    measures.add(
        {(broadcast_id, at, channel): Numbers(**steps) for (channel, at), steps in deltas.items()}
    )
    return corrections


def _spread(spans: Iterable[_Counted], missing: int) -> Iterable[tuple[int, int]]:
    """The changes of spans that add up to ``missing``: there where the rows have more, or fewer."""
    sign = 1 if missing > 0 else -1
    left = abs(missing)
    for span in spans:
        step = min(left, max(0, sign * (span.rows - span.measured)))
        if step:
            yield span.at, sign * step
            left -= step


def _counted(broadcast_id: int) -> list[_Counted]:
    """What the rows and the measures say, by channel, number and span of the measures."""
    moved, clicked = _MINUTE.format(at="moved_at"), _MINUTE.format(at="at")
    did = f"CASE link_id WHEN {ANY_LINK} THEN 'clicked' ELSE 'opened' END"
    of_people = f"link_id IN ({ANY_LINK}, {OPENED})"
    states = ", ".join(
        f"'{state}'" for state in sorted({s for each in STATES.values() for s in each})
    )
    sums = " UNION ALL ".join(
        f"SELECT 'measure', channel_id, '{name}', 0, at, CAST(sum({name}) AS bigint) FROM m"
        " GROUP BY channel_id, at"
        for name in NAMES
    )
    rows = db.fetch(
        "WITH m AS (SELECT * FROM records_measure WHERE broadcast_id = %s"
        " UNION ALL SELECT * FROM records_measuredelta WHERE broadcast_id = %s)"
        " SELECT 'row', channel_id, state, CASE WHEN recovered THEN 1 ELSE 0 END,"
        f" {moved}, count(*)"
        f" FROM records_delivery WHERE broadcast_id = %s AND state IN ({states})"
        f" GROUP BY channel_id, state, recovered, {moved}"
        f" UNION ALL SELECT 'person', channel_id, {did}, 0, {clicked}, count(*) FROM clicks_clicker"
        f" WHERE broadcast_id = %s AND {of_people} GROUP BY channel_id, link_id, {clicked}"
        f" UNION ALL {sums}",
        [broadcast_id] * 4,
    )
    counted: dict[tuple[int, str, int], Counter[str]] = {}
    measured = [row[4] for row in rows if row[0] == "measure"]
    first = min(measured or (row[4] for row in rows), default=0)
    for kind, channel, what, recovered, at, count in rows:
        column = "measured" if kind == "measure" else "rows"
        names = _names(what, recovered=bool(recovered)) if kind == "row" else (what,)
        for name in names:
            span = measures.span_of(at, first)
            counted.setdefault((channel, name, span), Counter())[column] += count
    return [
        _Counted(*key, numbers["rows"], numbers["measured"]) for key, numbers in counted.items()
    ]


def _names(state: str, *, recovered: bool) -> list[str]:
    """The numbers that a delivery in this state counts in."""
    return [
        name for name in _BY_STATE if state in STATES[name] and (recovered or name != "recovered")
    ]
