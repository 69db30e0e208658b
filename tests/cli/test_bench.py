"""``clarion bench``: what is measured at a sink of one's own. How fast it is, no test says."""

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from clarion.cli.benchmark import cpu
from support.listener import Heard, Listener
from support.processes import Processes

PEOPLE = 1_000
WHOLE = 600  # seconds for all that a bench does


@pytest.fixture
def bench(processes: Processes, database_url: str) -> Callable[..., Any]:
    """Run the bench with few people on the database of the test; the process that has ended."""

    def run(*arguments: str) -> Any:
        common = ("--people", str(PEOPLE), "--database-url", database_url, *arguments)
        started = processes.clarion("bench", *common)
        started.wait(WHOLE)
        return started

    return run


@pytest.fixture
def sink() -> Iterator[Listener]:
    with Listener() as listener:
        yield listener


def test_both_send_everybody_to_the_sink_and_are_put_beside_each_other(
    bench: Callable[..., Any], sink: Listener
) -> None:
    done = bench("--peer-sink", f"{sink.url}/in", "--rounds", "2", "--json")
    assert done.returncode == 0, done.output
    facts = _document(done.lines)
    assert facts["people"] == PEOPLE
    assert facts["in_flight"] == 64
    assert len(facts["rounds"]) == 2
    for program in ("clarion", "bare_loop"):
        assert facts[program]["per_second"] > 0
        assert facts[program]["cpu_us"] > 0
        assert facts[program]["sink_cpu_us"] > 0  # it is found by its port
    assert facts["ratio_per_second"] > 0
    assert facts["ratio_cpu"] > 0
    # In each round everybody once by Clarion, everybody once by the loop; before that, one to try.
    to_each = [heard.body["to"] for heard in sink.heard if heard.body["broadcast"]]
    assert len(to_each) == 4 * PEOPLE
    assert len(set(to_each)) == PEOPLE
    by_loop = next(heard for heard in sink.heard if heard.body["id"] == "barebarebare-7")
    by_clarion = next(
        heard for heard in sink.heard
        if heard.body["to"] == by_loop.body["to"] and "bare" not in heard.body["id"]
    )  # fmt: skip
    assert list(by_clarion.body) == list(by_loop.body)
    for name in ("to", "text", "title", "name"):
        assert by_clarion.body[name] == by_loop.body[name]


def test_the_table_shows_what_is_known(bench: Callable[..., Any], sink: Listener) -> None:
    done = bench("--peer-sink", sink.url, "--rounds", "1", "--no-compare")
    assert done.returncode == 0, done.output
    assert "at most 64 in flight for each, medians of 1 round" in done.output
    assert "aiohttp loop" not in done.output
    row = next(line for line in done.lines if line.startswith("Clarion "))
    on_sqlite = any(line.startswith("1,000 people, sqlite, 1 worker") for line in done.lines)
    assert ("in the worker" in row) == on_sqlite


def test_a_sink_that_does_not_accept_messages(bench: Callable[..., Any], sink: Listener) -> None:
    sink.answer = lambda heard: (405, {})
    done = bench("--peer-sink", sink.url)
    assert done.returncode == 1
    assert "did not accept a message: HTTP Error 405" in done.output
    assert "Start it, or correct the URL." in done.output


def test_a_sink_that_stops_accepting(bench: Callable[..., Any], sink: Listener) -> None:
    def answer(heard: Heard) -> tuple[int, Any]:
        return (200 if len(sink.heard) < 100 else 404), {}

    sink.answer = answer
    done = bench("--peer-sink", sink.url, "--rounds", "1", "--no-compare")
    assert done.returncode == 1
    assert "The sink does not accept messages any more: The receiver answered 404" in done.output


def test_who_listens_is_found_on_this_machine_only(sink: Listener) -> None:
    assert cpu.listeners(sink.url) == [os.getpid()]
    assert cpu.listeners("http://192.0.2.1:80/") == []
    assert cpu.cpu_seconds(os.getpid()) > 0


def test_the_time_of_the_database_server(database_url: str) -> None:
    seconds = cpu.database_seconds()
    if database_url.startswith("sqlite"):
        assert seconds is None
    else:
        assert seconds is not None
        assert seconds > 0


def _document(lines: list[str]) -> Any:
    start = lines.index("{")
    return json.loads("\n".join(lines[start : lines.index("}") + 1]))
