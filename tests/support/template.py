"""A migrated database, made once in a run, of which all others are copies.

Migrating takes 3 s of processor time, and each test process and many a test need a database.
"""

import fcntl
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.core.management import call_command
from django.db import connection
from psycopg import sql

from support import environment
from support.postgres import ROLE, PostgresServer

SQLITE = "template.sqlite3"
POSTGRESQL = "template"
CLUSTER = "template-cluster"
OWN = "own"  # the database on a server of a test's own


def create_test_database() -> None:
    """Create the database of this test process, migrated."""
    url = environment.test_database_url()
    if environment.engine_name() == "sqlite":
        copy_sqlite(Path(url.removeprefix("sqlite:///")))
        return
    template = environment.postgresql_url(POSTGRESQL)
    _once(POSTGRESQL, lambda: _create_postgresql(template))
    _administer("CREATE DATABASE {} TEMPLATE {}", url, template)


def drop_test_database() -> None:
    """Drop the database of this test process; on SQLite it ends with the folder of the run."""
    if environment.engine_name() == "postgresql":
        _drop(environment.test_database_url())


def drop() -> None:
    """Drop the template, if there is one on a PostgreSQL server."""
    if (environment.run_folder() / f"{POSTGRESQL}.lock").exists():
        _drop(environment.postgresql_url(POSTGRESQL))


def copy_sqlite(target: Path) -> None:
    """Write a migrated SQLite database to a path, in a run on SQLite."""
    template = environment.run_folder() / SQLITE
    _once(SQLITE, lambda: _migrate(NAME=str(template)))
    shutil.copyfile(template, target)


@contextmanager
def scratch_database(sqlite: Path) -> Iterator[None]:
    """Point the ORM at a migrated database that ends with the block, on the server of the run."""
    if environment.engine_name() == "sqlite":
        copy_sqlite(sqlite)
        with connected_to(NAME=str(sqlite)):
            yield
        return
    template = environment.postgresql_url(POSTGRESQL)
    _once(POSTGRESQL, lambda: _create_postgresql(template))
    url = f"{environment.test_database_url()}_scratch"
    _administer("CREATE DATABASE {} TEMPLATE {}", url, template)
    try:
        with connected_to(NAME=_name(url)):
            yield
    finally:
        _drop(url)


def own_server() -> PostgresServer:
    """Start a PostgreSQL server with a migrated database ``OWN``."""
    cluster = environment.run_folder() / CLUSTER
    _once(CLUSTER, lambda: _make_cluster(cluster))
    server = PostgresServer(copy_of=cluster)
    server.start()
    return server


def settings_of(server: PostgresServer) -> dict[str, str]:
    """Django's settings for a connection to the database ``OWN`` of a server."""
    return {
        "NAME": OWN,
        "USER": ROLE,
        "PASSWORD": server.password,
        "HOST": "127.0.0.1",
        "PORT": str(server.port),
    }


@contextmanager
def connected_to(**there: str) -> Iterator[None]:
    """Point Django's default connection at another database for a while."""
    here = {key: connection.settings_dict.get(key) for key in there}
    _move(there)
    try:
        yield
    finally:
        _move(here)


def _once(what: str, make: Callable[[], None]) -> None:
    """Have one process of the run make it, while the others that need it wait."""
    with (environment.run_folder() / f"{what}.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.seek(0)
        if not lock.read():
            make()
            lock.write("made")


def _create_postgresql(url: str) -> None:
    _administer("CREATE DATABASE {}", url)
    _migrate(NAME=_name(url))


def _make_cluster(target: Path) -> None:
    with PostgresServer() as server:
        server.createdb(OWN)
        _migrate(**settings_of(server))
        server.save(target)


def _migrate(**there: str) -> None:
    with connected_to(**there):
        call_command("migrate", verbosity=0, interactive=False)


def _drop(url: str) -> None:
    # Threads and processes may have left connections open.
    environment.end_connections(url)
    _administer("DROP DATABASE IF EXISTS {}", url)


def _administer(statement: str, *urls: str) -> None:
    """Carry out a statement about databases of a PostgreSQL server."""
    names = [sql.Identifier(_name(url)) for url in urls]
    admin = environment.with_database(urls[0], "postgres")
    with psycopg.connect(admin, autocommit=True) as server:
        server.execute(sql.SQL(statement).format(*names))


def _name(url: str) -> str:
    return url.rpartition("/")[2]


def _move(where: dict[str, Any]) -> None:
    connection.close()
    if hasattr(connection, "close_pool"):
        connection.close_pool()
    connection.settings_dict.update(where)
