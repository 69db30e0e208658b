"""Uploaded CSV files, kept in the data folder until they have been read.

Whoever reads them, a web process or a worker, must see the same data folder.
"""

import re
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings

from clarion.contacts.models import Import
from clarion.contacts.signals import uploads_needed
from clarion.kit import ids

DAY = 86_400  # seconds
TOKEN = re.compile(r"[a-z0-9]{20}")


def keep(chunks: Iterable[bytes]) -> str:
    """Store an upload; return its token. Uploads that nobody has used for a day are removed."""
    _remove_old()
    token = ids.token(20)
    with path(token).open("xb") as file:
        for chunk in chunks:
            file.write(chunk)
    return token


def path(token: str, suffix: str = ".csv") -> Path:
    """Where the upload of that token is. Raises FileNotFoundError for what is no token."""
    if not TOKEN.fullmatch(token):
        raise FileNotFoundError(token)
    return _folder() / f"{token}{suffix}"


def exists(token: str) -> bool:
    """Whether there is an upload of that token in this process's data folder."""
    return bool(TOKEN.fullmatch(token)) and path(token).exists()


def drop(token: str) -> None:
    """Remove an upload, if it is still there."""
    path(token).unlink(missing_ok=True)


def _folder() -> Path:
    folder = Path(settings.CLARION.data) / "uploads"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _remove_old() -> None:
    needed = set(Import.objects.filter(state__in=Import.OPEN).values_list("upload", flat=True))
    answers: list[tuple[Any, Any]] = uploads_needed.send(Import)
    for _receiver, tokens in answers:
        needed.update(tokens)
    for file in _folder().iterdir():
        with suppress(FileNotFoundError):  # another process removed it meanwhile
            if time.time() - file.stat().st_mtime > DAY and file.stem not in needed:
                file.unlink()
