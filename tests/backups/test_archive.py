"""The file of a backup: whole or refused, and readable without Clarion."""

import gzip
import io
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from clarion.backups.archive import (
    KEY,
    MANIFEST,
    SUMS,
    BackupError,
    Manifest,
    read_manifest,
    unpack,
    write_archive,
)

OF_SQLITE = Manifest(
    version="0.1.0",
    engine="sqlite",
    created_at="2026-11-30T12:00:00+00:00",
    migrations=[],
    database_bytes=300_000,
)


def nothing(_done: int, _total: int, _of: str) -> None:
    pass


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A small backup."""
    target, database = tmp_path / "backup.tar.gz", tmp_path / "database"
    database.write_bytes(bytes(range(256)) * 1_000)
    with write_archive(target) as writer:
        writer.add_bytes(MANIFEST, OF_SQLITE.model_dump_json().encode())
        writer.add_file(OF_SQLITE.database, database)
        writer.add_bytes("media/picture", b"\x89PNG")
        writer.add_bytes(KEY, b"secret")
    return target


def test_what_was_put_in_comes_out_for_its_owner_only(archive: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    assert read_manifest(archive) == OF_SQLITE
    unpack(archive, folder, nothing)
    assert (folder / "database.sqlite3").read_bytes() == (tmp_path / "database").read_bytes()
    assert (folder / "media/picture").read_bytes() == b"\x89PNG"
    assert archive.stat().st_mode & 0o777 == 0o600
    assert (folder / KEY).stat().st_mode & 0o777 == 0o600


def test_the_programs_of_every_machine_can_check_it(archive: Path, tmp_path: Path) -> None:
    subprocess.run(["tar", "xzf", archive], cwd=tmp_path, check=True)
    subprocess.run(["sha256sum", "--check", "--quiet", SUMS], cwd=tmp_path, check=True)


def cut_off(content: bytes) -> bytes:
    return content[: len(content) // 2]


def without_its_end(content: bytes) -> bytes:
    return content[:-12]


def other_bytes(content: bytes) -> bytes:
    """Another picture under the checksum of the first."""
    return gzip.compress(gzip.decompress(content).replace(b"\x89PNG", b"\x89GIF"))


def without_checksums(content: bytes) -> bytes:
    plain = gzip.decompress(content)
    return gzip.compress(plain[: plain.rindex(b"SHA256SUMS")])


def no_archive(_content: bytes) -> bytes:
    return b"a letter"


@pytest.mark.parametrize(
    "damage", [cut_off, without_its_end, other_bytes, without_checksums, no_archive]
)
def test_a_damaged_backup_is_refused(
    archive: Path, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    archive.write_bytes(damage(archive.read_bytes()))
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(BackupError, match=r"is damaged, was cut off, or is not a backup"):
        unpack(archive, folder, nothing)


@pytest.mark.parametrize("name", ["../secret.key", "media/../../x", "/etc/x", "media/..", "other"])
def test_a_member_that_is_not_of_a_backup_is_refused(tmp_path: Path, name: str) -> None:
    source = tmp_path / "strange.tar.gz"
    with tarfile.open(source, "w:gz") as tar:
        member = tarfile.TarInfo(name)
        member.size = 1
        tar.addfile(member, io.BytesIO(b"x"))
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(BackupError, match="which is not of a backup"):
        unpack(source, folder, nothing)
    assert list(folder.iterdir()) == []


def test_another_archive_is_no_backup(tmp_path: Path) -> None:
    source = tmp_path / "letters.tar.gz"
    with tarfile.open(source, "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("letter"))
    with pytest.raises(BackupError, match="is not a backup of Clarion"):
        read_manifest(source)


def test_a_backup_of_a_later_form_names_the_version_that_reads_it(tmp_path: Path) -> None:
    target = tmp_path / "later.tar.gz"
    later = OF_SQLITE.model_copy(update={"format": 2, "version": "9.0"})
    with write_archive(target) as writer:
        writer.add_bytes(MANIFEST, later.model_dump_json().encode())
    with pytest.raises(BackupError, match=r"newer version of Clarion \(9.0\)"):
        read_manifest(target)


def test_a_file_that_exists_is_not_overwritten(archive: Path) -> None:
    before = archive.read_bytes()
    with pytest.raises(BackupError, match="exists already"), write_archive(archive):
        pass
    assert archive.read_bytes() == before


def test_nothing_is_left_of_one_that_broke_off(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(FileNotFoundError), write_archive(tmp_path / "backup") as writer:
        writer.add_file("media/missing", missing)
    assert list(tmp_path.iterdir()) == []
