"""The e-mail kind against the simulator: what is uploaded, and what comes back."""

import asyncio

import pytest

from channels.email.fixtures import CASE
from channels.rehearsal import Stage
from clarion.channels.contract import (
    AboutMessage,
    Accepted,
    AddressReport,
    HookRequest,
    Ignored,
    Receipt,
)
from clarion.channels.email import returned
from clarion.channels.email.kind import EmailKind
from clarion.channels.errors import ChannelError
from clarion.channels.manage import ask_provider
from clarion.channels.models import Channel
from clarion.kit import clock
from clarion.kit.parts import Media
from clarion_simulator.bounces import WRITERS

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 3000


async def test_b2_an_uploaded_picture_is_in_the_message(stage: Stage) -> None:
    assert CASE.rehearsal is not None
    picture = Media("image", "", "anna ü.png", "image/png", PNG)
    assert isinstance(await stage.send(CASE.rehearsal, media=picture), Accepted)
    assert "multipart/related" in (await stage.last_entry())["text"]


async def test_what_comes_back_is_read_from_the_mailbox_in_every_form(stage: Stage) -> None:
    rehearsal = CASE.rehearsal
    assert rehearsal is not None
    kind = stage.make(rehearsal)
    assert isinstance(kind, EmailKind)
    first = kind.fetched(await stage.clients.send(kind.fetch("")), "")
    words = ["bounce"] * len(WRITERS) + ["failed", "delayed", "complaint", "away"]
    for word in words:
        await stage.send(rehearsal, to=f"anna+{word}@example.org")
    async with asyncio.timeout(30):
        while len(stage.simulator.inbox.messages) < len(words):
            await asyncio.sleep(0.01)
    then = kind.fetched(await stage.clients.send(kind.fetch(first.cursor)), first.cursor)
    events = [
        event
        for body in then.bodies
        for event in kind.events(HookRequest({}, "", body, clock.now()))
    ]
    about = [event for event in events if isinstance(event, AboutMessage)]
    assert {event.message_id for event in about} == {"abc-17"}
    assert all(event.proven for event in about)
    causes = [e.cause for event in about for e in event.events if isinstance(e, AddressReport)]
    assert sorted(causes) == ["complaint"] + ["hard_bounce"] * len(WRITERS)
    assert sum(isinstance(e, Receipt) for event in about for e in event.events) == len(WRITERS) + 1
    assert {e.reason for e in events if isinstance(e, Ignored)} == {
        returned.DELAYED.reason, returned.AUTOMATIC.reason,
    }  # fmt: skip


async def test_a_check_says_what_is_wrong_with_the_mailbox(stage: Stage) -> None:
    rehearsal = CASE.rehearsal
    assert rehearsal is not None
    channel = Channel(pk=1, name="main", kind="email")
    channel.config = {**rehearsal.settings(stage.simulator), "bounce_password": "wrong"}
    with pytest.raises(ChannelError, match="mailbox server refused the login"):
        await ask_provider(channel)
