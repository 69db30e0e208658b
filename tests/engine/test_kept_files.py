"""A file is sent once with its bytes, and then by the id under which the provider keeps it."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.db import OperationalError

from channels.telegram.fixtures import make
from channels.whatsapp.fixtures import make as make_whatsapp
from clarion.channels.contract import (
    Accepted,
    Outcome,
    Outgoing,
    Refusal,
    Refused,
    Reply,
    Request,
)
from clarion.channels.models import KeptFile
from clarion.content.media import save_upload
from clarion.engine.attempt import requeued
from clarion.engine.kept_files import MOST_DROPPED, KeptFiles, Ways
from clarion.engine.retry import Policy
from clarion.engine.snapshot import ChannelFacts
from clarion.kit.parts import Media
from clarion.records.deliveries.settle import Settlement
from clarion.transport.messages import HttpReply, HttpRequest
from crash.rehearsal import Provider, broadcast_to_all, wait_completed
from engine.ground import MESSAGE
from engine.stories import story
from support import factory
from support.processes import Processes

WHATSAPP = ChannelFacts(2, "shop", make_whatsapp(), Policy(5, 0.1, False), 80.0, "1")
TELEGRAM = ChannelFacts(1, "bot", make(), Policy(5, 0.1, False), 30.0, "1")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(50_000)
GONE = Refused(Refusal.REJECTED, "It is gone.", file_gone=True)
NO_BODY = Refused(Refusal.UNREACHABLE, "Blocked.")
QUEUED_AGAIN = "queued"


class Sender:
    """What workers share: a database of ids, and a provider."""

    def __init__(self) -> None:
        self.noted: dict[str, str] = {}  # by key
        self.is_away = False
        self.uploads = 0
        self.by_id: list[str] = []
        self.channel = TELEGRAM
        self.requests: list[Request] = []  # that upload a file
        self.reply: Reply = HttpReply(200, {}, b'{"id": "4490709327384033"}')
        self.outcome: Callable[[str], Outcome] = lambda kept_id: Accepted(kept_id="first")

    async def run(self, work: Callable[..., Any], channel_id: int, key: str, *more: str) -> Any:
        if self.is_away:
            raise OperationalError("away")
        if work.__name__ == "keep":
            self.noted[key] = more[0]
        elif work.__name__ == "drop":
            self.noted.pop(key, None)
        return self.noted.get(key, "")

    async def send(self, files: KeptFiles, media: Media | None = None) -> str:
        """Send one message; returns what became of it."""
        media = media or Media("image", "", "a.png", "image/png", PNG, sha256="s" * 64)
        outgoing = Outgoing("m", 1, "42", "", media=media)

        async def send() -> tuple[Settlement, Outcome]:
            assert outgoing.media is not None
            if outgoing.media.kept_id:
                self.by_id.append(outgoing.media.kept_id)
            else:
                self.uploads += 1
            await asyncio.sleep(0)  # the others come meanwhile
            return sent, self.outcome(outgoing.media.kept_id)

        sent, again = requeued(MESSAGE, 1), requeued(MESSAGE, 1)
        refused_as = requeued(MESSAGE, 1)

        async def upload(request: Request) -> Reply:
            self.requests.append(request)
            await asyncio.sleep(0)  # the others come meanwhile
            return self.reply

        ways = Ways(send, lambda: again, upload, lambda why: (refused_as, why))
        settlement, result = await files.send(self.channel, outgoing, ways)
        if settlement is refused_as:
            return str(result.refusal)
        return "sent" if settlement is sent else QUEUED_AGAIN


async def test_only_the_first_message_brings_the_file() -> None:
    sender = Sender()
    files = KeptFiles(sender.run)
    results = await asyncio.gather(*(sender.send(files) for _ in range(20)))
    assert sender.uploads == 1
    # Who waited gets a slot of their own.
    assert sorted(results) == [QUEUED_AGAIN] * 19 + ["sent"]
    assert await sender.send(files) == "sent"
    assert sender.by_id == ["first"]


async def test_an_id_of_other_settings_is_not_used() -> None:
    sender = Sender()
    files = KeptFiles(sender.run)
    await sender.send(files)
    sender.noted.clear()  # as when settings are saved
    sender.channel = replace(TELEGRAM, version="2")
    assert await sender.send(files) == "sent"
    assert (sender.uploads, sender.by_id) == (2, [])


async def test_an_id_is_read_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    sender = Sender()
    files = KeptFiles(sender.run)
    await sender.send(files)
    monkeypatch.setattr("clarion.engine.kept_files.TRUSTED", 0.0)
    sender.is_away = True
    assert await sender.send(files) == "sent"
    assert sender.by_id == ["first"]
    sender.is_away = False
    sender.noted.clear()  # it has become too old
    assert await sender.send(files) == "sent"
    assert (sender.uploads, sender.by_id) == (2, ["first"])


async def test_another_worker_needs_no_upload() -> None:
    sender = Sender()
    await sender.send(KeptFiles(sender.run))
    other = KeptFiles(sender.run)
    assert await sender.send(other) == "sent"
    assert (sender.uploads, sender.by_id) == (1, ["first"])


async def test_a_message_that_is_refused_brings_no_file() -> None:
    sender = Sender()
    files = KeptFiles(sender.run)
    sender.outcome = lambda kept_id: NO_BODY
    results = await asyncio.gather(*(sender.send(files) for _ in range(3)))
    assert (results, sender.uploads) == (["sent"] * 3, 3)
    sender.outcome = lambda kept_id: Accepted(kept_id="first")
    await sender.send(files)
    await sender.send(files)
    assert (sender.uploads, sender.by_id) == (4, ["first"])


async def test_an_id_that_the_provider_does_not_know_is_replaced_and_costs_no_attempt() -> None:
    sender = Sender()
    files = KeptFiles(sender.run)
    await sender.send(files)
    sender.outcome = lambda kept_id: GONE if kept_id == "first" else Accepted(kept_id="second")
    results = await asyncio.gather(sender.send(files), sender.send(files))
    assert results == [QUEUED_AGAIN, QUEUED_AGAIN]
    assert await sender.send(files) == "sent"
    assert list(sender.noted.values()) == ["second"]
    assert (sender.uploads, sender.by_id) == (2, ["first", "first"])


async def test_a_provider_that_never_knows_its_ids_gets_the_file_with_each_message() -> None:
    sender = Sender()
    files = KeptFiles(sender.run)
    sender.outcome = lambda kept_id: GONE if kept_id else Accepted(kept_id="new")
    for _ in range(MOST_DROPPED):
        assert [await sender.send(files), await sender.send(files)] == ["sent", QUEUED_AGAIN]
    assert [await sender.send(files) for _ in range(3)] == ["sent"] * 3
    assert sender.uploads == MOST_DROPPED + 3


async def test_without_the_database_a_file_is_sent_all_the_same() -> None:
    sender = Sender()
    sender.is_away = True
    files = KeptFiles(sender.run)
    assert [await sender.send(files), await sender.send(files)] == ["sent", "sent"]
    assert (sender.uploads, sender.by_id) == (1, ["first"])


@pytest.mark.django_db(transaction=True)
def test_a_broadcast_with_a_picture_uploads_it_once(processes: Processes, engine: None) -> None:
    provider = Provider(processes)
    channel = factory.channel(
        kind="telegram",
        rate=None,
        token="123456:kept",
        api_root=provider.url,
    )
    people = [factory.address(channel, str(number), f"Person {number}") for number in range(1, 41)]
    upload = save_upload("a.png", "image/png", [PNG])
    version = story({"kind": "image", "media": upload.token, "caption": "Hi {{ contact.name }}"})
    fields: dict[str, Any] = {"data_type": "story", "story": version.story, "text": ""}

    wait_completed(broadcast_to_all(channel, **fields), 60)
    kept_id = KeptFile.objects.get().kept_id
    provider.post("/_/reset")  # it forgets the file, and all messages
    wait_completed(broadcast_to_all(channel, **fields), 60)

    assert provider.accepted() == {person.value: 1 for person in people}
    entries = json.loads(provider.get("/_/log?outcome=accepted&limit=100"))["entries"]
    assert sum("file_id" not in entry["media"] for entry in entries) == 1
    assert {entry["media"]["size"] for entry in entries} == {len(PNG)}
    assert KeptFile.objects.get().kept_id == kept_id  # the same file has the same id there


def whatsapp() -> Sender:
    sender = Sender()
    sender.channel = WHATSAPP
    return sender


async def test_a_file_is_uploaded_once_before_the_messages_with_it() -> None:
    sender = whatsapp()
    files = KeptFiles(sender.run)
    results = await asyncio.gather(*(sender.send(files) for _ in range(5)))
    assert results == [QUEUED_AGAIN] * 5  # each leaves in a slot of its own
    assert await sender.send(files) == "sent"
    assert (sender.by_id, sender.uploads) == (["4490709327384033"], 0)
    (request,) = sender.requests
    assert isinstance(request, HttpRequest)
    assert request.url.endswith("/media")
    assert PNG in request.body
    assert request.timeout == 60.0  # a file takes longer than a message
    assert await sender.send(KeptFiles(sender.run)) == "sent"  # of another worker
    assert len(sender.requests) == 1


async def test_a_file_with_a_public_url_is_not_uploaded() -> None:
    sender = whatsapp()
    media = Media("image", "https://a.example/a.png", "a.png", "image/png", PNG, sha256="s" * 64)
    assert await sender.send(KeptFiles(sender.run), media) == "sent"
    assert sender.requests == []


@pytest.mark.parametrize(
    ("reply", "refusal"),
    [
        (HttpReply(500, {}, b"<html>"), Refusal.RETRY),  # no message was sent, whatever happened
        (HttpReply(401, {}, b'{"error": {"code": 190}}'), Refusal.MISCONFIGURED),
        (HttpReply(429, {}, b""), Refusal.THROTTLED),
    ],
)
async def test_an_upload_that_is_refused_is_not_noted(reply: HttpReply, refusal: Refusal) -> None:
    sender = whatsapp()
    sender.reply = reply
    assert await sender.send(KeptFiles(sender.run)) == str(refusal)
    assert sender.noted == {}
