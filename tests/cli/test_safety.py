"""Permissions, secret keys, and what ``clarion check`` says of an installation's safety."""

import os
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clarion import config
from clarion.broadcasts.models import Broadcast
from clarion.cli import safety
from clarion.config import SecretKeyError, stored_secret, weakness
from support.processes import Processes

GOOD = "0123456789abcdef" * 6
only_sqlite = pytest.mark.only_on("sqlite")  # about files


@pytest.fixture
def fresh(tmp_path: Path) -> dict[str, str]:
    """An installation of its own, in a folder that does not exist yet."""
    folder = tmp_path / "new" / "data"
    return {
        "CLARION_DATA": str(folder),
        "CLARION_DATABASE_URL": f"sqlite:///{folder / 'clarion.sqlite3'}",
        "CLARION_SECRET_KEY": "",
    }


@pytest.fixture
def installed(fresh: dict[str, str], migrated_sqlite: Callable[[Path], None]) -> dict[str, str]:
    """The same, set up: its database is migrated and its secret key made."""
    folder = Path(fresh["CLARION_DATA"])
    folder.mkdir(mode=0o700, parents=True)
    migrated_sqlite(folder / "clarion.sqlite3")
    (folder / "clarion.sqlite3").chmod(0o600)
    stored_secret(folder)
    return fresh


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@only_sqlite
def test_what_it_makes_is_for_its_owner_only(processes: Processes, fresh: dict[str, str]) -> None:
    before = os.umask(0o022)
    try:
        migrated = processes.run("migrate", env=fresh)
    finally:
        os.umask(before)
    assert migrated.returncode == 0, migrated.output
    folder = Path(fresh["CLARION_DATA"])
    assert _mode(folder) == 0o700
    files = {path.name: _mode(path) for path in folder.iterdir() if path.is_file()}
    assert {"clarion.sqlite3", "secret.key"} <= set(files)
    assert set(files.values()) == {0o600}
    assert "ok      Only this user can read" in processes.run("check", env=fresh).output


@only_sqlite
@pytest.mark.parametrize(
    ("name", "mode", "said"),
    [
        ("", 0o755, "Other users of this machine can read the data folder"),
        ("clarion.sqlite3", 0o644, "clarion.sqlite3. Run: chmod go="),
        ("secret.key", 0o640, "secret.key. Run: chmod go="),
    ],
)
def test_check_says_what_others_can_read(
    processes: Processes, installed: dict[str, str], name: str, mode: int, said: str
) -> None:
    (Path(installed["CLARION_DATA"]) / name).chmod(mode)
    check = processes.run("check", env=installed)
    assert any(line.startswith("warn    ") and said in line for line in check.lines), check.output


@only_sqlite
@pytest.mark.parametrize("command", ["migrate", "serve", "web", "worker", "check"])
def test_an_older_program_leaves_a_newer_database_alone(
    processes: Processes, installed: dict[str, str], command: str
) -> None:
    with sqlite3.connect(Path(installed["CLARION_DATA"]) / "clarion.sqlite3") as database:
        database.execute(
            "INSERT INTO django_migrations (app, name, applied) "
            "VALUES ('records', '0999_of_tomorrow', '2030-01-01')"
        )
        database.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('x', 'y', '')")
    port = ("--port", "0") if command in {"serve", "web"} else ()
    refused = processes.run(command, *port, env=installed)
    assert refused.returncode == 1
    assert "The database belongs to a newer version of Clarion than this one" in refused.output
    assert "records.0999_of_tomorrow. Install the newer version again" in refused.output
    assert "Traceback" not in refused.output


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("a", "its length is 1 and must be at least 32"),
        ("x" * 31, "its length is 31"),
        ("ab" * 40, "it has 2 different characters and needs at least 8"),
    ],
)
def test_a_weak_secret_key_is_refused(processes: Processes, key: str, why: str) -> None:
    for command in ("check", "migrate"):
        refused = processes.run(command, env={"CLARION_SECRET_KEY": key})
        assert refused.returncode == 1
        assert (
            f"The setting CLARION_SECRET_KEY is wrong. This key can be guessed: {why}"
            in refused.output
        )
        assert "openssl rand -hex 48" in refused.output
        assert f"'{key}'" not in refused.output


def test_a_good_secret_key_is_taken() -> None:
    assert weakness(GOOD) == ""
    assert weakness(os.urandom(24).hex()) == ""
    assert weakness("") == "it is empty"


@pytest.mark.parametrize(
    ("content", "commands"),
    [("", ["check", "migrate", "worker"]), ("\n", ["check"]), ("0123abcd", ["check"])],
)
def test_a_key_file_that_was_cut_off_is_refused(
    processes: Processes, fresh: dict[str, str], content: str, commands: list[str]
) -> None:
    folder = Path(fresh["CLARION_DATA"])
    folder.mkdir(parents=True)
    (folder / "secret.key").write_text(content)
    for command in commands:
        refused = processes.run(command, env=fresh)
        assert refused.returncode == 1
        assert len(refused.lines) == 1
        assert "secret.key can't be used" in refused.output
    assert (folder / "secret.key").read_text() == content


def test_a_key_is_made_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = stored_secret(tmp_path)
    assert len(key) == 96
    assert stored_secret(tmp_path) == key
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]

    other = tmp_path / "other"
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        stored_secret(other)
    assert not (other / "secret.key").exists()


def test_a_key_that_is_cut_off_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "secret.key").touch()
    with pytest.raises(SecretKeyError, match=f"{tmp_path}/secret.key can't be used: it is empty"):
        stored_secret(tmp_path)


@pytest.mark.parametrize(
    ("public_url", "proxies", "said"),
    [
        ("", ["::1"], "CLARION_PUBLIC_URL is not set"),
        ("http://news.example.org", ["::1"], "http://news.example.org is not encrypted"),
        ("https://news.example.org", [], "CLARION_TRUSTED_PROXIES is empty"),
    ],
)
def test_check_looks_at_the_way_in(
    monkeypatch: pytest.MonkeyPatch, public_url: str, proxies: list[str], said: str
) -> None:
    settings = config.Settings(public_url=public_url, trusted_proxies=proxies)
    monkeypatch.setattr(config, "load", lambda: settings)
    with pytest.raises(safety.Weak, match=said):
        safety.check_deployment()


@pytest.mark.parametrize("public_url", ["https://news.example.org", "http://localhost:8000"])
def test_a_safe_way_in(monkeypatch: pytest.MonkeyPatch, public_url: str) -> None:
    monkeypatch.setattr(config, "load", lambda: config.Settings(public_url=public_url))
    assert public_url in safety.check_deployment()


@pytest.mark.django_db
def test_check_notices_another_key_without_any_channel(
    clarion: Callable[..., Any], settings: Any
) -> None:
    Broadcast.objects.create(title="one")
    assert "ok      The encrypted data in the database can be read" in clarion("check").stdout
    settings.SECRET_KEY = GOOD
    result = clarion("check")
    assert result.exit_code == 1
    assert "FAILED  The stored credentials can't be opened" in result.stdout
