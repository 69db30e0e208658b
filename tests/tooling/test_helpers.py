"""The helpers of the other tests: waiting, processes, the network guard."""

import asyncio
import gc
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from django.contrib.auth.hashers import make_password

from clarion.accounts.models import Agent
from support.guard import OutsideConnection
from support.processes import Processes
from support.waiting import eventually, eventually_async
from support.warm import WarmParent

# Set aside for documentation: nobody is there, and the guard refuses before anything is sent.
OUTSIDE = ("192.0.2.1", 80)


def test_eventually_returns_the_first_truthy_answer() -> None:
    answers = iter([0, None, "there"])

    assert eventually(lambda: next(answers)) == "there"


def test_eventually_fails_with_the_last_answer() -> None:
    with pytest.raises(AssertionError, match=r"not within 0.02 s: the row .*last answer: 0"):
        eventually(lambda: 0, timeout=0.02, what="the row")


def test_a_password_takes_next_to_nothing_to_hash() -> None:
    assert "$argon2id$v=19$m=64,t=1,p=1$" in make_password("correct horse")


def test_what_was_loaded_before_the_tests_is_spared_by_the_garbage_collector() -> None:
    assert gc.isenabled()
    assert not any(loaded is Agent for loaded in gc.get_objects())


async def test_eventually_waits_on_the_event_loop() -> None:
    flag = asyncio.Event()
    asyncio.get_running_loop().call_soon(flag.set)

    async def is_set() -> bool:
        assert flag.is_set(), "not yet"
        return True

    assert await eventually_async(is_set)
    assert await eventually_async(flag.is_set)


def test_a_process_is_watched_and_killed(processes: Processes) -> None:
    child = processes.python("import os, time; print('pid', os.getpid()); time.sleep(600)")

    assert int(child.wait_for_line(r"pid (\d+)").group(1)) == child.pid
    child.freeze()
    child.thaw()
    child.kill()

    assert child.returncode == -signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)


def test_a_line_that_never_comes_shows_what_came(processes: Processes) -> None:
    child = processes.python("print('something else')")

    with pytest.raises(AssertionError, match=r"it ended before .*\n.*something else"):
        child.wait_for_line("ready")


def test_grandchildren_are_killed_too(processes: Processes) -> None:
    child = processes.python(
        "import subprocess, sys;"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        "print('grandchild', p.pid)"
    )
    grandchild = int(child.wait_for_line(r"grandchild (\d+)").group(1))
    child.wait_for_line("grandchild")

    child.kill()

    assert eventually(lambda: not _is_alive(grandchild), timeout=120, what="the grandchild is gone")


def test_a_warm_process_is_one_of_its_own_with_its_own_settings(
    processes: Processes, tmp_path: Path
) -> None:
    folders = [tmp_path / "first", tmp_path / "second"]
    warm = WarmParent(("env",))
    try:
        for folder in folders:
            database = {"CLARION_DATABASE_URL": f"sqlite:///{folder / 'clarion.sqlite3'}"}
            env = {**processes.env, "CLARION_DATA": str(folder), **database}
            assert warm.can_start(env)
            command = warm.start(["clarion", "agent", "list"], env)
            assert os.getpgid(command.pid) == command.pid
            assert command.wait(60) == 1
            with command.stdout as lines:
                assert "clarion migrate" in lines.read()
            assert (folder / "clarion.sqlite3").exists()
    finally:
        warm.close()


def test_a_warm_process_is_killed_with_its_parent(processes: Processes) -> None:
    warm = WarmParent(("env",))
    command = ["clarion_simulator", "--http-port", "0", "--smtp-port", "0"]
    simulator = warm.start(command, processes.env)
    with simulator.stdout as lines:
        assert "ready" in next(iter(lines))
        assert simulator.poll() is None
        warm.close()
        assert simulator.wait(60) == -signal.SIGKILL


def test_what_the_interpreter_reads_as_it_starts_takes_a_process_of_its_own(
    processes: Processes,
) -> None:
    warm = WarmParent(("env",))
    try:
        assert warm.can_start(processes.env)
        assert not warm.can_start({**processes.env, "PYTHONOPTIMIZE": "1"})
        assert not warm.can_start({**processes.env, "LC_ALL": "C"})
    finally:
        warm.close()


def test_tests_cannot_leave_this_machine(refused_connections: list[str]) -> None:
    with socket.socket() as client, pytest.raises(OutsideConnection, match=r"192\.0\.2\.1"):
        client.connect(OUTSIDE)
    refused_connections.clear()


async def test_asyncio_cannot_leave_this_machine(refused_connections: list[str]) -> None:
    with pytest.raises(OutsideConnection):
        await asyncio.open_connection(*OUTSIDE)
    refused_connections.clear()


def test_loopback_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()


def _is_alive(pid: int) -> bool:
    # A zombie that nobody has reaped yet is not alive.
    shown = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return bool(shown.stdout) and not shown.stdout.startswith("Z")
