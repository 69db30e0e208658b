"""The bare loop to compare with: aiohttp posting the same bodies, keeping nothing."""

import asyncio
import json
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast something went."""

    messages: int
    seconds: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds

    @property
    def cpu_us(self) -> float:
        """CPU microseconds a message, of the sending process alone."""
        return self.cpu_seconds / self.messages * 1e6


def messages(broadcast: int, count: int) -> tuple[list[bytes], list[str]]:
    """The bodies that Clarion would post to ``count`` people, and their idempotency keys."""
    bodies, keys = [], []
    for number in range(count):
        key = f"barebarebare-{number}"
        text = f"Hello Person {number}, your table in Berlin is ready."
        body = {
            "id": key, "broadcast": broadcast, "to": f"user-{number:07d}", "text": text,
            "title": "Bench",
            "name": f"Person {number}",
        }  # fmt: skip
        bodies.append(json.dumps(body, separators=(",", ":")).encode())
        keys.append(key)
    return bodies, keys


def post_all(url: str, bodies: list[bytes], keys: list[str], in_flight: int) -> Pace:
    """POST every body with its Idempotency-Key, ``in_flight`` at once, and forget the replies.

    Raises ImportError with what to install when aiohttp is missing.
    """
    try:
        import aiohttp
    except ImportError:
        raise ImportError(
            "The comparison needs aiohttp. Install it with “pip install aiohttp”, "
            "or skip the comparison with --no-compare."
        ) from None
    import uvloop

    async def work(session: aiohttp.ClientSession, jobs: list[tuple[bytes, str]]) -> None:
        while jobs:
            body, key = jobs.pop()
            headers = {"Content-Type": "application/json", "Idempotency-Key": key}
            async with session.post(url, data=body, headers=headers) as reply:
                await reply.read()

    async def main() -> None:
        jobs = list(zip(bodies, keys, strict=True))
        connector = aiohttp.TCPConnector(limit=in_flight)
        async with aiohttp.ClientSession(connector=connector) as session:
            await asyncio.gather(*(work(session, jobs) for _ in range(in_flight)))

    wall, cpu = time.perf_counter(), time.process_time()
    uvloop.run(main())
    return Pace(len(bodies), time.perf_counter() - wall, time.process_time() - cpu)
