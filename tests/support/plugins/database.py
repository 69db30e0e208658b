"""Databases for tests: one for each test process, and one of its own for a test that needs that."""

import functools
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.test import TransactionTestCase
from pytest_django.plugin import DjangoDbBlocker

from support import environment, template
from support.postgres import PostgresServer

# Written by Django itself after each migration; emptied, they would have to be filled again.
KEPT_TABLES = {"django_migrations", "django_content_type", "auth_permission", "django_site"}


@dataclass
class OwnDatabase:
    """A migrated database of one test's own; the ORM of the test is connected to it.

    `server` is the PostgreSQL server to stop and restart; it is None on SQLite.
    """

    url: str
    env: dict[str, str]
    server: PostgresServer | None


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the data folder (CLARION_DATA) of this test process."""
    return Path(os.environ["CLARION_DATA"])


@pytest.fixture
def database_url(transactional_db: None) -> str:
    """Return the URL of the test database, for code and processes with connections of their own.

    Commits are real and all tables are emptied after the test.
    """
    return os.environ["CLARION_DATABASE_URL"]


@pytest.fixture
def process_env(database_url: str) -> dict[str, str]:
    """Return an environment for processes that work on the test database."""
    return environment.process_environment(CLARION_DATABASE_URL=database_url)


@pytest.fixture
def own_database(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[OwnDatabase]:
    """Yield a fresh database that no other test uses, on PostgreSQL with a server of its own.

    For tests that restart the server, fill the disk or leave a mess. Not to be combined with the
    mark `django_db`, which is about the shared test database.
    """
    if request.node.get_closest_marker("django_db"):
        pytest.fail("own_database replaces the mark django_db: use one of the two")
    data = tmp_path / "own-data"
    data.mkdir()
    server = None
    with django_db_blocker.unblock():
        if environment.engine_name() == "postgresql":
            server = template.own_server()
            url, there = server.url(template.OWN), template.settings_of(server)
        else:
            there = {"NAME": str(tmp_path / "own.sqlite3")}
            url = f"sqlite:///{there['NAME']}"
            template.copy_sqlite(Path(there["NAME"]))
        monkeypatch.setenv("CLARION_DATABASE_URL", url)
        monkeypatch.setenv("CLARION_DATA", str(data))
        try:
            with template.connected_to(**there):
                yield OwnDatabase(url, environment.process_environment(), server)
        finally:
            if server is not None:
                server.close()


@pytest.fixture
def scratch_database(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Connect the ORM of the test to a fresh database, which the test may replace or destroy.

    Cheaper than `own_database`: on PostgreSQL it is on the server of the run.
    """
    with django_db_blocker.unblock(), template.scratch_database(tmp_path / "scratch.sqlite3"):
        yield


@pytest.fixture
def migrated_sqlite(django_db_blocker: DjangoDbBlocker) -> Callable[[Path], None]:
    """Write a migrated SQLite database to a path, for a test of files and not of engines."""

    def write(target: Path) -> None:
        with django_db_blocker.unblock():
            template.copy_sqlite(target)

    return write


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """Make this process's test database, in the place of pytest-django's way, which migrates it."""
    with django_db_blocker.unblock():
        template.create_test_database()
    yield
    with django_db_blocker.unblock():
        connection.close()
        template.drop_test_database()


def pytest_sessionfinish() -> None:
    """Drop what the test processes' databases were copied from."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        template.drop()


def _empty_quickly(self: TransactionTestCase) -> None:
    """Delete the rows of those tables that have any.

    Django's own flush truncates every table and fills content types and permissions again, which
    takes most of the time of a short test. Foreign keys are checked at commit, so any order does.
    """
    if connection.connection is not None and connection.in_atomic_block:
        connection.close()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_which_have_rows())
        for (table,) in cursor.fetchall():
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")


@functools.cache
def _which_have_rows() -> str:
    """SQL for the names of all tables that are not empty. SQLite allows 500 parts in it."""
    tables = set(connection.introspection.django_table_names(only_existing=True)) - KEPT_TABLES
    quote = connection.ops.quote_name
    return " UNION ALL ".join(
        f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {quote(table)})" for table in sorted(tables)
    )


cast(Any, TransactionTestCase)._fixture_teardown = _empty_quickly


def _let_tests_take_their_time(connection: BaseDatabaseWrapper, **_: object) -> None:
    """A test may be busy, or not get the processor, for more than 10 s within its transaction.

    In the main thread alone: engines in threads and processes keep the limit of the settings.
    """
    if connection.vendor == "postgresql" and threading.current_thread() is threading.main_thread():
        with connection.cursor() as cursor:
            cursor.execute("SET idle_in_transaction_session_timeout = '5min'")


connection_created.connect(_let_tests_take_their_time)
