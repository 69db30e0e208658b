"""The whole pipeline with our own HTTP client and with aiohttp in its place, in turn.

    python benchmarks/http_client.py [PEOPLE] [ROUNDS]

Claim, render, send and settle run in a worker process, with one record per message on SQLite and
the simulator as the sink. Everything but the client is the same, and so is what the client is asked
to do, except that aiohttp neither refuses private addresses nor tells NotSent from MaybeSent.
Prints Markdown; results: docs/decisions/0024-own-http-client.md.
"""

import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import aiohttp

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clarion.settings")

PEOPLE = 50_000
ROUNDS = 5
CLIENTS = ("own", "aiohttp")


def main(people: int, rounds: int) -> None:
    """Measure both clients in turn, the order swapped each round, and print the medians."""
    with tempfile.TemporaryDirectory(prefix="clarion-bench-") as folder:
        os.environ["CLARION_DATA"] = folder
        paces = _measure(Path(folder), people, rounds)
    print(f"| client | messages/s | CPU µs a message | runs of {people:,} messages |")
    print("| --- | --- | --- | --- |")
    for client in CLIENTS:
        rates = [pace.rate for pace in paces[client]]
        cpu = statistics.median(pace.cpu_us for pace in paces[client])
        runs = " · ".join(f"{rate:,.0f}" for rate in rates)
        print(f"| {client} | {statistics.median(rates):,.0f} | {cpu:.0f} | {runs} |")
    pairs = list(zip(paces["own"], paces["aiohttp"], strict=True))
    rate = statistics.median(own.rate / other.rate for own, other in pairs)
    cpu = statistics.median(own.cpu_us / other.cpu_us for own, other in pairs)
    print(f"\nOwn client to aiohttp, median of the pairs: rate {rate:.2f}, CPU {cpu:.2f}.")


def _measure(folder: Path, people: int, rounds: int) -> dict[str, list[Any]]:
    import django

    django.setup()
    from django.core.management import call_command

    from clarion.cli.benchmark import pipeline

    call_command("migrate", verbosity=0)
    paces: dict[str, list[Any]] = {client: [] for client in CLIENTS}
    with pipeline.simulator(folder) as url:
        pipeline.write_people(folder / "people.csv", people)
        channel, _ = pipeline.measure_import(folder / "people.csv", f"{url}/hook/bench", people)
        for number in range(rounds):
            for client in CLIENTS[:: 1 if number % 2 == 0 else -1]:
                broadcast, _ = pipeline.measure_expand(channel)
                worker = (__file__, "worker", client)
                paces[client].append(pipeline.measure_pipeline(broadcast, 1, worker))
                print(f"{client}: {paces[client][-1].rate:,.0f}/s", file=sys.stderr)
    return paces


class AiohttpClient:
    """Stands in for clarion.transport.http.HttpClient, with what makes aiohttp quick."""

    def __init__(self, *, per_origin: int = 64, proxy: str | None = None) -> None:
        self._per_origin = per_origin
        self._proxy = proxy
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: Any) -> Any:
        """Send one HttpRequest; returns its HttpReply."""
        from clarion.transport.messages import HttpReply

        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, limit_per_host=self._per_origin),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent"),
                auto_decompress=False,
            )
        async with self._session.request(
            request.method,
            request.url,
            data=request.body,
            headers=request.headers,
            allow_redirects=False,
            proxy=self._proxy,
            timeout=aiohttp.ClientTimeout(total=request.timeout),
        ) as reply:
            body = await reply.read()
            headers = {name.lower(): value for name, value in reply.headers.items()}
            return HttpReply(reply.status, headers, body)

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()


def run_worker(client: str) -> int:
    """Be a worker with this client until SIGTERM; returns the exit code."""
    import django

    django.setup()
    from clarion.engine import process
    from clarion.transport import clients

    if client == "aiohttp":
        clients.HttpClient = AiohttpClient  # type: ignore[assignment,attr-defined]
    return process.run_worker(sole=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        sys.exit(run_worker(sys.argv[2]))
    given = [int(word) for word in sys.argv[1:]]
    main(*given, *(PEOPLE, ROUNDS)[len(given) :])
