"""``clarion simulator``: the options reach the simulator, and what is wrong is said."""

import json
import socket
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.processes import Processes


def test_it_runs_with_its_knobs_until_it_is_ended(processes: Processes, tmp_path: Path) -> None:
    log, ready = tmp_path / "log.jsonl", tmp_path / "ready.json"
    simulator = processes.clarion(
        "simulator", "--http-port", "0", "--smtp-port", "0",
        "--set", "error_500=100", "--set", "seed=7", "--log", str(log), "--ready-file", str(ready),
    )  # fmt: skip
    url = simulator.wait_for_line(r"ready (http://127\.0\.0\.1:\d+) smtp://127\.0\.0\.1:\d+")[1]
    assert json.loads(ready.read_text())["http"] == url
    assert _get(f"{url}/_/behaviour")["error_500"] == 100
    assert _get(f"{url}/_/behaviour")["seed"] == 7
    simulator.terminate()
    assert simulator.wait() == 0
    assert log.exists()


@pytest.mark.parametrize(
    ("knob", "said"),
    [
        ("colour=red", "'colour' is no setting of the simulator"),
        ("error_500=lots", "error_500 must be a percentage from 0 to 100"),
        ("error_500", "is not of the form key=value"),
    ],
)
def test_a_wrong_knob_is_wrong_usage(misused: Callable[..., str], knob: str, said: str) -> None:
    assert said in misused("simulator", "--set", knob)


def test_a_port_that_is_taken(processes: Processes) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = str(listener.getsockname()[1])
        simulator = processes.run("simulator", "--http-port", port, "--smtp-port", "0")
    assert simulator.returncode == 1
    assert len(simulator.lines) == 1
    assert f"cannot listen on 127.0.0.1 port {port}" in simulator.output


def test_a_file_that_is_no_log(processes: Processes, tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear all\n")
    simulator = processes.run(
        "simulator", "--http-port", "0", "--smtp-port", "0", "--log", str(path)
    )
    assert simulator.returncode == 1
    assert len(simulator.lines) == 1
    assert "is not a log of the simulator" in simulator.output
    assert path.read_text() == "Dear all\n"


def _get(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url, timeout=60) as reply:
        document: dict[str, Any] = json.load(reply)
    return document
