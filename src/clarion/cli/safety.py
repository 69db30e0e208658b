"""The checks of ``clarion check`` for safety: permissions, the secret key, the public URL."""

import stat
from collections.abc import Iterator
from pathlib import Path

from clarion.cli.lock import is_sqlite

_FOR_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_LOCAL = ("localhost", "127.0.0.1", "::1")


class Weak(Exception):  # noqa: N818 - an answer, not a mistake
    """Not a failure, but something that should be changed; the text says what."""


def check_permissions() -> str:
    """Only the owner may read what Clarion stores: people, messages, sessions, keys."""
    from clarion import config

    folder = config.load().data.absolute()
    if stat.S_IMODE(folder.stat().st_mode) & _FOR_OTHERS:
        raise Weak(
            f"Other users of this machine can read the data folder {folder}. "
            f"Run: chmod 700 {folder}"
        )
    for path in _files():
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & _FOR_OTHERS:
            raise Weak(f"Other users of this machine can read {path}. Run: chmod go= {path}")
    return "Only this user can read the data folder and the database."


def _files() -> Iterator[Path]:
    from clarion import config

    settings = config.load()
    yield settings.data.absolute() / "secret.key"
    if is_sqlite(settings):
        database = settings.database.removeprefix("sqlite:///")
        for suffix in ("", "-wal", "-shm"):
            yield Path(database + suffix).absolute()


def check_deployment() -> str:
    """The public URL is set, uses TLS, and the proxy in front of it is known."""
    from urllib.parse import urlsplit

    from clarion import config

    settings = config.load()
    if not settings.public_url:
        raise Weak("CLARION_PUBLIC_URL is not set, so callbacks and unsubscribe links don't work.")
    parts = urlsplit(settings.public_url)
    if parts.scheme != "https" and parts.hostname not in _LOCAL:
        raise Weak(
            f"{settings.public_url} is not encrypted: others can read passwords and messages on "
            "the way. Put a proxy with TLS in front, and set CLARION_PUBLIC_URL to https://…"
        )
    if parts.scheme == "https" and not settings.trusted_proxies:
        raise Weak(
            "CLARION_TRUSTED_PROXIES is empty, but CLARION_PUBLIC_URL begins with https. Name the "
            "proxy: otherwise all agents count as one client, and share its limits."
        )
    return f"The public address is {settings.public_url}."


def check_seals() -> str:
    """The secret key is the one that the data was encrypted with. Raises SealedError."""
    from clarion.broadcasts.models import Broadcast
    from clarion.kit.vault import open_sealed

    sealed = Broadcast.objects.exclude(secret=None).order_by("-pk").values_list("secret", flat=True)
    newest = sealed.first()
    if newest is None:
        return "The database has no encrypted data yet."
    open_sealed(newest)
    return "The encrypted data in the database can be read with the secret key."
