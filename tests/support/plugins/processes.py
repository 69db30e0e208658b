"""Fixtures for real processes: started by a test, killed at its end, shown when it fails."""

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from support import environment
from support.ports import free_port as find_free_port
from support.processes import Processes

RUNNING = pytest.StashKey[list[Processes]]()


@pytest.fixture
def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listens on."""
    return find_free_port()


@pytest.fixture
def processes(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Processes]:
    """Yield a starter of processes: `processes.clarion("worker").wait_for_line("ready")`.

    They work on the test database when the test asks for one (`process_env`, `database_url`,
    `own_database` or `@pytest.mark.django_db(transaction=True)`), else on an empty folder.
    """
    started = Processes(_environment(request, tmp_path))
    request.node.stash.setdefault(RUNNING, []).append(started)
    yield started
    started.close()
    shared = environment.test_database_url()
    if (
        started.started
        and started.env["CLARION_DATABASE_URL"] == shared
        and environment.engine_name() == "postgresql"
    ):
        # Else what the server was last told by those who are killed may reach the next test.
        environment.end_connections(shared, environment.APPLICATION)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, Any]:
    """Show what the processes wrote beside the failure."""
    report = yield
    if report.failed:
        for started in item.stash.get(RUNNING, []):
            if started.started:
                report.sections.append((f"processes ({report.when})", started.report()))
    return report


@pytest.fixture(scope="session")
def torture_size() -> tuple[int, int]:
    """Return how many people a crash test sends to, and how often it kills: small, or as told.

    `make torture` sets CLARION_TORTURE_SIZE and CLARION_TORTURE_KILLS.
    """
    return (
        int(os.environ.get("CLARION_TORTURE_SIZE", "2000")),
        int(os.environ.get("CLARION_TORTURE_KILLS", "3")),
    )


def _environment(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    if "own_database" in request.fixturenames:
        env: dict[str, str] = request.getfixturevalue("own_database").env
        return env
    mark = request.node.get_closest_marker("django_db")
    if {"database_url", "process_env", "transactional_db"} & set(request.fixturenames) or mark:
        if mark and not (mark.kwargs.get("transaction") or mark.args):
            pytest.fail("processes see only what is committed: use django_db(transaction=True)")
        return dict(request.getfixturevalue("process_env"))
    data = tmp_path / "process-data"
    data.mkdir(mode=0o700)
    return environment.process_environment(
        CLARION_DATA=str(data), CLARION_DATABASE_URL=f"sqlite:///{data / 'clarion.sqlite3'}"
    )
