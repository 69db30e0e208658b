"""The part of an HTTP request before its body: checking it, and turning it into bytes.

Nothing that could end a line and start another header gets through (RFC 9110 5.5, RFC 9112 11.1).
"""

import ipaddress
import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from clarion import __version__
from clarion.kit.urls import ascii_host, host_in
from clarion.transport.errors import WrongSettings

_AGENT = f"User-Agent: Clarion/{__version__}\r\n"
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNSAFE_URL = re.compile(r"[\x00-\x20\x7f]")
_UNSAFE_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_HOST = re.compile(r"[0-9A-Za-z._-]+")
_ASCII = "".join(map(chr, range(0x21, 0x7F)))  # what is written already is left as it is written
_PORTS = {"http": 80, "https": 443}
# These decide where a message ends and who it is for: two opinions about that are an attack.
_OURS = frozenset(
    {"connection", "content-length", "expect", "host", "te", "trailer", "transfer-encoding"}
    | {"upgrade"}
)


class Origin(NamedTuple):
    """Where connections may be shared. `host` has no brackets, even for IPv6."""

    secure: bool
    host: str
    port: int
    allow_private: bool

    @property
    def authority(self) -> str:
        """Host and port as HTTP writes them, the port left out where it is the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = _PORTS["https" if self.secure else "http"]
        return host if self.port == usual else f"{host}:{self.port}"


def parse_url(url: str, allow_private: bool) -> tuple[Origin, str]:
    """Split an absolute http(s) URL into its origin and the request target.

    Raises WrongSettings, without repeating the URL, when it can't be used.
    """
    if _UNSAFE_URL.search(url):
        raise WrongSettings("The address contains a space or a control character. Remove it.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        if ":" in host:
            if "%" in host:
                raise ValueError("zone")
            ipaddress.IPv6Address(host)
        else:
            host = ascii_host(host_in(parts.netloc)).lower()
    except ValueError:
        raise WrongSettings("The address is not a valid URL. Correct it.") from None
    if parts.scheme not in _PORTS:
        raise WrongSettings("The address must begin with https:// or http://.")
    if "@" in parts.netloc:
        raise WrongSettings("The address contains a user name or password. Put them into a header.")
    if not (":" in host or _HOST.fullmatch(host)):
        raise WrongSettings("The address has no valid host name. Correct it.")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    target = quote(target, safe=_ASCII, errors="replace")
    origin = Origin(parts.scheme == "https", host, port or _PORTS[parts.scheme], allow_private)
    return origin, target


def request_line(method: str, origin: Origin, target: str) -> bytes:
    """Build the first line and the Host header. Raises WrongSettings for a method that is none."""
    if not _TOKEN.fullmatch(method) or method in ("CONNECT", "TRACE"):
        raise WrongSettings("The HTTP method is not one that can be sent.")
    return f"{method} {target} HTTP/1.1\r\nHost: {origin.authority}\r\n".encode("ascii")


def header_block(headers: tuple[tuple[str, str], ...]) -> bytes:
    """Build the lines of the caller's headers, with a User-Agent if there is none.

    Raises WrongSettings, without repeating the value, for a header that can't be sent as it is.
    """
    block = ""
    agent = _AGENT
    for name, value in headers:
        if _checked_name(name) == "user-agent":
            agent = ""
        # What can be printed has no control character; this spares most values the search.
        if not value.isprintable() and _UNSAFE_VALUE.search(value):
            raise WrongSettings(f"The header {name} contains a line break or control character.")
        block += f"{name}: {value.strip()}\r\n"
    try:
        return f"{block}{agent}".encode()
    except UnicodeEncodeError:
        raise WrongSettings("A header contains a character that can't be sent.") from None


@lru_cache(maxsize=1024)
def _checked_name(name: str) -> str:
    """A header's name in lower case. Raises WrongSettings for one that can't be sent."""
    if not _TOKEN.fullmatch(name):
        raise WrongSettings("A header has a name that is not allowed. Correct it.")
    lower = name.lower()
    if lower in _OURS:
        raise WrongSettings(f"The header {name} is set by Clarion itself. Remove it.")
    return lower
