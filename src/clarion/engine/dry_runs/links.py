"""Whether the links of a broadcast answer, asked before it is sent.

A link is asked with HEAD, and with GET where that does not work; redirects are followed. A site is
asked for one link at a time. What can't be found out is no fault of the link: many sites refuse
programs. Private addresses are never asked, as anybody who writes a broadcast names these links.
"""

import asyncio
import socket
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin, urlsplit

from django.conf import settings

from clarion.transport.errors import MaybeSent, NotAllowed, NotSent
from clarion.transport.http import HttpClient
from clarion.transport.messages import HttpReply, HttpRequest

OK, BROKEN, UNCHECKED = "ok", "broken", "unchecked"
MOST: Final = 100  # links of a broadcast that are checked
EACH: Final = 10.0  # seconds for one request
ALL: Final = 40.0  # seconds for all links
AT_ONCE: Final = 4
REDIRECTS: Final = 5
LASTS: Final = 600.0  # seconds for which a result is used again
ALLOW_PRIVATE = False  # but in tests, which reach nothing but this machine
_KEPT: Final = 1_000
_HEADERS: Final = (("User-Agent", "Clarion link check"), ("Accept", "*/*"))
# To programs, or to whom has not logged in; what a browser gets is not known.
_REFUSALS: Final = frozenset({401, 403, 405, 406, 407, 408, 425, 429, 451})
_STOPPING: Final = 0.2  # seconds between looks at whether the worker stops
_kept: dict[str, tuple[float, "CheckedLink"]] = {}


@dataclass(frozen=True, slots=True)
class CheckedLink:
    """What a link answers."""

    url: str
    result: str  # OK, BROKEN, UNCHECKED
    detail: str = ""  # a sentence; "" where it answers as it should


def check_links(urls: Sequence[str], stopping: Callable[[], bool]) -> list[CheckedLink]:
    """What each of these links answers, in their order. When ``stopping`` says so, the links that
    are not checked yet are left unchecked."""
    urls = list(dict.fromkeys(urls))
    now = time.monotonic()
    for url in [url for url, (at, _) in _kept.items() if now - at > LASTS]:
        del _kept[url]
    wanted = [url for url in urls[:MOST] if url not in _kept]
    results = asyncio.run(_check_all(wanted, stopping)) if wanted else {}
    before = {url: link for url, (_, link) in _kept.items()}
    if len(_kept) + len(results) > _KEPT:
        _kept.clear()
    late = {url: _unchecked(url, "There was no time to check it.") for url in wanted}
    checked = late | before | results
    # What is wrong may be corrected at once, and the dry run repeated.
    _kept.update({url: (now, link) for url, link in results.items() if link.result == OK})
    more = f"Only the first {MOST} links are checked."
    return [checked.get(url) or _unchecked(url, more) for url in urls]


async def _check_all(urls: Sequence[str], stopping: Callable[[], bool]) -> dict[str, CheckedLink]:
    client = HttpClient(per_origin=1, max_reply=262_144, proxy=settings.CLARION.proxy or None)
    room = asyncio.Semaphore(AT_ONCE)
    sites: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
    results: dict[str, CheckedLink] = {}

    async def check(url: str) -> None:
        try:
            async with sites[urlsplit(url).netloc.lower()], room:
                results[url] = await _check(client, url)
        except ValueError:  # "http://[shop.example/", which urlsplit takes for an IPv6 address
            results[url] = CheckedLink(url, BROKEN, "The address is not a valid URL. Correct it.")

    tasks = {asyncio.create_task(check(url)) for url in urls}
    end = time.monotonic() + ALL
    pending = tasks
    while pending and time.monotonic() < end and not stopping():
        _, pending = await asyncio.wait(pending, timeout=_STOPPING)
    for task in pending:
        task.cancel()
    faults = await asyncio.gather(*tasks, return_exceptions=True)
    await client.close()
    for fault in faults:
        if isinstance(fault, BaseException) and not isinstance(fault, asyncio.CancelledError):
            raise fault
    return results


async def _check(client: HttpClient, url: str) -> CheckedLink:
    """What one link answers, after its redirects."""
    address = url
    for _ in range(REDIRECTS + 1):
        try:
            reply = await _ask(client, address)
        except NotAllowed:
            return _unchecked(url, "It leads to a private address, which is not checked.")
        except MaybeSent as error:
            return _unchecked(url, error.reason)
        except NotSent as error:
            cause = error.__cause__
            is_unsure = isinstance(cause, TimeoutError) or (
                isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_AGAIN
            )
            return CheckedLink(url, UNCHECKED if is_unsure else BROKEN, error.reason)
        location = reply.headers.get("location", "")
        if 300 <= reply.status <= 399 and location:
            try:
                address = urljoin(address, location)
                scheme = urlsplit(address).scheme
            except ValueError:
                return CheckedLink(url, BROKEN, "It redirects to an address that is no valid URL.")
            if scheme not in {"http", "https"}:
                return _unchecked(url, "It redirects to an app or another program.")
            continue
        return _judged(url, reply.status)
    return CheckedLink(url, BROKEN, f"It redirects more than {REDIRECTS} times.")


async def _ask(client: HttpClient, url: str) -> HttpReply:
    """The reply to HEAD, or to GET where HEAD brings none or a refusal."""
    try:
        reply = await client.send(_request("HEAD", url))
        if reply.status < 400:
            return reply
    except MaybeSent:
        pass  # some servers close the connection; asked again, the link shows what it is
    return await client.send(_request("GET", url))


def _request(method: str, url: str) -> HttpRequest:
    whole = urlsplit(url)._replace(fragment="").geturl()
    headers = (*_HEADERS, ("Range", "bytes=0-1023")) if method == "GET" else _HEADERS
    return HttpRequest(method, whole, headers, timeout=EACH, allow_private=ALLOW_PRIVATE)


def _judged(url: str, status: int) -> CheckedLink:
    if status < 400 or status == 416:  # it is there, and shorter than the range
        return CheckedLink(url, OK)
    if status in _REFUSALS:
        return _unchecked(url, f"The site refuses programs ({status}). Open the link in a browser.")
    return CheckedLink(url, BROKEN, f"It answers {status}.")


def _unchecked(url: str, why: str) -> CheckedLink:
    return CheckedLink(url, UNCHECKED, why)
