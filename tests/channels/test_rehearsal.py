"""Every kind against the simulator: over the real transport, with every fault it knows."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from channels.fixtures import refusal_of
from clarion.channels.contract import (
    Accepted,
    ChannelKind,
    HookRequest,
    Inbound,
    OptOut,
    Outcome,
    Outgoing,
    Receipt,
    Refusal,
    Refused,
    RegistersWebhook,
)
from clarion.channels.errors import ChannelError
from clarion.channels.manage import check_channel
from clarion.channels.models import Channel
from clarion.channels.registry import kind_class
from clarion.kit import clock
from clarion.transport.errors import MaybeSent, NotSent
from clarion.transport.http import HttpClient
from clarion.transport.messages import HttpRequest
from clarion.transport.smtp import SmtpPool
from clarion_simulator.behaviour import Behaviour
from clarion_simulator.server import Simulator
from simulator.client import Post, listening

SECRET = "whsec_c2VjcmV0LW9mLXRoaXMtdGVzdA=="
TOKEN = "123456:rehearsal"
PHONE = "106540352242922"
KINDS = ("webhook", "telegram", "email", "whatsapp")
ACCEPTED, NOT_SENT, MAYBE_SENT = "accepted", "not sent", "maybe sent"
FAULTS: dict[str, tuple[str, str, str, str]] = {  # in the order of KINDS
    "ok": (ACCEPTED, ACCEPTED, ACCEPTED, ACCEPTED),
    "slow": (ACCEPTED, ACCEPTED, ACCEPTED, ACCEPTED),
    "500": ("retry", "unknown", "retry", "unknown"),
    "400": ("rejected", "unreachable", "unreachable", "unreachable"),
    "blocked": ("unreachable", "unreachable", "rejected", "unreachable"),
    "deactivated": ("unreachable", "unreachable", "unreachable", "unreachable"),
    "429": ("throttled", "throttled", "throttled", "throttled"),
    "html502": ("unknown", "unknown", "retry", "unknown"),
    "empty": (ACCEPTED, "unknown", MAYBE_SENT, "unknown"),
    "cut": (MAYBE_SENT, MAYBE_SENT, MAYBE_SENT, MAYBE_SENT),
    "cut-json": (ACCEPTED, "unknown", MAYBE_SENT, "unknown"),
    "garbage": (MAYBE_SENT, MAYBE_SENT, MAYBE_SENT, MAYBE_SENT),
    "reset-after": (MAYBE_SENT, MAYBE_SENT, MAYBE_SENT, MAYBE_SENT),
    "reset-before": (MAYBE_SENT, MAYBE_SENT, NOT_SENT, MAYBE_SENT),
}


@dataclass
class Stage:
    """A simulator, and the two ways to it."""

    simulator: Simulator
    http: HttpClient
    smtp: SmtpPool

    def settings(self, kind: str) -> dict[str, Any]:
        url, port = self.simulator.http_url, self.simulator.smtp_port
        each: dict[str, dict[str, Any]] = {
            "webhook": {"url": f"{url}/hook/main", "allow_private": True, "secret": SECRET},
            "telegram": {"token": TOKEN, "api_root": url, "webhook_secret": "hush"},
            "email": {
                "host": "127.0.0.1",
                "port": port,
                "security": "none",
                "username": "news",
                "password": "good",
                "sender": "News <news@example.org>",
            },
            "whatsapp": {
                "phone_number_id": PHONE,
                "token": "EAArehearsal",
                "app_secret": SECRET,
                "verify_token": "try-me",
                "api_root": f"{url}/whatsapp/v26.0",
                "allow_private": True,
            },
        }
        return each[kind]

    def make(self, kind: str, **changes: Any) -> ChannelKind:
        found = kind_class(kind)
        return found(found.Config.model_validate({**self.settings(kind), **changes}))

    async def send(self, kind: str, to: str, text: str = "Hello") -> Outcome:
        adapter = self.make(kind)
        request = adapter.request(Outgoing("abc-17", 3, to, text, "Spring"))
        if isinstance(request, HttpRequest):
            return adapter.outcome(await self.http.send(request))
        return adapter.outcome(await self.smtp.send(request))

    async def ask(self, path: str, body: object = None) -> Any:
        raw = b"" if body is None else json.dumps(body).encode()
        url = f"{self.simulator.http_url}{path}"
        method = "GET" if body is None else "POST"
        reply = await self.http.send(HttpRequest(method, url, body=raw, allow_private=True))
        return json.loads(reply.body)

    def to(self, kind: str, fault: str) -> str:
        """A recipient who brings that fault."""
        return {
            "webhook": f"anna!{fault}",
            "telegram": f"42!{fault}",
            "email": f"anna+{fault}@example.org",
            "whatsapp": f"491711!{fault}",
        }[kind]


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with Simulator(Behaviour(slow_seconds=0.1)) as simulator:
        http, smtp = HttpClient(), SmtpPool()
        yield Stage(simulator, http, smtp)
        await http.close()
        await smtp.close()


@pytest.mark.parametrize(
    ("kind", "to"),
    [
        ("webhook", "anna"),
        ("telegram", "42"),
        ("email", "anna@example.org"),
        ("whatsapp", "491711"),
    ],
)
async def test_a_message_arrives(stage: Stage, kind: str, to: str) -> None:
    outcome = await stage.send(kind, to, "Hello ü\nand bye")
    assert isinstance(outcome, Accepted)
    assert bool(outcome.external_id) is (kind == "whatsapp")
    (entry,) = (await stage.ask("/_/log"))["entries"]
    assert (entry["outcome"], entry["recipient"]) == ("accepted", to)
    if kind == "email":
        assert entry["key"] == "<abc-17@example.org>"
    else:
        assert entry["text"] == "Hello ü\nand bye"
        assert entry["key"] == ("" if kind == "telegram" else "abc-17")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", KINDS)
async def test_every_fault_is_classed_as_what_the_simulator_knows_it_to_be(
    stage: Stage, kind: str, fault: str
) -> None:
    expected = FAULTS[fault][KINDS.index(kind)]
    try:
        outcome = await stage.send(kind, stage.to(kind, fault))
        found = str(refusal_of(outcome) or ACCEPTED)
    except NotSent:
        found = NOT_SENT
    except MaybeSent:
        found = MAYBE_SENT
    assert found == expected
    accepted = await stage.ask("/_/log?outcome=accepted")
    if found == ACCEPTED:
        assert len(accepted["entries"]) == 1
    if found not in (ACCEPTED, MAYBE_SENT, "unknown"):
        assert not accepted["entries"], "said to be certainly not sent, but it was taken"


@pytest.mark.parametrize(
    ("kind", "wait"), [("webhook", 7.0), ("telegram", 7.0), ("email", 1.0), ("whatsapp", 7.0)]
)
async def test_throttling_says_for_how_long(stage: Stage, kind: str, wait: float) -> None:
    await stage.ask("/_/behaviour", {"retry_after": 7})
    outcome = await stage.send(kind, stage.to(kind, "429"))
    assert isinstance(outcome, Refused)
    assert outcome.retry_after == wait


async def test_signatures_are_good(stage: Stage) -> None:
    await stage.ask("/_/behaviour", {"verify_secret": SECRET})
    assert await stage.send("webhook", "anna") == Accepted()
    await stage.ask("/_/behaviour", {"verify_secret": "whsec_YW5vdGhlcg=="})
    assert refusal_of(await stage.send("webhook", "anna")) is Refusal.MISCONFIGURED


async def test_receipts_come_back_as_events(stage: Stage) -> None:
    async with listening() as listener:
        knobs = {"callback_url": f"{listener.url}/hooks/1/", "callback_secret": SECRET, "read": 100}
        await stage.ask("/_/behaviour", knobs)
        await stage.send("webhook", "anna")
        events = told(stage.make("webhook"), await listener.heard(2))
    assert [(e.status, e.message_id) for e in events if isinstance(e, Receipt)] == [
        ("delivered", "abc-17"),
        ("read", "abc-17"),
    ]


async def test_statuses_of_whatsapp_come_back_as_events(stage: Stage) -> None:
    async with listening() as listener:
        knobs = {"callback_url": f"{listener.url}/hooks/1/", "callback_secret": SECRET, "read": 100}
        await stage.ask("/_/behaviour", knobs)
        outcome = await stage.send("whatsapp", "491711")
        await stage.send("whatsapp", "491712!failed-131050")
        events = told(stage.make("whatsapp"), await listener.heard(5))
    assert isinstance(outcome, Accepted)
    receipts = [event for event in events if isinstance(event, Receipt)]
    assert {(e.status, e.message_id) for e in receipts} == {
        ("delivered", "abc-17"),
        ("read", "abc-17"),
        ("failed", "abc-17"),
    }
    assert [e.status for e in receipts if e.external_id == outcome.external_id] == [
        "delivered",
        "read",
    ]
    assert [e.state for e in events if isinstance(e, OptOut)] == ["opted_out"]


@pytest.mark.parametrize(
    ("code", "refusal"), [(131047, "rejected"), (131056, "throttled"), (368, "misconfigured")]
)
async def test_every_code_of_whatsapp_can_be_rehearsed(
    stage: Stage, code: int, refusal: str
) -> None:
    outcome = await stage.send("whatsapp", f"491711!{code}")
    assert isinstance(outcome, Refused)
    assert (outcome.refusal, outcome.code) == (refusal, str(code))


async def test_a_person_presses_a_button_in_whatsapp(stage: Stage) -> None:
    async with listening() as listener:
        knobs = {"callback_url": f"{listener.url}/hooks/1/", "callback_secret": SECRET}
        await stage.ask("/_/behaviour", knobs)
        about = {"phone": PHONE, "from": "491711", "name": "Ben"}
        await stage.ask("/_/inbound", {**about, "text": "Leave me", "button": "STOP"})
        message, wish = told(stage.make("whatsapp"), await listener.heard(1))
    assert isinstance(message, Inbound)
    assert (message.sender, message.text, message.button) == ("491711", "Leave me", "STOP")
    assert isinstance(wish, OptOut)


async def test_a_person_writes_to_the_bot(stage: Stage) -> None:
    bot = stage.make("telegram")
    assert isinstance(bot, RegistersWebhook)
    async with listening() as listener:
        request = bot.register(f"{listener.url}/hooks/1/")
        assert isinstance(request, HttpRequest)
        assert "now sends new messages" in bot.registered(await stage.http.send(request))
        await stage.ask(
            "/_/inbound", {"bot": TOKEN, "chat_id": 42, "text": "/stop", "name": "Anna"}
        )
        message, wish = told(bot, await listener.heard(1))
    assert isinstance(message, Inbound)
    assert (message.sender, message.text, message.name) == ("42", "/stop", "Anna")
    assert isinstance(wish, OptOut)
    assert wish.state == "opted_out"


def told(kind: ChannelKind, posts: list[Post]) -> list[Any]:
    events: list[Any] = []
    for post in posts:
        hook = HookRequest(post.headers, "", post.body, clock.now())
        kind.verify(hook)
        events += kind.events(hook)
    return events


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("webhook", "can be reached"),
        ("telegram", "@simulator_123456_bot"),
        ("email", "login works"),
        ("whatsapp", "+1 555 2242922 (Clarion simulator). Its quality is green"),
    ],
)
async def test_checks(stage: Stage, kind: str, words: str) -> None:
    assert words in await check_channel(channel(kind, stage.settings(kind)))
    assert not (await stage.ask("/_/log?outcome=accepted"))["entries"]


@pytest.mark.parametrize(
    ("kind", "wrong", "words"),
    [
        ("telegram", {"token": "123456:revoked"}, "BotFather"),
        ("email", {"password": "wrong"}, "refused the login"),
        ("whatsapp", {"token": "EAArevoked"}, "system user"),
    ],
)
async def test_checks_with_wrong_credentials(
    stage: Stage, kind: str, wrong: dict[str, str], words: str
) -> None:
    with pytest.raises(ChannelError, match=words):
        await check_channel(channel(kind, {**stage.settings(kind), **wrong}))


def channel(kind: str, config: dict[str, Any]) -> Channel:
    made = Channel(pk=1, name="main", kind=kind)
    made.config = config
    return made
