"""Databases for tests: one for each test process, and one of its own for a test that needs that."""

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.test import TransactionTestCase
from pytest_django.plugin import DjangoDbBlocker

from support import environment
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
    server = None
    if environment.engine_name() == "postgresql":
        server = PostgresServer()
        server.start()
        url = server.createdb("own")
    else:
        url = f"sqlite:///{tmp_path / 'own.sqlite3'}"
    data = tmp_path / "own-data"
    data.mkdir()
    changed = {"CLARION_DATABASE_URL": url, "CLARION_DATA": str(data)}
    for name, value in changed.items():
        monkeypatch.setenv(name, value)
    try:
        with django_db_blocker.unblock(), _connected_to(server, tmp_path / "own.sqlite3"):
            call_command("migrate", verbosity=0, interactive=False)
            yield OwnDatabase(url, environment.process_environment(), server)
    finally:
        if server is not None:
            server.close()


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """Change nothing: support.environment has given each test process a name of its own."""


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """Cut connections that threads and processes left open, or the database cannot be dropped."""
    yield
    if environment.engine_name() != "postgresql":
        return
    environment.end_connections(os.environ["CLARION_DATABASE_URL"])


class _connected_to:  # noqa: N801 - used as a function
    """Point Django's default connection at another database for a while."""

    def __init__(self, server: PostgresServer | None, sqlite_file: Path) -> None:
        if server is None:
            self.there: dict[str, Any] = {"NAME": str(sqlite_file)}
        else:
            self.there = {
                "NAME": "own",
                "USER": "clarion",
                "PASSWORD": server.password,
                "HOST": "127.0.0.1",
                "PORT": str(server.port),
            }
        self.here: dict[str, Any] = {}

    def __enter__(self) -> None:
        self.here = {key: connection.settings_dict.get(key) for key in self.there}
        self._move(self.there)

    def __exit__(self, *_: object) -> None:
        self._move(self.here)

    def _move(self, where: dict[str, Any]) -> None:
        connection.close()
        if hasattr(connection, "close_pool"):
            connection.close_pool()
        connection.settings_dict.update(where)


def _empty_quickly(self: TransactionTestCase) -> None:
    """Delete the rows of those tables that have any.

    Django's own flush truncates every table and fills content types and permissions again, which
    takes most of the time of a short test. Foreign keys are checked at commit, so any order does.
    """
    if connection.connection is not None and connection.in_atomic_block:
        connection.close()
    quote = connection.ops.quote_name
    tables = set(connection.introspection.django_table_names(only_existing=True)) - KEPT_TABLES
    questions = [
        f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {quote(table)})" for table in sorted(tables)
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        filled = []
        # SQLite allows 500 parts in one compound SELECT.
        for start in range(0, len(questions), 400):
            cursor.execute(" UNION ALL ".join(questions[start : start + 400]))
            filled += [row[0] for row in cursor.fetchall()]
        for table in filled:
            cursor.execute(f"DELETE FROM {quote(table)}")


cast(Any, TransactionTestCase)._fixture_teardown = _empty_quickly


def _let_tests_take_their_time(connection: BaseDatabaseWrapper, **_: object) -> None:
    """A test may be busy, or not get the processor, for more than 10 s within its transaction.

    In the main thread alone: engines in threads and processes keep the limit of the settings.
    """
    if connection.vendor == "postgresql" and threading.current_thread() is threading.main_thread():
        with connection.cursor() as cursor:
            cursor.execute("SET idle_in_transaction_session_timeout = '5min'")


connection_created.connect(_let_tests_take_their_time)
