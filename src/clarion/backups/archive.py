"""The file of a backup: a compressed tar, written and read as a stream.

The first member, ``manifest.json``, says what it is; the last one, ``SHA256SUMS``, has a
checksum of each other member, in the form that ``sha256sum --check`` reads. Without it the file was
cut off.
"""

import gzip
import hashlib
import io
import os
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, Literal

from pydantic import BaseModel, ValidationError

MANIFEST: Final = "manifest.json"
SUMS: Final = "SHA256SUMS"
KEY: Final = "secret.key"
FOLDERS: Final = ("media", "uploads", "imports")  # of the data folder
FORMAT: Final = 1
CHUNK: Final = 1024 * 1024  # bytes
_DATABASES: Final = {"sqlite": "database.sqlite3", "postgresql": "database.pgdump"}
_UPLOADED: Final = re.compile(rf"(?:{'|'.join(FOLDERS)})/[^/\\\x00]+")
# What reading a file ends with that is damaged, cut off or something else.
_DAMAGE: Final = (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error, ValidationError)
Report = Callable[[int, int, str], None]  # bytes done, bytes in all (0: not known), of what


class BackupError(ValueError):
    """A backup can't be made or restored; the text says why and what to do."""


class Manifest(BaseModel):
    """What a backup is of."""

    format: int = FORMAT
    version: str  # of Clarion
    engine: Literal["sqlite", "postgresql"]
    created_at: str  # ISO 8601, UTC
    migrations: list[str]  # that the database has
    database_bytes: int
    schema_name: str = ""  # of PostgreSQL, in which the tables are

    @property
    def database(self) -> str:
        """The name of the database's member."""
        return _DATABASES[self.engine]


class ArchiveWriter:
    """Adds members to an archive that is being written."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._sums: dict[str, str] = {}

    def add_bytes(self, name: str, data: bytes) -> None:
        """Add a small member."""
        self._add(name, io.BytesIO(data), len(data))

    def add_file(self, name: str, path: Path, report: Callable[[int], None] | None = None) -> None:
        """Add a file; ``report`` is told how many of its bytes are in. Raises OSError."""
        with path.open("rb") as file:
            self._add(name, file, os.fstat(file.fileno()).st_size, report)

    def finish(self) -> None:
        """Add the checksums."""
        lines = (f"{digest}  {name}\n" for name, digest in self._sums.items())
        self.add_bytes(SUMS, "".join(lines).encode())

    def _add(
        self, name: str, file: IO[bytes], size: int, report: Callable[[int], None] | None = None
    ) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode = size, 0o600
        digest = hashlib.sha256()
        self._tar.addfile(member, _Reading(file, digest, report))
        self._sums[name] = digest.hexdigest()


class _Reading(io.RawIOBase):
    """A file that tells what was read of it to a digest and a report."""

    def __init__(
        self, file: IO[bytes], digest: Any, report: Callable[[int], None] | None = None
    ) -> None:
        self._file, self._digest, self._report = file, digest, report
        self._done = 0

    def read(self, size: int = -1, /) -> bytes:
        chunk = self._file.read(size)
        self._digest.update(chunk)
        self._done += len(chunk)
        if self._report is not None:
            self._report(self._done)
        return chunk


@contextmanager
def write_archive(target: Path, folder: Path | None = None) -> Iterator[ArchiveWriter]:
    """Yield what writes an archive that is there whole, readable by its owner only, or not at all.

    Until it is whole it is in ``folder``, on the same disk; by default beside the target. Raises
    BackupError when the target exists.
    """
    if target.exists():
        raise BackupError(f"{target} exists already. Choose another name, or delete it first.")
    draft = (folder or target.parent) / f".{target.name}.{os.getpid()}.partial"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            with (
                gzip.GzipFile(fileobj=file, mode="wb", compresslevel=1) as packed,
                tarfile.open(fileobj=packed, mode="w|", bufsize=CHUNK) as tar,
            ):
                archive = ArchiveWriter(tar)
                yield archive
                archive.finish()
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
        sync_folder(target.parent)
    finally:
        draft.unlink(missing_ok=True)


def read_manifest(source: Path) -> Manifest:
    """What a backup is of, from its first member. Raises BackupError for what is no backup."""
    with _reading(source) as tar:
        member = tar.next()
        if member is None or member.name != MANIFEST:
            raise BackupError(f"{source} is not a backup of Clarion. Choose another file.")
        manifest = Manifest.model_validate_json(_content(tar, member).read(CHUNK))
    if manifest.format > FORMAT:
        raise BackupError(
            f"{source} was made by a newer version of Clarion ({manifest.version}), in a form that "
            "this one can't read. Install that version to restore it."
        )
    return manifest


def unpack(source: Path, folder: Path, report: Report) -> None:
    """Write all members to an empty folder, and compare them with the checksums.

    Raises BackupError for a file that is damaged or cut off.
    """
    digests: dict[str, str] = {}
    sums = None
    size = source.stat().st_size
    with _reading(source, lambda done: report(done, size, "checking the backup")) as tar:
        for member in tar:
            if member.name == SUMS:
                sums = _content(tar, member).read().decode()
                continue
            if not member.isfile() or not _is_expected(member.name) or sums is not None:
                raise BackupError(f"{source} contains {member.name}, which is not of a backup.")
            digests[member.name] = _write_out(_content(tar, member), folder / member.name)
    if sums != "".join(f"{digest}  {name}\n" for name, digest in digests.items()):
        raise _damaged(source)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_out(content: IO[bytes], path: Path) -> str:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    digest = hashlib.sha256()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        while chunk := content.read(CHUNK):
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _is_expected(name: str) -> bool:
    if name in (MANIFEST, KEY, *_DATABASES.values()):
        return True
    return bool(_UPLOADED.fullmatch(name)) and Path(name).name not in (".", "..")


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(member)
    if content is None:
        raise tarfile.ReadError(f"{member.name} is no file")
    return content


@contextmanager
def _reading(
    source: Path, report: Callable[[int], None] | None = None
) -> Iterator[tarfile.TarFile]:
    with source.open("rb") as raw:
        file = _Position(raw, report)
        try:
            with (
                gzip.GzipFile(fileobj=file, mode="rb") as packed,
                tarfile.open(fileobj=packed, mode="r|", bufsize=CHUNK) as tar,
            ):
                yield tar
        except _DAMAGE as error:
            raise _damaged(source) from error


class _Position(io.RawIOBase):
    """A file that reports how far it was read."""

    def __init__(self, file: IO[bytes], report: Callable[[int], None] | None) -> None:
        self._file, self._report = file, report
        self._done = 0

    def read(self, size: int = -1, /) -> bytes:
        chunk = self._file.read(size)
        self._done += len(chunk)
        if self._report is not None:
            self._report(self._done)
        return chunk


def _damaged(source: Path) -> BackupError:
    return BackupError(
        f"{source} is damaged, was cut off, or is not a backup of Clarion. Nothing was changed. "
        "Use another backup."
    )
