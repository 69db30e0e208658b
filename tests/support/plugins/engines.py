"""Which tests run on which database engine, and what the run reports about it.

Tests that touch no database give the same answer on both engines, so they run on SQLite only. The
mark `only_on("sqlite")` says the same of a test that needs a database for something else, such as a
page's looks, whose views have tests on both; or that the behaviour is that engine's alone.
pytest-django lets no test reach a database without asking for one, hence asking is the measure:
the mark `django_db`, one of the fixtures below, or one of Django's TestCase classes.
"""

import json
import os
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.test import SimpleTestCase
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from support import environment
from support.postgres import server_version

USES_DATABASE = {
    "db",
    "transactional_db",
    "django_db_setup",
    "live_server",
    "admin_client",
    "admin_user",
    "database_url",
    "process_env",
    "own_database",
    "scratch_database",
}

LONG = ("browser", "crash")

# No timed tests: a slow machine is not a wrong answer. In CI the same examples every time.
UNTIMED: Any = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
hypothesis_settings.register_profile("clarion", **UNTIMED)
hypothesis_settings.register_profile("clarion-ci", **UNTIMED, derandomize=True, database=None)
hypothesis_settings.load_profile("clarion-ci" if os.environ.get("CI") == "true" else "clarion")


@pytest.fixture(scope="session")
def engine_name() -> str:
    """Return the database engine of this run: sqlite or postgresql."""
    return environment.engine_name()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take those that say something about this engine, and spread the long ones."""
    left_out = [item for item in items if not _belongs_here(item)]
    if left_out:
        items[:] = [item for item in items if _belongs_here(item)]
        config.hook.pytest_deselected(items=left_out)
    items[:] = spread(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def pytest_report_header() -> str:
    """Say at the top which engine runs."""
    return f"engine: {_engine()}"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Hand the counts to scripts/test.py."""
    target = os.environ.get("CLARION_TEST_RESULT")
    if not target:
        return
    stats = terminalreporter.stats
    counts = {
        "engine": _engine(),
        "passed": len(stats.get("passed", ())) + len(stats.get("xfailed", ())),
        "failed": sum(len(stats.get(word, ())) for word in ("failed", "error", "xpassed")),
        "skipped": len(stats.get("skipped", ())),
    }
    Path(target).write_text(json.dumps(counts), encoding="utf-8")


def spread(items: list[pytest.Item], processes: int) -> list[pytest.Item]:
    """Order the tests so that each process has its share of the long ones, and none at the end.

    xdist gives each process one piece of the list, all about as long. A long test waits for other
    programs most of the time: beside short ones it costs next to nothing, and at the end all
    other processes would wait for it.
    """
    if processes < 2:
        return items
    long = [item for item in items if any(map(item.get_closest_marker, LONG))]
    short = [item for item in items if not any(map(item.get_closest_marker, LONG))]
    ordered = []
    for number in range(processes):
        share = short[len(short) * number // processes : len(short) * (number + 1) // processes]
        ours = long[number::processes]
        step = len(share) * 3 // 4 // max(len(ours), 1)
        for place, item in enumerate(ours):
            ordered += [item, *share[place * step : (place + 1) * step]]
        ordered += share[len(ours) * step :]
    return ordered


def _belongs_here(item: pytest.Item) -> bool:
    if (mark := item.get_closest_marker("only_on")) is not None:
        assert mark.args[0] in environment.ENGINES, f"{item.nodeid}: there is no such engine"
        return bool(mark.args[0] == environment.engine_name())
    return environment.engine_name() == "sqlite" or _uses_database(item)


def _uses_database(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    case = getattr(item, "cls", None)
    return (
        item.get_closest_marker("django_db") is not None
        or bool(fixtures & USES_DATABASE)
        or (isinstance(case, type) and issubclass(case, SimpleTestCase))
    )


def _engine() -> str:
    if environment.engine_name() == "postgresql":
        return f"postgresql {server_version(os.environ['CLARION_TEST_POSTGRES_URL'])}"
    # Not the library of the same name: the settings may have put a newer one in its place.
    base: Any = import_module("django.db.backends.sqlite3.base")
    return f"sqlite {base.Database.sqlite_version}"
