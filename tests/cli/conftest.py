"""Running commands inside the test process, and what they need."""

import functools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.testing
from typer.testing import CliRunner, Result

from clarion.cli.main import app
from support.listener import Listener

Clarion = Callable[..., Result]


@pytest.fixture(scope="session")
def _built_once() -> Iterator[None]:
    """Build the commands from their functions once: it takes longer than most commands do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.testing, "_get_command", functools.cache(typer.main.get_command))
        yield


@pytest.fixture
def clarion(_built_once: None) -> Clarion:
    """Run ``clarion ARGUMENTS`` and return the result, whatever it is."""
    runner = CliRunner()

    def run(*arguments: str, stdin: str = "") -> Result:
        result = runner.invoke(app, list(arguments), input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def ok(clarion: Clarion) -> Callable[..., str]:
    """Run a command that must succeed and return what it printed."""

    def run(*arguments: str, stdin: str = "") -> str:
        result = clarion(*arguments, stdin=stdin)
        assert result.exit_code == 0, result.stderr
        return result.stdout

    return run


@pytest.fixture
def ok_json(ok: Callable[..., str]) -> Callable[..., Any]:
    """Run a command with ``--json`` that must succeed and return its document."""
    return lambda *arguments: json.loads(ok(*arguments, "--json"))


@pytest.fixture
def refused(clarion: Clarion) -> Callable[..., str]:
    """Run a command that must fail with exit code 1, and return its sentence."""

    def run(*arguments: str, stdin: str = "") -> str:
        result = clarion(*arguments, stdin=stdin)
        assert result.exit_code == 1, f"exit code {result.exit_code}\n{result.output}"
        assert "Traceback" not in result.output
        return result.stderr.strip()

    return run


@pytest.fixture
def misused(clarion: Clarion) -> Callable[..., str]:
    """Run a command that must fail as wrong usage (exit code 2), and return what it says."""

    def run(*arguments: str) -> str:
        result = clarion(*arguments)
        assert result.exit_code == 2, f"exit code {result.exit_code}\n{result.output}"
        assert result.stdout == ""
        return result.stderr.strip().splitlines()[-1]

    return run


@pytest.fixture
def channel(db: None, ok: Callable[..., str]) -> str:
    """The name of a webhook channel on which nobody listens."""
    settings = ("--set", "url=http://127.0.0.1:9/sink", "--set", "allow_private=true")
    ok("channel", "add", "news", "--kind", "webhook", *settings)
    return "news"


@pytest.fixture
def people(channel: str, ok: Callable[..., str], tmp_path: Path) -> str:
    """The channel again, with three people: 1 Ann in Bonn, 2 Bo in Rome, 3 without a name."""
    path = tmp_path / "people.csv"
    path.write_text("id,name,city\n1,Ann,Bonn\n2,Bo,Rome\n3,,Oslo\n", encoding="utf-8")
    ok("contacts", "import", str(path), "--channel", channel, "--tag", "all-three")
    return channel


@pytest.fixture
def receiver() -> Iterator[Listener]:
    """A server that messages are sent to; 200 to everything unless a test says otherwise."""
    with Listener() as listener:
        yield listener
