"""What ``clarion check`` looks at for safety: permissions, secrets that open, the way in."""

import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from clarion import config
from clarion.cli.lock import is_sqlite

_FOR_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_LOCAL = ("localhost", "127.0.0.1", "::1")


class Weak(Exception):  # noqa: N818 - an answer, not a mistake
    """Not a failure, but something that should be changed; the text says what."""


def check_permissions() -> str:
    """Nobody but the owner may read what Clarion keeps: people, messages, sessions, keys."""
    folder = config.load().data.absolute()
    if stat.S_IMODE(folder.stat().st_mode) & _FOR_OTHERS:
        raise Weak(
            f"Other users of this machine can look into the data folder {folder}. "
            f"Run: chmod 700 {folder}"
        )
    for path in _files():
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & _FOR_OTHERS:
            raise Weak(f"Other users of this machine may read {path}. Run: chmod go= {path}")
    return "Only this user can read the data folder and the database."


def _files() -> Iterator[Path]:
    settings = config.load()
    yield settings.data.absolute() / "secret.key"
    if is_sqlite(settings):
        database = settings.database.removeprefix("sqlite:///")
        for suffix in ("", "-wal", "-shm"):
            yield Path(database + suffix).absolute()


def check_deployment() -> str:
    """The way in from outside: a public URL, with TLS, through a proxy that names its clients."""
    settings = config.load()
    if not settings.public_url:
        raise Weak("CLARION_PUBLIC_URL is not set: callbacks and unsubscribe links can't work.")
    parts = urlsplit(settings.public_url)
    if parts.scheme != "https" and parts.hostname not in _LOCAL:
        raise Weak(
            f"{settings.public_url} is not encrypted: passwords and people's data can be read on "
            "the way. Put a proxy with TLS before Clarion, and set CLARION_PUBLIC_URL to https://…"
        )
    if parts.scheme == "https" and not settings.trusted_proxies:
        raise Weak(
            "CLARION_TRUSTED_PROXIES is empty, but CLARION_PUBLIC_URL is https. Name the proxy: "
            "otherwise all agents count as one client, and share its limits."
        )
    return f"People and providers reach this server at {settings.public_url}."


def check_seals() -> str:
    """The secret key is the one that stored secrets were sealed with. Raises SealedError."""
    from clarion.broadcasts.models import Broadcast

    sealed = Broadcast.objects.exclude(secret=None).order_by("-pk").values_list("secret", flat=True)
    if sealed.first() is None:
        return "The database holds nothing yet that the secret key has encrypted."
    return "The secret key opens what the database holds encrypted."
