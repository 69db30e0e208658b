"""A simulated provider, and the ways of a test to it: over the real transport, and back."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from clarion.channels.contract import ChannelKind, Event, HookRequest, Outcome, Outgoing
from clarion.channels.registry import kind_class
from clarion.kit import clock
from clarion.transport.clients import Clients
from clarion.transport.http import HttpClient
from clarion.transport.messages import HttpRequest
from clarion_simulator.server import Simulator
from simulator.client import Post

SECRET = "whsec_c2VjcmV0LW9mLXRoaXMtdGVzdA=="


def _as_named(_: Simulator, recipient: str) -> str:
    return recipient


@dataclass(frozen=True)
class Rehearsal:
    """How a kind is rehearsed with the simulator, which knows its provider's protocol."""

    kind: str
    settings: Callable[[Simulator], dict[str, Any]]
    recipient: str
    faulty: str  # a recipient who brings a fault, with {fault} for its name
    faults: Mapping[str, str]  # fault -> a class of refusal, accepted, not sent or maybe sent
    wait: float  # seconds, where the simulator was told to ask for 7
    good: str  # words of a good check
    wrong: Mapping[str, str] = field(default_factory=dict)  # settings whose check fails …
    bad: str = ""  # … with these words
    key: str = "abc-17"  # what the provider learns of the message's id
    logs_source: bool = False  # whether the simulator keeps the source of an e-mail as its text
    logs_parts: bool = False  # whether the simulator keeps pictures, files and buttons apart
    takes_uploads: bool = True  # also where this server has no public URL
    address: Callable[[Simulator, str], str] = _as_named  # how a recipient is sent to
    keeps_external_id: bool = False  # whether receipts refer to the provider's own id
    person: Callable[[int], str] | None = None  # the user id of the n-th of many, for benchmarks


@dataclass
class Stage:
    """A simulator, and the two ways to it."""

    simulator: Simulator
    clients: Clients

    @property
    def http(self) -> HttpClient:
        """What speaks HTTP."""
        return self.clients.http

    def make(self, rehearsal: Rehearsal, **changes: Any) -> ChannelKind:
        """The kind, configured for the simulator."""
        kind = kind_class(rehearsal.kind)
        settings = {**rehearsal.settings(self.simulator), **changes}
        return kind(kind.Config.model_validate(settings))

    async def send(
        self, rehearsal: Rehearsal, text: str = "Hello", *, to: str = "", **parts: Any
    ) -> Outcome:
        """Send one message; ``parts`` are fields of Outgoing. Raises what the transport raises."""
        adapter = self.make(rehearsal)
        to = rehearsal.address(self.simulator, to or rehearsal.recipient)
        request = adapter.request(Outgoing("abc-17", 3, to, text, "Spring", **parts))
        return adapter.outcome(await self.clients.send(request))

    async def ask(self, path: str, body: object = None) -> Any:
        """The simulator's answer to a control request: GET, or POST of ``body`` as JSON."""
        raw = b"" if body is None else json.dumps(body).encode()
        url = f"{self.simulator.http_url}{path}"
        method = "GET" if body is None else "POST"
        reply = await self.http.send(HttpRequest(method, url, body=raw, allow_private=True))
        return json.loads(reply.body)

    async def last_entry(self) -> dict[str, Any]:
        """What the simulator keeps of the last message."""
        entries: list[dict[str, Any]] = (await self.ask("/_/log"))["entries"]
        return entries[-1]


def events_of(kind: ChannelKind, posts: Iterable[Post]) -> list[Event]:
    """What the simulator's callbacks report, each of them proven first."""
    events: list[Event] = []
    for post in posts:
        hook = HookRequest(post.headers, "", post.body, clock.now())
        kind.verify(hook)
        events += kind.events(hook)
    return events
