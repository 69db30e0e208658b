"""The CPU time of programs on this machine, from /proc (Linux): proc(5)."""

import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

from clarion.kit import db

_PROC = Path("/proc")
_LISTENING = "0A"  # TCP_LISTEN, in the kernel's include/net/tcp_states.h


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, in seconds. Raises OSError when it has ended."""
    return _ticks(pid, 11, 12)


def database_seconds() -> float | None:
    """CPU seconds of the PostgreSQL server that Django is connected to, since it started.

    None for SQLite, and for a server that is not seen to run on this machine.
    """
    backend = db.server_process()
    if backend is None or _name(backend) != "postgres":
        return None
    server = _parent(backend)
    try:
        # The server waits for its processes, so the time of those that have ended is counted there.
        ended_too = _ticks(server, 11, 12, 13, 14)
        return ended_too + sum(cpu_seconds(pid) for pid in _pids() if _parent(pid) == server)
    except OSError:
        return None


def listeners(url: str) -> list[int]:
    """The processes on this machine that listen at the port of ``url``.

    Empty for another machine, and where /proc doesn't show us the files of other users' processes.
    """
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if not _is_here(parts.hostname or ""):
        return []
    sockets = _listening(port)
    return [pid for pid in _pids() if sockets & _open_sockets(pid)]


def _is_here(host: str) -> bool:
    """Whether a host is this machine: only its own addresses can be bound to."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.bind(address)
    except OSError:
        return False
    return True


def _listening(port: int) -> set[str]:
    """The names that /proc gives to the sockets listening at a port."""
    names = set()
    for table in ("tcp", "tcp6"):
        path = _PROC / "net" / table
        for line in path.read_text().splitlines()[1:] if path.exists() else []:
            fields = line.split()
            if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                names.add(f"socket:[{fields[9]}]")
    return names


def _open_sockets(pid: int) -> set[str]:
    names = set()
    try:
        for file in (_PROC / str(pid) / "fd").iterdir():
            names.add(str(file.readlink()))
    except OSError:  # another user's process, or it has ended
        return names
    return names


def _pids() -> list[int]:
    return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]


def _fields(pid: int) -> tuple[str, list[str]]:
    """The name of a process, and the fields of its stat after that."""
    before, _, after = (_PROC / str(pid) / "stat").read_text().rpartition(")")
    return before.partition("(")[2], after.split()


def _name(pid: int) -> str:
    try:
        return _fields(pid)[0]
    except OSError:
        return ""


def _parent(pid: int) -> int:
    try:
        return int(_fields(pid)[1][1])
    except OSError:
        return 0


def _ticks(pid: int, *indexes: int) -> float:
    fields = _fields(pid)[1]
    return sum(int(fields[index]) for index in indexes) / os.sysconf("SC_CLK_TCK")
