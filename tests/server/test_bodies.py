"""Bodies that are too large are refused before they are stored."""

import asyncio
import http.client
import json
from collections.abc import Iterator

import pytest

from clarion.server.bodies import UNASKED, BodyLimits, Receive, Refusal, Rule, Scope, Send
from server.serving import HOST, Serving, answer, says_ok, serving

RULES = {
    "/hook": Rule(1_000, needs_agent=False),
    "/page": Rule(1_000_000, needs_agent=True),
    "/upload": Rule(50_000_000, needs_agent=True, uploads=True),
}
reached: list[str] = []


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    reached.append(scope["path"])
    await says_ok(scope, receive, send)


async def is_agent(scope: Scope) -> bool:
    return (b"cookie", b"agent") in scope["headers"]


async def refusal(scope: Scope, status: int, rule: Rule) -> Refusal:
    return Refusal(status, "text/plain", f"{scope['path']} {rule.largest}".encode())


def limited(held: int = 10_000_000) -> BodyLimits:
    return BodyLimits(
        application, rule=RULES.__getitem__, is_agent=is_agent, refusal=refusal, held=held
    )


@pytest.fixture
def server() -> Iterator[Serving]:
    reached.clear()
    with serving(limited()) as running:
        yield running


def _post(server: Serving, path: str, size: int, *, chunked: bool = False, agent: bool = False):
    connection = http.client.HTTPConnection(HOST, server.port, timeout=60)
    pieces = (b"x" * min(65_536, size - at) for at in range(0, size, 65_536))
    headers = {} if chunked else {"Content-Length": str(size)}
    if agent:
        headers["Cookie"] = "agent"
    try:
        connection.request("POST", path, pieces, headers, encode_chunked=chunked)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@pytest.mark.parametrize("chunked", [False, True])
def test_up_to_the_limit_it_is_taken(server: Serving, chunked: bool) -> None:
    assert _post(server, "/hook", 1_000, chunked=chunked) == (200, b"1000")
    assert _post(server, "/upload", 20_000_000, chunked=chunked, agent=True) == (200, b"20000000")


@pytest.mark.parametrize("chunked", [False, True])
def test_above_it_the_client_is_told_so(server: Serving, chunked: bool) -> None:
    assert _post(server, "/hook", 1_001, chunked=chunked) == (413, b"/hook 1000")
    assert _post(server, "/hook", 30_000_000, chunked=chunked) == (413, b"/hook 1000")
    told = _post(server, "/page", 1_500_000, chunked=chunked, agent=True)
    assert told == (413, b"/page 1000000")


def test_a_declared_length_is_refused_before_anything_is_read(server: Serving) -> None:
    head = b"POST /hook HTTP/1.1\r\nHost: t\r\nContent-Length: %d\r\n\r\n" % 2**40
    with server.connect(head) as sock:
        assert answer(sock).startswith(b"HTTP/1.1 413 ")
    assert reached == []


def test_who_waits_for_leave_to_send_is_not_given_it(server: Serving) -> None:
    head = b"POST /hook HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 5000\r\n\r\n"
    with server.connect(head) as sock:
        assert answer(sock).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("chunked", [False, True])
def test_much_is_taken_from_agents_only(server: Serving, chunked: bool) -> None:
    assert _post(server, "/page", UNASKED + 1, agent=True)[0] == 200
    assert _post(server, "/page", UNASKED + 1, chunked=chunked)[0] == 403
    assert _post(server, "/upload", 20_000_000, chunked=chunked)[0] == 403
    assert _post(server, "/page", UNASKED)[0] == 200  # the page itself sends to the log-in
    assert reached == ["/page", "/page"]


def test_all_that_is_half_here_is_bounded_together() -> None:
    async def main() -> list[int]:
        limits = limited(held=2_500)
        waiting = asyncio.Event()
        statuses: list[int] = []

        async def half() -> None:
            sent = iter([{"type": "http.request", "body": b"x" * 900, "more_body": True}])

            async def receive() -> dict[str, object]:
                for message in sent:
                    return message
                await waiting.wait()
                return {"type": "http.request", "body": b"", "more_body": False}

            async def send(message: dict[str, object]) -> None:
                if "status" in message:
                    statuses.append(int(str(message["status"])))

            scope = {"type": "http", "path": "/hook", "headers": [(b"content-length", b"900")]}
            await limits(scope, receive, send)

        tasks = [asyncio.create_task(half()) for _ in range(3)]
        while not statuses:
            await asyncio.sleep(0)
        assert statuses == [503]  # the third one
        waiting.set()
        await asyncio.gather(*tasks)
        assert statuses == [503, 200, 200]
        await half()  # what was held is free again
        return statuses

    assert asyncio.run(main()) == [503, 200, 200, 200]


def test_refusals_of_callbacks_say_what_is_too_large() -> None:
    from clarion.hooks.bodies import body_rule, refusal

    assert body_rule("/hooks/1/") == Rule(1_048_576, needs_agent=False)
    assert body_rule("/unsubscribe/x") == Rule(4_096, needs_agent=False)
    assert body_rule("/contacts/") is None
    call = refusal("/hooks/external/1/secret", 413)
    assert call.content_type == "application/json"
    assert json.loads(call.body) == {"error": "A call may be 1 MB at most. Send several."}
    assert refusal("/hooks/1/", 413).body == b"A callback may be 1 MB at most.\n"
    assert refusal("/hooks/1/", 503).body == b"The server is busy. Try again in a minute.\n"
    assert refusal("/unsubscribe/x", 413).body == b"This request is too large.\n"
