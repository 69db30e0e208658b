"""`clarion backup` and `clarion restore`: what they ask and what they say."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clarion.broadcasts.models import Broadcast
from clarion.kit.vault import seal
from support import factory

pytestmark = pytest.mark.usefixtures("data")


@pytest.fixture
def data(scratch_database: None, settings: Any, tmp_path: Path) -> Path:
    """The data folder of an installation whose key is in the settings."""
    path = tmp_path / "installation"
    path.mkdir()
    settings.CLARION = settings.CLARION.model_copy(update={"data": path})
    return path


def test_n7_a_backup_says_that_it_is_secret_and_restoring_it_asks(
    clarion: Callable[..., Any], refused: Callable[..., str], tmp_path: Path
) -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    factory.sending([channel], title="Hello")
    file = tmp_path / "backup.tar.gz"

    made = clarion("backup", str(file))
    assert made.exit_code == 0
    assert f"The backup is {file} (0." in made.stdout
    assert "It contains the secret key" in made.stderr
    assert "exists already. Choose another name" in refused("backup", str(file))

    Broadcast.objects.update(title="Later")
    assert "This installation is not empty" in refused("restore", str(file))
    asked = clarion("restore", str(file), "--force", stdin="n\n")
    assert asked.exit_code == 1
    assert "This can't be undone." in asked.stderr
    assert Broadcast.objects.get().title == "Later"

    restored = clarion("restore", str(file), "--force", stdin="y\n")
    assert restored.exit_code == 0
    assert " is restored." in restored.stdout
    assert Broadcast.objects.get().title == "Hello"


def test_results_as_json(ok_json: Callable[..., Any], tmp_path: Path) -> None:
    factory.live([factory.channel()], type="external")
    file = tmp_path / "backup.tar.gz"
    made = ok_json("backup", str(file), "--without-key")
    assert made == {
        "path": str(file),
        "bytes": file.stat().st_size,
        "uploads": 0,
        "has_key": False,
    }
    restored = ok_json("restore", str(file), "--force", "--yes")
    assert {key: restored[key] for key in ("paused", "scheduled", "live", "migrations")} == {
        "paused": 0,
        "scheduled": 0,
        "live": 1,
        "migrations": 0,
    }


def test_a_key_that_does_not_fit_is_reported(
    clarion: Callable[..., Any], settings: Any, tmp_path: Path
) -> None:
    broadcast = factory.broadcast()
    Broadcast.objects.filter(pk=broadcast.pk).update(secret=seal("address"))
    file = tmp_path / "backup.tar.gz"
    without = clarion("backup", str(file), "--without-key")
    assert "It does not contain the secret key" in without.stderr
    settings.SECRET_KEY = "another-key-" + "0123456789" * 4
    restored = clarion("restore", str(file), "--force", "--yes")
    assert restored.exit_code == 0
    assert "The stored credentials can't be opened" in restored.stderr
    assert "copy your secret key to secret.key" in restored.stderr
