import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from simulator.client import PATIENCE

SOURCE = Path(__file__).parents[2] / "src"


def launch(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "clarion_simulator", *arguments],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    with launch("--http-port", "0", "--smtp-port", "0", *arguments) as process:
        try:
            word, http, smtp = process.stdout.readline().split()
            assert word == "ready"
            yield process, http, smtp
        finally:
            process.kill()


def ask(url: str, body: object = None) -> object:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data), timeout=PATIENCE) as reply:
        return json.loads(reply.read())


def test_it_runs_until_told_to_stop(tmp_path: Path) -> None:
    ready, log = tmp_path / "ready.json", tmp_path / "log.jsonl"
    options = ("--set", "seed=3", "--ready-file", str(ready), "--log", str(log))
    with running(*options) as (process, http, smtp):
        assert ask(f"{http}/hook/a", {"to": "anna"}) == {"id": "sim-1"}
        told = json.loads(ready.read_text())
        assert (told["http"], told["smtp"], told["pid"]) == (http, smtp, process.pid)
        assert ask(f"{http}/_/behaviour")["seed"] == 3
        host, port = smtp.removeprefix("smtp://").split(":")
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as line:
            assert line.recv(3) == b"220"
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        assert process.stderr.read() == ""
    assert json.loads(log.read_text())["recipient"] == "anna"


def test_resets_under_uvloop_are_resets() -> None:
    with running("--set", "reset_after=100") as (_, http, _):
        host, port = http.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as line:
            line.sendall(b'POST /a HTTP/1.1\r\nContent-Length: 11\r\n\r\n{"to": "a"}')
            with pytest.raises(ConnectionResetError):
                line.recv(100)
        assert ask(f"{http}/_/summary")["by_outcome"] == {"accepted": 1}


def test_wrong_usage_is_told_in_a_sentence() -> None:
    with launch("--set", "error_500=many") as process:
        _, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert "error_500 must be a percentage from 0 to 100, not 'many'." in told


def test_a_taken_port_is_told_in_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with launch("--http-port", str(port), "--smtp-port", "0") as process:
            _, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert told == (
        f"The simulator cannot listen on 127.0.0.1 port {port}: Address already in use.\n"
    )
