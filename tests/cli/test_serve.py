"""``clarion serve``, ``web`` and ``worker`` as real processes."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.processes import Process, Processes, children, lives, status
from support.waiting import eventually

pytestmark = [pytest.mark.crash, pytest.mark.django_db(transaction=True)]
LONG = 120.0  # seconds for processes to start or end
RUNNING = r"Clarion is running at (http://127\.0\.0\.1:(\d+))"
only_sqlite = pytest.mark.only_on("sqlite")  # about its file, or about processes and ports alone
only_postgresql = pytest.mark.only_on("postgresql")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder of the test's own; the database is the test's."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def env(data: Path) -> dict[str, str]:
    return {"CLARION_DATA": str(data)}


@pytest.fixture
def fresh(data: Path) -> dict[str, str]:
    """An environment with an SQLite database that does not exist yet."""
    return {
        "CLARION_DATA": str(data),
        "CLARION_DATABASE_URL": f"sqlite:///{data / 'clarion.sqlite3'}",
    }


def test_it_serves_pages_and_runs_an_engine(processes: Processes, env: dict[str, str]) -> None:
    serve = processes.clarion("serve", "--port", "0", env=env)
    url = serve.wait_for_line(RUNNING)[1]
    serve.wait_for_line("worker ready")
    assert status(url) == 200
    check = processes.run("check", env=env)
    assert check.returncode == 0
    assert "ok      1 worker running." in check.lines
    serve.terminate()
    assert serve.wait() == 0
    assert "Stopping. Messages that are being sent are finished first." in serve.lines
    assert "Traceback" not in serve.output


@only_sqlite
def test_a_fresh_database_is_set_up_and_nothing_survives_a_killed_parent(
    processes: Processes, fresh: dict[str, str]
) -> None:
    serve = processes.clarion("serve", "--port", "0", env=fresh)
    serve.wait_for_line(RUNNING)
    serve.wait_for_line(r"The database was brought up to date \(\d+ migrations\)\.")
    serve.wait_for_line("There is no agent yet who can log in. Add one with: clarion agent add")
    serve.wait_for_line("worker ready")
    family = children(serve.pid)
    assert len(family) >= 2
    os.kill(serve.pid, signal.SIGKILL)
    eventually(lambda: not any(map(lives, family)), LONG, what="all have ended")
    again = processes.clarion("serve", "--port", "0", env=fresh)
    again.wait_for_line(RUNNING)


@only_sqlite
def test_a_second_one_is_refused_and_ctrl_c_ends_all_of_the_first(
    processes: Processes, env: dict[str, str], data: Path, free_port: int
) -> None:
    serve = processes.clarion("serve", "--port", str(free_port), env=env)
    url = serve.wait_for_line(RUNNING)[1]
    serve.wait_for_line("worker ready")
    family = children(serve.pid)
    assert len(family) >= 2

    second = processes.run("serve", "--port", "0", env=env)
    assert second.returncode == 1
    assert second.lines == [
        (
            f"Clarion is already running in {data} (process {serve.pid}). "
            "Stop it first, or set CLARION_DATA to another folder."
        )
    ]
    assert serve.running

    serve.signal(signal.SIGINT)  # the whole group, as the terminal does
    assert serve.wait() == 0
    assert not any(lives(child) for child in family)
    assert "Traceback" not in serve.output
    assert not _listens(url)


@only_sqlite
def test_a_second_engine_on_the_same_file_is_refused(
    processes: Processes, env: dict[str, str], tmp_path: Path
) -> None:
    processes.clarion("worker", env=env).wait_for_line("worker ready")
    elsewhere = tmp_path / "elsewhere"
    others = [
        processes.clarion("worker", env=other) for other in (env, {"CLARION_DATA": str(elsewhere)})
    ]
    for second in others:
        assert second.wait() == 1
        assert "Clarion is already running in " in second.output
        assert len(second.lines) == 1


@only_sqlite
def test_several_engines_need_postgresql(processes: Processes, env: dict[str, str]) -> None:
    serve = processes.run("serve", "--port", "0", "--workers", "2", env=env)
    assert serve.returncode == 1
    assert serve.lines == [
        (
            "An SQLite database can be used by one worker only. To run several, use PostgreSQL: "
            "set CLARION_DATABASE_URL."
        )
    ]


@only_postgresql
def test_several_engines_on_postgresql(processes: Processes, env: dict[str, str]) -> None:
    serve = processes.clarion("serve", "--port", "0", "--workers", "2", env=env)
    serve.wait_for_line(RUNNING)
    processes.clarion("worker", env=env).wait_for_line("worker ready")
    eventually(lambda: serve.lines.count("worker ready") == 2, LONG, what="both workers")
    assert "ok      3 workers running." in processes.run("check", env=env).lines


def test_a_half_that_is_killed_is_started_again(
    processes: Processes, env: dict[str, str], free_port: int
) -> None:
    serve = processes.clarion("serve", "--port", str(free_port), env=env)
    url = serve.wait_for_line(RUNNING)[1]
    serve.wait_for_line("worker ready")
    os.kill(_child(serve, "worker"), signal.SIGKILL)
    eventually(lambda: serve.lines.count("worker ready") == 2, LONG, what="a new worker")
    assert "The worker ended (signal 9). It is restarted in 0.5 s." in serve.lines

    web = _child(serve, "web")
    os.kill(web, signal.SIGKILL)
    eventually(lambda: not lives(web), LONG, what="its end")
    eventually(lambda: _listens(url) and status(url) == 200, LONG, what="pages again")


@only_sqlite
def test_a_port_that_is_taken(processes: Processes, env: dict[str, str]) -> None:
    with _taken_port() as port:
        for command in ("serve", "web"):
            refused = processes.run(command, "--port", str(port), env=env)
            assert refused.returncode == 1
            assert refused.lines == [
                (
                    f"Port {port} on 127.0.0.1 is used by another program. "
                    "Choose another port with --port."
                )
            ]


@only_sqlite
def test_an_address_that_is_not_ours(processes: Processes, env: dict[str, str]) -> None:
    refused = processes.run("serve", "--host", "192.0.2.1", "--port", "0", env=env)
    assert refused.returncode == 1
    assert len(refused.lines) == 1
    assert "The server can't listen on 192.0.2.1: " in refused.output


@only_sqlite
@pytest.mark.parametrize("command", ["web", "worker"])
def test_the_halves_ask_for_a_migration(
    processes: Processes, fresh: dict[str, str], command: str
) -> None:
    port = ("--port", "0") if command == "web" else ()
    refused = processes.run(command, *port, env=fresh)
    assert refused.returncode == 1
    assert refused.lines == ["The database is not up to date. Run: clarion migrate"]


@only_sqlite
def test_web_alone(processes: Processes, env: dict[str, str]) -> None:
    web = processes.clarion("web", "--port", "0", env=env)
    url = web.wait_for_line(r"The web server is running at (http://\S+)")[1]
    eventually(lambda: _listens(url) and status(url) == 200, LONG, what="a page")
    web.terminate()
    assert web.wait() == 0


@only_sqlite
@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="no folder that root can't write to")
def test_a_folder_that_can_not_be_written(processes: Processes) -> None:
    refused = processes.run("serve", "--port", "0", env={"CLARION_DATA": "/sys/kernel"})
    assert refused.returncode == 1
    assert refused.lines == [
        (
            "The folder /sys/kernel can't be written to: Permission denied. "
            "Set CLARION_DATA to a folder that Clarion can write to."
        )
    ]


@only_sqlite
def test_a_data_folder_that_is_a_file(processes: Processes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    refused = processes.run("serve", "--port", "0", env={"CLARION_DATA": str(path)})
    assert refused.returncode == 1
    assert refused.lines == [
        (
            f"The data folder {path} can't be used: File exists. "
            "Set CLARION_DATA to a folder that Clarion can write to."
        )
    ]


def _listens(url: str) -> bool:
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.socket() as probe:
        probe.settimeout(5)
        return probe.connect_ex((host, int(port))) == 0


@contextmanager
def _taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def _child(serve: Process, command: str) -> int:
    for pid in children(serve.pid):
        if command in Path(f"/proc/{pid}/cmdline").read_text().split("\0"):
            return pid
    raise AssertionError(f"no {command} among the children")
