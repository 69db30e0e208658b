"""Proof that nobody of a broadcast is lost (O2): everyone is counted in independent ways.

The deliveries, the tallies, the numbers over time and the records are each written by the same
transactions, so they agree at every moment; each statement here sees one moment only.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clarion.channels.models import Channel
from clarion.clicks.models import ANY_LINK, OPENED
from clarion.kit import clock, db
from clarion.records import measures
from clarion.records.states import ALL, COMPLETED
from clarion.records.states import DeliveryState as D

# What stands in the equation, and the states that each of its words sums up.
TERMS: dict[str, tuple[str, ...]] = {
    "sent": COMPLETED,
    "failed": (D.FAILED,),
    "skipped": (D.SKIPPED,),
    "held": (D.HELD,),
    "unsent": (D.UNSENT,),
    "in doubt": (D.IN_DOUBT,),
    "queued": (D.QUEUED, D.SENDING),
}


class ReconcileError(ValueError):
    """There is nothing to reconcile; the sentence says why."""


@dataclass(frozen=True, slots=True)
class ChannelCounts:
    """The people of a broadcast on one channel, by state, counted in two ways."""

    channel_id: int
    name: str  # empty when the channel has been deleted
    by_rows: dict[str, int]
    by_tallies: dict[str, int]

    def states(self) -> list[tuple[str, int, int]]:
        """The states that anybody is in by either count: state, rows, tallies."""
        both = ((state, self.by_rows[state], self.by_tallies[state]) for state in ALL)
        return [state for state in both if state[1] or state[2]]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """How the counts of one broadcast compare; ``ok`` when they all agree."""

    broadcast_id: int
    expected: int  # people that the expansion wrote down
    by_rows: dict[str, int]  # deliveries in each state
    by_tallies: dict[str, int]  # the same, as the tallies have it
    completed_records: int
    error_records: int
    twice: int  # deliveries with more than one completed record
    differences: list[str]  # a sentence each
    channels: list[ChannelCounts]  # by name
    at: datetime  # when it was counted

    @property
    def ok(self) -> bool:
        """Whether everyone is accounted for."""
        return not self.differences

    def lines(self) -> list[str]:
        """The equation from the rows and from the tallies, then each difference."""
        sentences = [
            f"rows:    {_equation(self.expected, self.by_rows)}",
            f"tallies: {_equation(self.expected, self.by_tallies)}",
            f"records: {self.completed_records} completed, {self.error_records} errors",
        ]
        if self.twice:
            sentences.append(
                f"{self.twice} deliveries were accepted more than once: their channel drops"
                " repeats by the message id."
            )
        return [*sentences, *self.differences]

    def document(self) -> dict[str, Any]:
        """The same as a JSON object."""
        return {
            "broadcast": self.broadcast_id,
            "ok": self.ok,
            "expected": self.expected,
            "rows": _terms(self.by_rows),
            "tallies": _terms(self.by_tallies),
            "states": {"rows": self.by_rows, "tallies": self.by_tallies},
            "records": {"completed": self.completed_records, "error": self.error_records},
            "twice": self.twice,
            "differences": self.differences,
        }


def reconcile(broadcast_id: int) -> Reconciliation:
    """Count everyone of a broadcast. Raises ReconcileError when it is not there.

    A few seconds for 1,000,000 people; about three times that where a provider's receipts or a
    repetition make it necessary to look for every person's own records.
    """
    at = clock.now()
    counted = _Counted(broadcast_id, " UNION ALL ".join(_QUICK))
    if counted.fingerprint("completed") != counted.accepted():
        counted = _Counted(broadcast_id, _ACCEPTED + " UNION ALL ".join(_QUICK + _THOROUGH))
    return Reconciliation(
        broadcast_id,
        counted.expected,
        counted.by_state("row"),
        counted.by_state("tally"),
        counted.fingerprint("completed")[0],
        counted.fingerprint("error")[0],
        counted.finding("twice"),
        counted.differences(),
        counted.channels(),
        at,
    )


def _equation(expected: int, states: Mapping[str, int]) -> str:
    terms = " + ".join(f"{word} {number}" for word, number in _terms(states).items())
    parts = "; ".join(
        f"{word}: {', '.join(f'{states[state]} {state}' for state in TERMS[word])}"
        for word in ("sent", "queued")
    )
    return f"expected {expected} = {terms} ({parts})"


def _terms(states: Mapping[str, int]) -> dict[str, int]:
    return {word: sum(states[state] for state in of) for word, of in TERMS.items()}


_Fingerprint = tuple[int, int, int]
_NOTHING: _Fingerprint = (0, 0, 0)


class _Counted:
    """The answers to some questions, all asked at one moment."""

    def __init__(self, broadcast_id: int, sql: str) -> None:
        self.numbers: dict[tuple[str, int, str], _Fingerprint] = {
            (kind, channel, state): (number, total, scattered)
            for kind, channel, state, number, total, scattered in db.fetch(
                sql, [broadcast_id] * sql.count("%s")
            )
        }
        if ("expected", 0, "") not in self.numbers:
            raise ReconcileError(f"There is no broadcast {broadcast_id}.")
        self.expected = self.finding("expected")
        self.names = dict(Channel.objects.values_list("pk", "name"))

    def fingerprint(self, kind: str) -> _Fingerprint:
        return self.numbers.get((kind, 0, ""), _NOTHING)

    def accepted(self) -> _Fingerprint:
        """The fingerprint of the deliveries that should have one completed record each."""
        each = [
            self.fingerprint("reversed"),
            *(
                fingerprint
                for (kind, _, state), fingerprint in self.numbers.items()
                if kind == "row" and state in COMPLETED
            ),
        ]
        number, total, scattered = (sum(column) for column in zip(*each, strict=True))
        return number, total, scattered

    def finding(self, name: str) -> int:
        """One of the numbers that stand for the whole broadcast."""
        return self.fingerprint(name)[0]

    def by_state(self, kind: str) -> dict[str, int]:
        states = dict.fromkeys(ALL, 0)
        for (of, _, state), (number, _, _) in self.numbers.items():
            if of == kind:
                states[state] += number
        return states

    def channels(self) -> list[ChannelCounts]:
        """The same for each channel that anybody is on."""
        numbers: dict[int, dict[str, dict[str, int]]] = {}
        for (kind, channel, state), (number, _, _) in self.numbers.items():
            if kind in {"row", "tally"}:
                both = numbers.setdefault(
                    channel, {way: dict.fromkeys(ALL, 0) for way in ("row", "tally")}
                )
                both[kind][state] = number
        counts = [
            ChannelCounts(pk, self.names.get(pk, ""), both["row"], both["tally"])
            for pk, both in numbers.items()
        ]
        return sorted(counts, key=lambda channel: (channel.name, channel.channel_id))

    def differences(self) -> list[str]:
        """What does not agree, a sentence each."""
        people = sum(self.by_state("row").values())
        sentences = []
        if people != self.expected:
            sentences.append(f"There are {people} deliveries, but {self.expected} are expected.")
        for channel, state in sorted(
            {(channel, state) for kind, channel, state in self.numbers if kind in {"row", "tally"}}
        ):
            rows, tally = (
                self.numbers.get((kind, channel, state), _NOTHING)[0] for kind in ("row", "tally")
            )
            if rows != tally:
                sentences.append(
                    f"On the channel {self.names.get(channel, channel)}, {rows} deliveries are"
                    f" {state}, but the tallies say {tally}."
                )
        return [*sentences, *self._miscounted(), *self._people()] + [
            sentence.format(self.finding(name))
            for name, sentence in _FINDINGS.items()
            if self.finding(name)
        ]

    def _miscounted(self) -> Iterator[str]:
        """What the numbers over time add up to, where the rows say something else."""
        places = [key for key in self.numbers if key[0] in {"row", "measure"}]
        for channel in sorted({channel for _, channel, _ in places}):
            for name in _BY_STATE:
                rows = sum(
                    self.numbers.get(("row", channel, state), _NOTHING)[0]
                    for state in measures.STATES[name]
                )
                counted = self.numbers.get(("measure", channel, name), _NOTHING)[0]
                if rows != counted:
                    yield (
                        f"On the channel {self.names.get(channel, channel)}, {rows} deliveries are"
                        f" {name}, but the numbers over time add up to {counted}."
                    )

    def _people(self) -> Iterator[str]:
        """Who clicked or opened, by the rows, the tallies and the numbers over time."""
        kinds = ("clickers", "click_tally", "measure")
        for channel in sorted({key[1] for key in self.numbers if key[0] in kinds}):
            for did in _BY_PEOPLE:
                rows, tally, measured = (
                    self.numbers.get((kind, channel, did), _NOTHING)[0] for kind in kinds
                )
                if not rows == tally == measured:
                    yield (
                        f"On the channel {self.names.get(channel, channel)}, {rows} recipients"
                        f" {did}, but the tallies say {tally}, and the numbers over time"
                        f" {measured}."
                    )


def _fingerprint(column: str) -> str:
    """The number of ids, their sum, and the sum of their scattered squares.

    Two sets of ids that differ agree in all three by an accident of one in 1,000,000,000 only,
    and never when up to two of them differ.
    """
    square = f"({column} %% 2147483647) * ({column} %% 2147483647) %% 1000000007"
    return (
        f"count(*), CAST(coalesce(sum({column}), 0) AS bigint),"
        f" CAST(coalesce(sum({square}), 0) AS bigint)"
    )


def _question(kind: str, where: str, numbers: str = "count(*), 0, 0", key: str = "0, ''") -> str:
    """SQL that answers in rows of: its name, a channel and a state, a fingerprint."""
    return f"SELECT '{kind}', {key}, {numbers} FROM {where}"


# Person by person, however PostgreSQL would turn it (the offset keeps it from joining).
_SINGLY = "LIMIT 1 OFFSET 0"


def _recorded(status: str) -> str:
    # By the person's own records, never through an index of all completed ones.
    return (
        "EXISTS (SELECT 1 FROM records_record AS r WHERE r.address_id = d.address_id"
        f" AND r.delivery_id = d.id AND COALESCE(r.status, '') = '{status}' {_SINGLY})"
    )


def _told(*statuses: str) -> str:
    among = ", ".join(f"'{status}'" for status in statuses)
    return (
        "EXISTS (SELECT 1 FROM records_receipt AS t"
        f" WHERE t.delivery_id = d.id AND t.status IN ({among}) {_SINGLY})"
    )


def _delivery(where: str) -> str:
    return (
        "EXISTS (SELECT 1 FROM records_delivery AS d"
        f" WHERE d.id = r.delivery_id AND {where} {_SINGLY})"
    )


# By the delivery's id, never through an index of all that were skipped or unsent.
_NOT_SENT = "COALESCE(d.state, '') IN ('skipped', 'unsent')"
_OF = "broadcast_id = %s"
_PLACE = "channel_id, state"
_PEOPLE = f"records_delivery AS d WHERE d.{_OF}"
_BY_STATE = ("sent", "delivered", "read", "failed")
_BY_PEOPLE = ("clicked", "opened")
_MEASURED = (*_BY_STATE, *_BY_PEOPLE)
_DID = f"CASE link_id WHEN {ANY_LINK} THEN 'clicked' ELSE 'opened' END"
_OF_PEOPLE = f"link_id IN ({ANY_LINK}, {OPENED})"
_QUICK = (
    _question("expected", "broadcasts_broadcast WHERE id = %s", "total, 0, 0"),
    _question("row", f"{_PEOPLE} GROUP BY {_PLACE}", _fingerprint("d.id"), _PLACE),
    _question(
        "tally",
        f"records_tally WHERE {_OF} GROUP BY {_PLACE}",
        "CAST(sum(delta) AS bigint), 0, 0",
        _PLACE,
    ),
    *(
        _question(
            "measure",
            f"(SELECT * FROM records_measure WHERE {_OF} UNION ALL"
            f" SELECT * FROM records_measuredelta WHERE {_OF}) AS m GROUP BY channel_id",
            f"CAST(sum({name}) AS bigint), 0, 0",
            f"channel_id, '{name}'",
        )
        for name in _MEASURED
    ),
    _question(
        "clickers",
        f"clicks_clicker WHERE {_OF_PEOPLE} AND {_OF} GROUP BY channel_id, link_id",
        key=f"channel_id, {_DID}",
    ),
    _question(
        "click_tally",
        f"clicks_clicktally WHERE {_OF_PEOPLE} AND {_OF} GROUP BY channel_id, link_id",
        "CAST(sum(people) AS bigint), 0, 0",
        f"channel_id, {_DID}",
    ),
    _question(
        "completed",
        f"records_record WHERE status = 'completed' AND {_OF}",
        _fingerprint("delivery_id"),
    ),
    _question("error", f"records_record WHERE status = 'error' AND {_OF}"),
    # The provider accepted them first, and told later that they failed.
    _question(
        "reversed",
        f"{_PEOPLE} AND d.stage = 'failed' AND {_recorded('completed')}",
        _fingerprint("d.id"),
    ),
    _question(
        "unexplained",
        f"{_PEOPLE} AND d.stage = 'failed' AND NOT {_recorded('error')} AND NOT {_told('failed')}",
    ),
)
_ACCEPTED = (
    "WITH r AS MATERIALIZED (SELECT delivery_id, count(*) AS records FROM records_record"
    f" WHERE status = 'completed' AND {_OF} GROUP BY delivery_id) "
)
_THOROUGH = (
    _question("twice", "r WHERE records > 1"),
    _question(
        "unproven",
        f"(SELECT d.id FROM {_PEOPLE} AND d.state IN ('sent', 'delivered', 'read')"
        f" EXCEPT SELECT delivery_id FROM r) AS d WHERE NOT {_told('delivered', 'read')}",
    ),
    _question("astray", f"r WHERE NOT {_delivery('true')}"),
    _question("denied", f"r WHERE {_delivery(_NOT_SENT)}"),
)
_FINDINGS = {
    "unproven": "{} deliveries count as sent without a completed record or a receipt.",
    "unexplained": "{} deliveries count as failed without an error record or a receipt.",
    "astray": "Completed records belong to {} deliveries that are not there.",
    "denied": "{} deliveries count as skipped or unsent, but have a completed record.",
}
