"""Sending to a sink that is given by its URL, in turn with the bare loop, in one run."""

import statistics
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from clarion.broadcasts.models import Broadcast
from clarion.cli.benchmark import bare, cpu, pipeline
from clarion.cli.benchmark.bare import Pace
from clarion.cli.benchmark.pipeline import BadSinkError
from clarion.kit import clock


@dataclass(frozen=True, slots=True)
class Sent:
    """One program's messages to the sink; CPU in microseconds a message, None: not known."""

    per_second: float
    cpu_us: float  # of the program's own processes
    database_cpu_us: float | None = None
    sink_cpu_us: float | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """Clarion and the bare loop, one after the other."""

    clarion: Sent
    bare: Sent | None


def measure(
    folder: Path,
    sink: str,
    *,
    people: int,
    workers: int,
    rounds: int,
    compare: bool,
    in_flight: int,
    note: Callable[[str], None],
) -> list[Round]:
    """Send to ``people`` people in each round. Every other round begins with the bare loop.

    ``note`` is called with what is being done. Raises BadSinkError for a sink that doesn't accept a
    message, and ImportError when the loop can't be run.
    """
    _try(sink)
    note(f"Importing {people:,} people …")
    pipeline.write_people(folder / "people.csv", people)
    channel, _ = pipeline.measure_import(folder / "people.csv", sink, people)
    sink_pids = cpu.listeners(sink)
    measured = []
    for number in range(1, rounds + 1):
        note(f"Round {number} of {rounds} …")
        broadcast, _ = pipeline.measure_expand(channel)
        loop_first = number % 2 == 0
        loop = (
            _loop(sink, broadcast.pk, people, in_flight, sink_pids)
            if loop_first and compare
            else None
        )
        clarion_round = _clarion(broadcast, workers, sink_pids)
        if compare and not loop_first:
            loop = _loop(sink, broadcast.pk, people, in_flight, sink_pids)
        measured.append(Round(clarion_round, loop))
    return measured


def summary(rounds: list[Round]) -> dict[str, Any]:
    """The medians of the rounds, the medians of each pair's ratios, and every round."""
    loops = [each.bare for each in rounds if each.bare]
    pairs = [(each.clarion, each.bare) for each in rounds if each.bare]
    return {
        "clarion": _medians([each.clarion for each in rounds]),
        "bare_loop": _medians(loops) if loops else None,
        "ratio_per_second": _median([a.per_second / b.per_second for a, b in pairs]),
        "ratio_cpu": _median([a.cpu_us / b.cpu_us for a, b in pairs]),
        "rounds": [asdict(each) for each in rounds],
    }


def _try(sink: str) -> None:
    """Post one message, as a mistyped URL should be noticed before everything else."""
    bodies, _ = bare.messages(0, 1)
    headers = {"Content-Type": "application/json"}
    try:
        request = urllib.request.Request(sink, data=bodies[0], headers=headers)  # noqa: S310
        with urllib.request.urlopen(request, timeout=10):  # noqa: S310 - as the user asked
            return
    except (OSError, ValueError) as error:  # HTTPError is an OSError
        raise BadSinkError(
            f"The sink at {sink} did not accept a message: {error}. Start it, or correct the URL."
        ) from None


def _clarion(broadcast: Broadcast, workers: int, sink_pids: list[int]) -> Sent:
    before = cpu.database_seconds()
    sent, pace = _sent(lambda: pipeline.measure_pipeline(broadcast, workers), sink_pids)
    spent = _per_message(before, cpu.database_seconds(), pace)
    return replace(sent, database_cpu_us=spent)


def _loop(sink: str, broadcast: int, people: int, in_flight: int, sink_pids: list[int]) -> Sent:
    bodies, keys = bare.messages(broadcast, people)
    return _sent(lambda: bare.post_all(sink, bodies, keys, in_flight), sink_pids)[0]


def _sent(send: Callable[[], Pace], sink_pids: list[int]) -> tuple[Sent, Pace]:
    before = _seconds(sink_pids)
    pace = send()
    sink_cpu_us = _per_message(before, _seconds(sink_pids), pace)
    return Sent(pace.rate, pace.cpu_us, sink_cpu_us=sink_cpu_us), pace


def _per_message(before: float | None, after: float | None, pace: Pace) -> float | None:
    """CPU microseconds a message, from two readings in seconds."""
    if before is None or after is None:
        return None
    return (after - before) / pace.messages * clock.SECOND


def _seconds(pids: list[int]) -> float | None:
    try:
        return sum(cpu.cpu_seconds(pid) for pid in pids) if pids else None
    except OSError:
        return None


def _medians(sent: list[Sent]) -> dict[str, float | None]:
    return {
        name: _median([value for each in sent if (value := getattr(each, name)) is not None], 1)
        for name in Sent.__dataclass_fields__
    }


def _median(values: list[float], digits: int = 2) -> float | None:
    return round(statistics.median(values), digits) if values else None
