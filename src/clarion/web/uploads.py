"""Files that people upload, kept in the data folder until they have been read."""

import re
import time
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from clarion.kit import ids

DAY = 86_400  # seconds
TOKEN = re.compile(r"[a-z0-9]{20}")


def keep(upload: "UploadedFile[bytes]") -> str:
    """Store an upload; return its token. Uploads that were left lying for a day are removed."""
    _sweep()
    token = ids.token(20)
    with path(token).open("xb") as file:
        for chunk in upload.chunks():
            file.write(chunk)
    return token


def path(token: str, suffix: str = ".csv") -> Path:
    """Where the upload of that token is. Raises FileNotFoundError for what is no token."""
    if not TOKEN.fullmatch(token):
        raise FileNotFoundError(token)
    return _folder() / f"{token}{suffix}"


def drop(token: str) -> None:
    """Remove an upload, if it is still there."""
    path(token).unlink(missing_ok=True)


def _folder() -> Path:
    folder = Path(settings.CLARION.data) / "uploads"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _sweep() -> None:
    for file in _folder().iterdir():
        with suppress(FileNotFoundError):  # another one was done with it meanwhile
            if time.time() - file.stat().st_mtime > DAY:
                file.unlink()
