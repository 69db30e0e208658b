"""The supervisor starts, restarts and ends processes, and never leaves one behind."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from clarion.cli import supervisor as module
from clarion.cli.supervisor import Supervisor
from support.processes import Processes, lives
from support.waiting import eventually

# A child that says it is there, and ends when the descriptor after --parent-fd says so.
FOLLOWS = (
    "import os, sys\n"
    "open(sys.argv[1], 'a').write(f'{os.getpid()}\\n')\n"
    "os.read(int(sys.argv[3]), 1)\n"
)
STUBBORN = (
    "import os, signal, sys, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "open(sys.argv[1], 'a').write(f'{os.getpid()}\\n')\n"
    "time.sleep(600)\n"
)
# Ctrl-C is nothing to it but while it supervises: the test presses it until the process is gone.
PARENT = (
    "import signal, sys\n"
    "from clarion.cli import supervisor as module\n"
    "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    "module.GRACE = 600\n"
    "with module.Supervisor((sys.executable, '-c', sys.argv[1])) as supervisor:\n"
    "    supervisor.add('child', sys.argv[2])\n"
    "    while not supervisor.stopping:\n"
    "        supervisor.tick(60)\n"
    "print('over', flush=True)\n"
)


def test_children_end_with_the_supervisor(tmp_path: Path) -> None:
    with Supervisor((sys.executable, "-c", FOLLOWS)) as supervisor:
        for name in ("one", "two"):
            supervisor.add(name, str(tmp_path / name))
        pids = [_pids(tmp_path / name, 1)[0] for name in ("one", "two")]
        assert all(lives(pid) for pid in pids)
    assert not any(lives(pid) for pid in pids)


def test_a_child_that_dies_is_started_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Supervisor((sys.executable, "-c", FOLLOWS)) as supervisor:
        supervisor.add("worker", str(tmp_path / "pids"))
        first = _pids(tmp_path / "pids", 1)[0]
        os.kill(first, signal.SIGKILL)

        def twice() -> bool:
            supervisor.tick(0.05)
            return len(_read(tmp_path / "pids")) == 2

        eventually(twice, timeout=120)
        assert lives(_pids(tmp_path / "pids", 2)[1])
    assert "The worker ended (signal 9). It is restarted in 0.5 s." in capsys.readouterr().err


def test_the_pause_before_a_restart_grows(tmp_path: Path) -> None:
    with Supervisor((sys.executable, "-c", "")) as supervisor:
        child = supervisor.add("flutter")

        def restarts() -> bool:
            supervisor.tick(0.05)
            return child.pause >= 2.0

        eventually(restarts, timeout=120)
    assert child.pause == 2.0


def test_a_signal_ends_it_at_once(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Supervisor((sys.executable, "-c", FOLLOWS)) as supervisor:
        supervisor.add("child", str(tmp_path / "pids"))
        _pids(tmp_path / "pids", 1)
        timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM))
        timer.start()
        began = time.monotonic()
        while not supervisor.stopping:
            supervisor.tick(600)
        timer.join()
    assert time.monotonic() - began < 300
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_child_that_does_not_end_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "GRACE", 0.2)
    with Supervisor((sys.executable, "-c", STUBBORN)) as supervisor:
        supervisor.add("child", str(tmp_path / "pids"))
        pid = _pids(tmp_path / "pids", 1)[0]
    assert not lives(pid)
    assert f"Process {pid} didn't end in time and was killed." in capsys.readouterr().err


def test_a_second_signal_kills_what_does_not_end(processes: Processes, tmp_path: Path) -> None:
    parent = processes.python(PARENT, STUBBORN, str(tmp_path / "pids"))
    child = _pids(tmp_path / "pids", 1)[0]
    os.kill(parent.pid, signal.SIGINT)

    def over() -> bool:
        if parent.running:
            os.kill(parent.pid, signal.SIGINT)
        return not parent.running

    eventually(over, timeout=120)
    parent.wait()
    assert not lives(child)
    assert parent.lines[-1] == "over"


def test_children_of_a_killed_supervisor_end(processes: Processes, tmp_path: Path) -> None:
    parent = processes.python(PARENT, FOLLOWS, str(tmp_path / "pids"))
    child = _pids(tmp_path / "pids", 1)[0]
    os.kill(parent.pid, signal.SIGKILL)
    eventually(lambda: not lives(child), what="the child has ended")


def _pids(path: Path, count: int) -> list[int]:
    eventually(lambda: len(_read(path)) >= count, timeout=120, what=f"{count} starts")
    return _read(path)


def _read(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().splitlines()] if path.exists() else []
