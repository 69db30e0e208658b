"""One request and its answer, without anything that only pages need."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from clarion.server.bodies import Receive, Scope, Send

_TEXT: Final = b"text/plain; charset=utf-8"


@dataclass(slots=True)
class Request:
    """A request whose body is complete."""

    method: str
    path: str  # decoded
    query: str  # as it came
    raw_headers: Iterable[tuple[bytes, bytes]]  # lower-case names
    body: bytes
    client: str = ""  # the IP address; of the person, where the proxy before us is trusted

    def headers(self) -> dict[str, str]:
        """All headers; one that came several times is joined by commas (RFC 9110, 5.3)."""
        joined: dict[str, str] = {}
        for raw_name, raw_value in self.raw_headers:
            name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
            joined[name] = f"{joined[name]},{value}" if name in joined else value
        return joined


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered."""

    status: int
    body: bytes
    content_type: bytes = _TEXT
    headers: tuple[tuple[bytes, bytes], ...] = ()


def sentence(status: int, words: str, *headers: tuple[bytes, bytes]) -> Answer:
    """An answer for a program's log, or for a person who looks."""
    return Answer(status, f"{words}\n".encode(), headers=headers)


def busy(words: str) -> Answer:
    """503: nothing was kept, the caller tries again."""
    return sentence(503, words, (b"retry-after", b"5"))


def not_allowed(*methods: bytes) -> Answer:
    """405, with the methods that are."""
    return sentence(405, "This method is not allowed here.", (b"allow", b", ".join(methods)))


async def read_request(scope: Scope, receive: Receive) -> Request | None:
    """The whole request; None when the client left before its end."""
    pieces: list[bytes] = []
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        pieces.append(message.get("body", b""))
        more = message.get("more_body", False)
    return Request(
        scope["method"],
        scope["path"],
        scope["query_string"].decode("latin-1"),
        scope["headers"],
        pieces[0] if len(pieces) == 1 else b"".join(pieces),
        (scope.get("client") or ("",))[0],
    )


async def send_answer(send: Send, answer: Answer, *, head_only: bool) -> None:
    """Send the answer, without its body to HEAD."""
    headers = [
        (b"content-type", answer.content_type),
        (b"content-length", b"%d" % len(answer.body)),
        (b"x-content-type-options", b"nosniff"),
        *answer.headers,
    ]
    if not any(name == b"cache-control" for name, _ in answer.headers):
        headers.append((b"cache-control", b"no-store"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head_only else answer.body})
