"""The checks of ``clarion check --deploy``: whether this installation is set up for the public."""

import ctypes
import ipaddress
import platform
import shutil
import stat
import tomllib
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from clarion import __version__
from clarion.cli.failures import Failed
from clarion.cli.lock import is_sqlite
from clarion.cli.output import counted, format_moment
from clarion.cli.safety import Weak

MANY = 65_536  # addresses: a network of more than these is hardly one of reverse proxies
# Networks that no stranger is in: RFC 1918, RFC 4193 and this machine itself.
_OWN = tuple(
    map(
        ipaddress.ip_network,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fc00::/7"),
    )
)
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
OLD = timedelta(hours=36)  # of the last backup, when one is made every day
SKEW = 2.0  # seconds between this machine's clock and the database's
UNSYNCHRONISED = 5  # what adjtimex(2) returns then
_TIMEX = 256  # bytes, more than struct timex has
# What PostgreSQL must not do without, else what was committed can be lost, and then sent again.
_DURABLE = ("fsync", "full_page_writes", "synchronous_commit")


def check_debug() -> str:
    """Nobody sees the insides of errors."""
    if _settings().debug:
        raise Failed("CLARION_DEBUG is on: visitors see the details of errors. Turn it off.")
    return "CLARION_DEBUG is off."


def check_https() -> str:
    """The public URL uses HTTPS, and browsers remember it."""
    settings = _settings()
    if not settings.public_url.startswith("https://"):
        raise Failed(
            "CLARION_PUBLIC_URL does not begin with https://, so passwords can be read on the way, "
            "and providers send no callbacks. Put a reverse proxy with TLS in front and set it."
        )
    if not settings.hsts_seconds:
        raise Weak(
            "CLARION_HSTS_SECONDS is 0, so browsers may open the pages without HTTPS. Remove it "
            "once HTTPS works."
        )
    return f"The pages use HTTPS, and browsers remember it for {settings.hsts_seconds:,} seconds."


def check_names() -> str:
    """The host names are those of this server."""
    if "*" in _settings().allowed_hosts:
        raise Weak(
            "CLARION_ALLOWED_HOSTS allows every name. List the names under which agents open the "
            "pages."
        )
    return "The pages can be opened under their own names only."


def check_proxies() -> str:
    """Only reverse proxies are trusted to name the client."""
    settings = _settings()
    for network in settings.trusted_proxies:
        if _is_wide(network):
            raise Weak(
                f"CLARION_TRUSTED_PROXIES trusts {network}, so many others can pretend to be any "
                "client, and limits of logins don't hold. Name the addresses of the proxies only."
            )
    return f"Trusted to name the client: {', '.join(settings.trusted_proxies) or 'nobody'}."


def check_metrics() -> str:
    """Metrics are for monitors."""
    settings = _settings()
    if not settings.metrics_token and any(map(_is_wide, settings.metrics_networks)):
        raise Weak("CLARION_METRICS_NETWORKS is a wide network. Set CLARION_METRICS_TOKEN too.")
    is_on = settings.metrics_token or settings.metrics_networks
    return f"/metrics is {'for those you have named' if is_on else 'off'}."


def check_key() -> str:
    """Where the secret key comes from."""
    settings = _settings()
    if settings.secret_key:
        return "The secret key is in CLARION_SECRET_KEY. Keep a copy of it in a safe place."
    path = settings.data.absolute() / "secret.key"
    if not is_sqlite(settings):
        raise Weak(
            f"The secret key is the file {path}. Machines that don't share that folder need the "
            "same key: set CLARION_SECRET_KEY on all of them, or share the folder."
        )
    return f"The secret key is the file {path}. Backups contain it."


def check_settings_file() -> str:
    """Nobody else can read secrets in clarion.toml."""
    path = Path("clarion.toml").absolute()
    if not path.exists():
        return "There is no clarion.toml."
    names = ("secret_key", "secret_key_fallbacks", "database_url", "metrics_token")
    secrets = [name for name in names if name in tomllib.loads(path.read_text(encoding="utf-8"))]
    if secrets and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Weak(
            f"Other users of this machine can read {', '.join(secrets)} in {path}. "
            f"Run: chmod go= {path}"
        )
    return "Other users can't read secrets in clarion.toml."


def check_agents() -> str:
    """Somebody can log in."""
    from clarion.accounts.models import Agent, Role

    admins = Agent.objects.filter(is_active=True, role=Role.ADMIN).count()
    if not admins:
        raise Weak(
            "There is no admin who can log in. Add one with: "
            "clarion agent add NAME --email E-MAIL --role admin"
        )
    return f"{counted(admins, 'admin')} can log in."


def check_backup() -> str:
    """There is a recent backup."""
    from clarion.backups.backup import last
    from clarion.kit import clock

    moment = last()
    if moment is None:
        raise Weak(
            "No backup was made with clarion backup. Make one every day, see docs/operating.md."
        )
    if clock.now() - moment > OLD:
        raise Weak(
            f"The last backup was made on {format_moment(moment)}. Make one every day, and see why "
            "it failed."
        )
    return f"The last backup was made on {format_moment(moment)}."


def check_space() -> str:
    """The disk has room for the data to grow, and for an update."""
    settings = _settings()
    folder = settings.data.absolute()
    free = shutil.disk_usage(folder).free
    if not is_sqlite(settings):
        return f"The disk of the data folder has {_gb(free)} free."
    from django.db import connection

    size = Path(str(connection.settings_dict["NAME"])).stat().st_size
    if free < size:
        raise Weak(
            f"The disk has {_gb(free)} free, less than the database takes ({_gb(size)}). Free some "
            "space: backups and updates need a copy of it."
        )
    return f"The database takes {_gb(size)}, and the disk has {_gb(free)} free."


def check_clock() -> str:
    """This machine's clock is kept right, and agrees with the database's."""
    from clarion.kit import clock, db

    ahead = db.clock_ahead() / clock.SECOND
    if abs(ahead) > SKEW:
        raise Weak(
            f"The clock of this machine and that of the database differ by {abs(ahead):.1f} "
            "seconds. Set up time synchronisation on both (chrony or systemd-timesyncd)."
        )
    if adjtimex() == UNSYNCHRONISED:
        raise Weak(
            "The clock of this machine is not synchronised, so broadcasts may be sent at the wrong "
            "time. Turn on chrony or systemd-timesyncd."
        )
    return "The clock is synchronised."


def adjtimex() -> int:
    """What the kernel says of its clock, see adjtimex(2); nothing is changed. -1: it can't say."""
    return int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX)))


def check_postgres() -> str:
    """The server keeps what it has committed, and does its own upkeep."""
    from clarion.kit import db
    from clarion.kit.db.schema import kind

    if kind() == "sqlite":
        return "PostgreSQL is not used."
    values = dict(
        db.fetch(
            "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', "
            "'synchronous_commit', 'autovacuum', 'jit', 'idle_in_transaction_session_timeout')"
        )
    )
    judge(values)
    others = db.fetch(
        "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() "
        "AND NOT pg_has_role(current_user, tableowner, 'MEMBER')"
    )[0][0]
    if others:
        raise Weak(
            f"The role does not own {counted(others, 'table')}, so it can't collect statistics. "
            "Run clarion migrate with the same role."
        )
    return "The settings of PostgreSQL are safe."


def judge(values: Mapping[str, str]) -> None:
    """Raise Failed or Weak for settings of PostgreSQL that should be others."""
    if wrong := [name for name in _DURABLE if values[name] == "off"]:
        raise Failed(
            f"PostgreSQL runs with {wrong[0]} = off: after a crash it may have forgotten what was "
            "sent. Turn it on."
        )
    if values["autovacuum"] == "off":
        raise Weak("autovacuum is off in PostgreSQL, so it becomes slower every day. Turn it on.")
    if values["jit"] == "on" or values["idle_in_transaction_session_timeout"] == "0":
        raise Weak(
            "Parameters of Clarion don't reach PostgreSQL, as with PgBouncer. Set them on the "
            "role, see docs/operating.md."
        )


def check_connection() -> str:
    """Passwords and messages are encrypted on the way to a database on another machine."""
    from clarion.kit import db
    from clarion.kit.db.schema import kind

    if kind() == "sqlite" or db.server_process() is not None:
        return "The database is on this machine."
    [(encrypted,)] = db.fetch("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    if not encrypted:
        raise Weak(
            "The connection to PostgreSQL on another machine is not encrypted. Add "
            "?sslmode=verify-full to CLARION_DATABASE_URL, unless the network is your own."
        )
    return "The connection to PostgreSQL is encrypted."


def check_versions() -> str:
    """What is installed."""
    return f"Clarion {__version__}, Python {platform.python_version()}, {platform.platform()}."


CHECKS: tuple[Callable[[], str], ...] = (
    check_versions,
    check_debug,
    check_https,
    check_names,
    check_proxies,
    check_metrics,
    check_key,
    check_settings_file,
    check_agents,
    check_backup,
    check_space,
    check_clock,
    check_postgres,
    check_connection,
)


def _settings() -> Any:
    from django.conf import settings

    return settings.CLARION


def _is_wide(network: str) -> bool:
    """Whether a network has room for more than one's own machines."""
    parsed = ipaddress.ip_network(network, strict=False)
    return parsed.num_addresses > MANY and not any(_is_within(parsed, own) for own in _OWN)


def _is_within(network: Network, other: Network) -> bool:
    if isinstance(network, ipaddress.IPv4Network) and isinstance(other, ipaddress.IPv4Network):
        return network.subnet_of(other)
    if isinstance(network, ipaddress.IPv6Network) and isinstance(other, ipaddress.IPv6Network):
        return network.subnet_of(other)
    return False


def _gb(size: int) -> str:
    return f"{size / 1024**3:,.1f} GB"
