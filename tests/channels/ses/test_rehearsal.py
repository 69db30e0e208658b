"""The SES kind against the simulator: the subscription, deliveries, bounces and complaints."""

import json
from urllib.parse import urlsplit

from channels.rehearsal import Rehearsal, Stage
from channels.ses.fixtures import CASE
from clarion.channels.abilities import FollowsUp, ProvesByCertificate
from clarion.channels.contract import (
    AddressReport,
    HookRequest,
    Receipt,
    RegistersWebhook,
)
from clarion.kit import clock
from clarion.transport.messages import HttpRequest
from simulator.client import Post, listening

assert CASE.rehearsal is not None
SES: Rehearsal = CASE.rehearsal


def hook_of(post: Post, query: str) -> HookRequest:
    return HookRequest(post.headers, query, post.body, clock.now())


async def test_the_subscription_is_confirmed_and_events_come(stage: Stage) -> None:
    kind = stage.make(SES)
    assert isinstance(kind, RegistersWebhook)
    assert isinstance(kind, FollowsUp)
    async with listening() as listener:
        request = kind.register(f"{listener.url}/hooks/1/")
        assert isinstance(request, HttpRequest)
        assert "confirm" in kind.registered(await stage.http.send(request))
        (post,) = await listener.heard(1)
        asked = hook_of(post, urlsplit(post.path).query)
        kind.verify(asked)
        assert isinstance(kind, ProvesByCertificate)
        pem = await stage.http.send(kind.certificate(asked))
        kind.verify_with(asked, pem.body)
        confirmation = kind.follow_up(asked)
        assert isinstance(confirmation, HttpRequest)
        assert (await stage.http.send(confirmation)).status == 200

        for to in ("bob+complaint@example.org", "cyd+bounce@example.org", "dan+failed@example.org"):
            await stage.send(SES, to=to)
        events = []
        for post in (await listener.heard(5))[1:]:
            hook = hook_of(post, urlsplit(post.path).query)
            kind.verify(hook)
            assert kind.certificate(hook) == kind.certificate(asked)
            kind.verify_with(hook, pem.body)
            events += kind.events(hook)
    statuses = [(e.status, e.unreachable, e.message_id) for e in events if isinstance(e, Receipt)]
    assert sorted(statuses) == [
        ("delivered", False, "abc-17"),
        ("failed", False, "abc-17"),
        ("failed", True, "abc-17"),
    ]
    assert {(e.address, e.cause) for e in events if isinstance(e, AddressReport)} == {
        ("bob+complaint@example.org", "complaint"),
        ("cyd+bounce@example.org", "hard_bounce"),
    }


async def test_a_wrong_confirmation_is_refused(stage: Stage) -> None:
    kind = stage.make(SES)
    assert isinstance(kind, FollowsUp)
    body = {"Type": "SubscriptionConfirmation", "Token": "never-given"}
    hook = HookRequest({}, "", json.dumps(body).encode(), clock.now())
    request = kind.follow_up(hook)
    assert isinstance(request, HttpRequest)
    assert (await stage.http.send(request)).status == 400
