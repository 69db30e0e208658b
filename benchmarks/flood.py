"""How fast pages are while others hold as many connections as they can.

    python benchmarks/flood.py [SECONDS]

Starts `clarion web` with an empty database of its own, and holds 2,000 connections that send nothing,
1,000 with half a head, 1,000 with half a body, and 200 readers that take one byte a second. What the
server closes is opened again. They come from many addresses (127.0.1.1, 127.0.1.2 and so on), 90 from
each, below the limit of one client. Meanwhile pages are opened one after the other: as an agent, logged
out, and as a provider. Prints Markdown; results: docs/benchmarks.md.
"""

import http.client
import multiprocessing
import os
import re
import resource
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path

IDLE, HEADS, BODIES, READERS = 2_000, 1_000, 1_000, 200
FROM_ONE = 90  # connections
MAIL, PASSWORD = "flood@example.org", "a long enough password"
HALF_HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-"
HALF_BODY = b"POST /hooks/1/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nabc"
READ = b"GET /assets/0/web/css/all.css HTTP/1.1\r\nHost: localhost\r\n\r\n" * 4
PAGES = ("/", "/broadcasts/", "/records/", "/contacts/", "/account/login/", "/healthz")


class Flood:
    """Connections that are held, and opened again when the server closes them."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._selector = selectors.DefaultSelector()
        self._opened = 0
        self.closed: Counter[str] = Counter()  # by the server

    def hold(self, kind: str, sends: bytes) -> None:
        """Open one more."""
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
        sock.bind(
            (f"127.0.{1 + self._opened // FROM_ONE // 250}.{1 + self._opened // FROM_ONE % 250}", 0)
        )
        self._opened = (self._opened + 1) % (FROM_ONE * 250)
        sock.settimeout(5)
        try:
            sock.connect(("127.0.0.1", self._port))
            sock.sendall(sends)
        except OSError:
            self.closed[kind] += 1
            sock.close()
            return
        sock.setblocking(False)
        self._selector.register(sock, selectors.EVENT_READ, (kind, sends))

    def keep_up(self) -> None:
        """Take a byte for each reader now and then, and open again what the server closed."""
        for key, _ in self._selector.select(0.1):
            kind, sends = key.data
            assert isinstance(key.fileobj, socket.socket)
            try:
                data = key.fileobj.recv(1 if kind == "reader" else 4_096)
            except BlockingIOError:
                continue
            except ConnectionError:
                data = b""
            if not data:
                self._selector.unregister(key.fileobj)
                key.fileobj.close()
                self.closed[kind] += 1
                self.hold(kind, sends)

    @property
    def held(self) -> int:
        """How many are open."""
        return len(self._selector.get_map())


def flood(port: int, ready: Event, stop: Event) -> None:
    """Hold all connections until ``stop``, in a process of its own."""
    holding = Flood(port)
    for kind, count, sends in (
        ("idle", IDLE, b""), ("head", HEADS, HALF_HEAD),
        ("body", BODIES, HALF_BODY), ("reader", READERS, READ),
    ):  # fmt: skip
        for _ in range(count):
            holding.hold(kind, sends)
    print(f"{holding.held:,} connections held.\n", flush=True)
    ready.set()
    while not stop.wait(0.05):
        holding.keep_up()
    closed = ", ".join(f"{count:,} {kind}" for kind, count in sorted(holding.closed.items()))
    print(f"\n{holding.held:,} held at the end; closed by the server: {closed or 'none'}.")


@contextmanager
def server() -> Iterator[tuple[int, int]]:
    """A web server with an agent: its port and its process id."""
    with tempfile.TemporaryDirectory() as folder:
        env = os.environ | {"CLARION_DATA": str(Path(folder) / "data"), "CLARION_DATABASE_URL": ""}
        clarion = [sys.executable, "-m", "clarion"]
        subprocess.run([*clarion, "migrate"], env=env, check=True, stdout=subprocess.DEVNULL)
        subprocess.run(
            [*clarion, "agent", "add", "Flood", "--email", MAIL, "--role", "admin", "--password-stdin"],
            env=env, input=PASSWORD, text=True, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        process = subprocess.Popen(
            [*clarion, "web", "--port", "0"], env=env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if match := re.search(r"running at http://\S+:(\d+)", line):
                    yield int(match[1]), process.pid
                    break
        finally:
            process.terminate()
            process.wait()


def request(port: int, method: str, path: str, cookie: str = "", body: str = "") -> tuple[int, str]:
    """The status and the cookies of an answer; 0 for none within ten seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
    try:
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        answer.read()
        cookies = [value.split(";")[0] for value in answer.headers.get_all("set-cookie", [])]
        return answer.status, "; ".join(cookies)
    except OSError:
        return 0, ""
    finally:
        connection.close()


def log_in(port: int) -> str:
    """The cookies of an agent."""
    cookie = ""
    while "csrf" not in cookie:  # it has just begun to listen
        cookie = request(port, "GET", "/account/login/")[1]
    token = re.search(r"csrf\w*=([^;]+)", cookie)
    assert token is not None
    form = {"login": MAIL, "password": PASSWORD, "csrfmiddlewaretoken": token[1]}
    status, session = request(port, "POST", "/account/login/", cookie, urllib.parse.urlencode(form))
    assert status == 302, status
    return f"{cookie}; {session}"


def main(seconds: float) -> None:
    """Measure without and with the flood, and print both."""
    needed = IDLE + HEADS + BODIES + READERS + 200
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4 * needed), hard))
    with server() as (port, pid):
        cookie = log_in(port)
        before, _ = measure(port, pid, cookie, min(seconds, 15))
        ready, stop = multiprocessing.Event(), multiprocessing.Event()
        flooding = multiprocessing.Process(target=flood, args=(port, ready, stop))
        flooding.start()
        ready.wait()
        during, busy = measure(port, pid, cookie, seconds)
        print(
            "| page | before: median | slowest | meanwhile: answers | failed | median | 95 % | slowest |"
        )
        print("| --- | --- | --- | --- | --- | --- | --- | --- |")
        for path, times in during.items():
            good = sorted(taken for taken in times if taken > 0)
            print(
                f"| {path} | {_ms(statistics.median(before[path]))} | {_ms(max(before[path]))} "
                f"| {len(good)} | {len(times) - len(good)} | {_ms(statistics.median(good))} "
                f"| {_ms(good[int(len(good) * 0.95)])} | {_ms(good[-1])} |"
            )
        print(f"\nThe server used {busy:.0%} of a core. Load: {os.getloadavg()[0]:.1f}.")
        stop.set()
        flooding.join()


def measure(
    port: int, pid: int, cookie: str, seconds: float
) -> tuple[dict[str, list[float]], float]:
    """Seconds that each answer took, by path, 0 for none or an error; and the server's CPU share."""
    times: dict[str, list[float]] = {path: [] for path in (*PAGES, "callback")}
    start, used = time.monotonic(), cpu(pid)
    while time.monotonic() < start + seconds:
        for path, taken in times.items():
            began = time.monotonic()
            if path == "callback":
                good = request(port, "POST", "/hooks/1/", body="{}")[0] == 404
            else:
                good = request(port, "GET", path, cookie)[0] in {200, 302}
            taken.append(time.monotonic() - began if good else 0.0)
    return times, (cpu(pid) - used) / (time.monotonic() - start)


def cpu(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0)
