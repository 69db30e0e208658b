"""Progress: lines now and then in a pipe, a bar in a terminal."""

import os
import pty
import subprocess
import sys
from contextlib import suppress
from types import SimpleNamespace

import pytest

from clarion.cli import progress as module
from clarion.cli.progress import progress

SHOW = """
from clarion.cli.progress import progress
with progress("Sending") as update:
    for done in range(0, 101, 10):
        update(done, 100, f"{done} sent")
"""


def test_a_pipe_gets_a_line_for_each_quarter(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: 0.0))
    with progress("Sending") as update:
        for done in range(101):
            update(done, 100, f"{done} sent")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [
        "Sending: 0 % – 0 sent",
        "Sending: 25 % – 25 sent",
        "Sending: 50 % – 50 sent",
        "Sending: 75 % – 75 sent",
        "Sending: 100 % – 100 sent",
    ]


def test_slow_work_gets_a_line_every_few_seconds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now))
    with progress("Sending") as update:
        for second in range(12):
            now = float(second)
            update(second, 1_000, "")
    assert capsys.readouterr().err.splitlines() == [
        "Sending: 0 %",
        "Sending: 0 %",
        "Sending: 1 %",
    ]


def test_an_unknown_total(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("Sending") as update:
        update(0, 0, "scheduled")
    assert capsys.readouterr().err == "Sending: … – scheduled\n"


def test_a_terminal_gets_a_bar() -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", SHOW],
        stderr=theirs,
        stdout=subprocess.PIPE,
        env={**os.environ, "COLUMNS": "100", "TERM": "xterm"},
    ) as child:
        os.close(theirs)
        shown = _read_to_the_end(ours)
        assert child.stdout is not None
        assert child.stdout.read() == b""
    os.close(ours)
    assert child.returncode == 0
    assert "100%" in shown
    assert "━" in shown
    assert "100 sent" in shown


def _read_to_the_end(terminal: int) -> str:
    """All that was written: a terminal hands it on in pieces, and holds little at a time."""
    pieces = []
    with suppress(OSError):  # what Linux says when nobody has the other end any more
        while piece := os.read(terminal, 4096):
            pieces.append(piece)
    return b"".join(pieces).decode()
