"""The environment of a test run, laid before anything reads Django's settings.

The first pytest process makes a folder and, where needed, starts PostgreSQL; xdist's workers
inherit both and take a database and a data folder of their own in them.
"""

import atexit
import os
import secrets
import shutil
import signal
import tempfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from support.postgres import NoPostgresError, PostgresServer, end_connections_to

ENGINES = ("sqlite", "postgresql")
OF_THE_TESTS = ("CLARION_TEST_", "CLARION_TORTURE_")
SETTINGS = "DJANGO_SETTINGS_MODULE"
SETTINGS_MODULE = "clarion.settings"
HASHER = "support.hashing.QuickArgon2"
APPLICATION = "process-of-a-test"  # how PostgreSQL names the connections of started processes
SECRET_KEY = "only-for-tests-" + "0123456789" * 5


def prepare() -> None:
    """Set every CLARION_ variable for this process and load Django."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        _begin_run()
    for name in [name for name in os.environ if name.startswith("CLARION_")]:
        # The developer's own settings must not leak into the tests.
        if not name.startswith(OF_THE_TESTS):
            del os.environ[name]
    folder = worker_folder()
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    os.environ |= {
        "CLARION_DATA": str(data),
        "CLARION_DATABASE_URL": test_database_url(),
        "CLARION_SECRET_KEY": SECRET_KEY,
    }
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As in a shell's background job; the programs that tests interrupt would inherit it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    _load_django()


def engine_name() -> str:
    """Return the database engine of this run: sqlite or postgresql."""
    return os.environ["CLARION_TEST_ENGINE"]


def run_folder() -> Path:
    """Return the folder that all test processes of the run share, which ends with it."""
    return Path(os.environ["CLARION_TEST_RUN"])


def worker_folder() -> Path:
    """Return the folder of this test process, which ends with the run."""
    return run_folder() / _worker()


def test_database_url() -> str:
    """Return the URL of this process's test database.

    The settings name the test database itself, so that code which reads the URL, and processes
    which inherit it, meet the same database as the ORM in the tests.
    """
    if engine_name() == "sqlite":
        return f"sqlite:///{worker_folder() / 'test.sqlite3'}"
    return postgresql_url(_worker())


def postgresql_url(suffix: str) -> str:
    """Return the URL of one of the run's databases on its PostgreSQL server."""
    run = run_folder().name.rpartition("-")[2]
    return with_database(os.environ["CLARION_TEST_POSTGRES_URL"], f"test_{run}_{suffix}")


def process_environment(**changed: str) -> dict[str, str]:
    """Return this process's environment, with changes, for a process that a test starts."""
    ours = {SETTINGS: SETTINGS_MODULE, "PYTHONUNBUFFERED": "1", "PGAPPNAME": APPLICATION}
    return {**os.environ, **ours, **changed}


def with_database(url: str, name: str) -> str:
    """Return the URL of another database on the same server."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{name}"))


def end_connections(url: str, application: str = "") -> None:
    """Cut all connections to a PostgreSQL database, or those of an application, and wait for it."""
    end_connections_to(urlsplit(url).path.lstrip("/"), with_database(url, "postgres"), application)


def _begin_run() -> None:
    engine = os.environ.setdefault("CLARION_TEST_ENGINE", ENGINES[0])
    if engine not in ENGINES:
        raise pytest.UsageError(f"CLARION_TEST_ENGINE is {engine!r}: use {' or '.join(ENGINES)}")
    # Lower case, because the name becomes part of a database's name.
    run = Path(tempfile.gettempdir()) / f"clarion-tests-{secrets.token_hex(4)}"
    run.mkdir(mode=0o700)
    atexit.register(shutil.rmtree, run, ignore_errors=True)
    os.environ["CLARION_TEST_RUN"] = str(run)
    if engine == "postgresql" and not os.environ.get("CLARION_TEST_POSTGRES_URL"):
        server = PostgresServer()
        try:
            server.start()
        except NoPostgresError as problem:
            raise pytest.UsageError(f"no PostgreSQL to test with: {problem}") from problem
        os.environ["CLARION_TEST_POSTGRES_URL"] = server.url()


def _load_django() -> None:
    import django
    from django.conf import settings

    if settings.configured:
        raise pytest.UsageError(
            "Django's settings were read before the tests could choose a database: unset "
            f"{SETTINGS} and keep it out of pytest's configuration"
        )
    os.environ[SETTINGS] = SETTINGS_MODULE
    settings.PASSWORD_HASHERS = [HASHER]
    default = settings.DATABASES["default"]
    default.setdefault("TEST", {})["NAME"] = default["NAME"]
    django.setup()
    # pytest-django reads the settings at once where it finds this, and xdist's workers, which
    # inherit it, would so get the database of their parent.
    del os.environ[SETTINGS]


def _worker() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "main")
