"""The command itself: help, usage, and how failures are said."""

import gc
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog
from django.db import OperationalError

from clarion import __version__, config
from clarion.cli import failures, pages
from clarion.cli.django_setup import load_django, log_everything, uncollected
from clarion.cli.failures import sentence
from clarion.kit.vault import SealedError
from clarion.server.run import PageServer
from support.processes import Processes

COMMANDS = (
    "serve", "web", "worker", "migrate", "check", "demo", "bench", "simulator",
    "agent", "channel", "contacts", "send", "broadcasts", "records",
)  # fmt: skip


def test_help_names_every_command(ok: Callable[..., str]) -> None:
    text = ok("--help")
    for command in COMMANDS:
        assert f"\n  {command}" in text


def test_version(ok: Callable[..., str]) -> None:
    assert ok("--version") == f"Clarion {__version__}\n"


def test_what_is_loaded_for_good_is_left_out_by_the_collector() -> None:
    before = gc.get_freeze_count()
    with uncollected():
        assert not gc.isenabled()
        loaded = [before]
    assert gc.isenabled()
    assert gc.get_freeze_count() > before
    assert not any(listed is loaded for listed in gc.get_objects())


def test_help_needs_neither_django_nor_a_data_folder() -> None:
    """What makes ``--help`` and completion quick."""
    code = (
        "import sys\n"
        "modules = sys.argv.pop().split(',')\n"
        "from clarion.cli.main import run\n"
        "try:\n"
        "    run()\n"
        "except SystemExit:\n"
        "    print(sorted(set(modules) & set(sys.modules)))"
    )
    environment = {**os.environ, "CLARION_DATA": "/proc/nowhere"}
    slow = "django,rich,uvicorn,uvloop"
    for arguments, modules in (
        (["--help"], f"{slow},pydantic"),  # typer itself loads it for the help of one command
        (["send", "--help"], slow),
        (["channel", "add", "--help"], slow),
    ):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments, modules],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.splitlines()[-1] == "[]"


def test_a_web_process_does_not_load_the_api_before_it_answers_visitors() -> None:
    code = (
        "import os, sys\n"
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'clarion.settings'\n"
        "import django\n"
        "django.setup()\n"
        "from clarion.cli.pages import load_api, load_application\n"
        "load_application()\n"
        "print('clarion.web.urls' in sys.modules, 'clarion.api.urls' in sys.modules)\n"
        "load_api()\n"
        "print('clarion.api.urls' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "True False\nTrue\n", done.stderr


def test_a_web_process_loads_the_api_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    is_loaded = threading.Event()
    monkeypatch.setattr(pages, "LOAD_API_AFTER", 0)
    monkeypatch.setattr(pages, "load_api", is_loaded.set)
    monkeypatch.setattr(PageServer, "run", lambda _, sockets: [one.close() for one in sockets])
    pages.serve_pages("127.0.0.1", pages.usable_port("127.0.0.1", 0), settings=config.load())
    assert is_loaded.wait(60)


def test_an_unknown_command_is_wrong_usage(misused: Callable[..., str]) -> None:
    assert "No such command 'sennd'" in misused("sennd")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OperationalError("database is locked"), "The database is busy"),
        (OperationalError("database or disk is full"), "The disk is full"),
        (OperationalError("no such table: x"), "Run: clarion migrate"),
        (OperationalError('relation "x" does not exist'), "Run: clarion migrate"),
        (OperationalError("attempt to write a readonly database"), "can't be opened for writing"),
        (OperationalError("connection refused\nmore"), "connection refused. Check CLARION_DATA"),
        (PermissionError(13, "Permission denied", "/x"), "/x: Permission denied."),
        (SealedError("The stored credentials can't be opened."), "The stored credentials can't"),
        (KeyError("boo"), "CLARION_LOG_LEVEL=debug"),
        (
            ValueError("of no package"),
            "Something unexpected went wrong (ValueError: of no package)",
        ),
    ],
)
def test_every_error_is_one_sentence(error: Exception, said: str) -> None:
    text = sentence(error)
    assert said in text
    assert "\n" not in text
    assert text.endswith((".", "migrate"))


def test_a_traceback_is_shown_on_request_only(
    monkeypatch: pytest.MonkeyPatch, refused: Callable[..., str], clarion: Callable[..., object]
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("boo")

    monkeypatch.setattr("clarion.kit.db.schema.bring_up_to_date", broken)
    assert "Traceback" not in refused("migrate")
    monkeypatch.setenv("CLARION_LOG_LEVEL", "debug")
    result = clarion("migrate")
    assert result.exit_code == failures.EXIT_FAILED  # type: ignore[attr-defined]
    assert "Traceback (most recent call last)" in result.stderr  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (
            "UNDO_SECONDS",
            "soon",
            "The setting CLARION_UNDO_SECONDS is wrong. Write a whole number.",
        ),
        ("LOG_LEVEL", "loud", "CLARION_LOG_LEVEL is wrong. Use debug, info, warning or error."),
        ("ALLOWED_HOSTS", "example.org", 'A setting is wrong: error parsing value for field "all'),
        ("TIME_ZONE", "Mars", "There is no time zone called “Mars”."),
        ("DATABASE_URL", "mysql://x", "CLARION_DATABASE_URL must begin with sqlite:///"),
        ("DATA", "/proc/nowhere", "The data folder /proc/nowhere can't be used"),
    ],
)
def test_a_wrong_setting_is_one_sentence(
    processes: Processes, name: str, value: str, said: str
) -> None:
    process = processes.run("migrate", env={f"CLARION_{name}": value})
    assert process.returncode == 1
    assert said in process.output
    assert len(process.lines) == 1


def test_a_broken_settings_file_is_one_sentence(processes: Processes, tmp_path: Path) -> None:
    (tmp_path / "clarion.toml").write_text("undo_seconds = = 3")
    code = f"import os; os.chdir({str(tmp_path)!r}); from clarion.cli.main import run; run()"
    process = processes.python(code, "migrate")
    assert process.wait() == 1
    assert "clarion.toml can't be read: " in process.output
    assert len(process.lines) == 1


def test_output_may_be_cut_short(processes: Processes) -> None:
    """``clarion … | head -1`` is no error."""
    command = f"{sys.executable} -m clarion channel kinds --json | head -c 1"
    process = processes.start(["bash", "-o", "pipefail", "-c", command])
    process.wait()
    assert process.lines == ["["]


def test_logs_go_to_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    load_django()
    structlog.get_logger().info("channel_paused")
    structlog.get_logger().warning("lease_lost")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "lease_lost" in printed.err
    assert "channel_paused" not in printed.err  # a command's result says so

    log_everything()
    structlog.get_logger().info("worker_started")
    structlog.get_logger().debug("chatter")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "worker_started" in printed.err
    assert "chatter" not in printed.err
