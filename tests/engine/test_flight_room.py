"""Large requests in flight: how many bytes of them a worker has at once, whatever the kind."""

import asyncio
from dataclasses import replace

import pytest

from channels.fixtures import reply
from clarion.channels.contract import Reply, Request
from clarion.content import media
from clarion.content.rendering import Text
from clarion.engine import flight_room, snapshot
from clarion.engine.attempt import SendRequest, requeued
from clarion.engine.claim import LATE
from clarion.engine.flight_room import SMALL, FlightRoom, Sent
from clarion.engine.pipeline import ChannelPipeline
from clarion.engine.snapshot import Job
from clarion.transport.messages import HttpRequest, SmtpRequest
from engine.ground import CHANNEL, MESSAGE, NOW, PipelineHost
from engine.stories import launch, story
from support import factory
from support.waiting import eventually_async

JOB = Job(id=1, key="k", title=Text(""), text=Text("Hello"), scheduled_at=NOW)
LARGE = 2 * SMALL
ROOM = 2 * LARGE


class Flight:
    """A room, and a provider that answers when it is told to."""

    def __init__(self, room: int = ROOM) -> None:
        self.room = FlightRoom(room)
        self.bytes, self.most, self.made = 0, 0, 0
        self.left: list[str] = []
        self.answering = asyncio.Event()

    async def _send(self, request: Request) -> Reply:
        assert isinstance(request, HttpRequest)
        self.bytes += len(request.body)
        self.most = max(self.most, self.bytes)
        try:
            await self.answering.wait()
        finally:
            self.bytes -= len(request.body)
        return reply(200)

    def start(
        self,
        size: int,
        *,
        weight: int = 0,
        channel: int = 1,
        single: bool = False,
        may_leave: bool = True,
        name: str = "",
    ) -> "asyncio.Task[Sent]":
        """Attempt a message whose request has ``size`` bytes; ``weight``: what its files say."""

        async def may_still_leave() -> bool:
            return may_leave

        async def attempt(send: SendRequest) -> Sent:
            self.made += 1
            self.left.append(name)
            await send(HttpRequest("POST", "http://127.0.0.1/", body=bytes(size)))
            return replace(requeued(MESSAGE, channel), state="sent"), None

        job = replace(JOB, weight=weight, single=single)
        return asyncio.create_task(
            self.room.within(channel, MESSAGE, job, self._send, may_still_leave, attempt)
        )


async def rest() -> None:
    """Let every task come as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_no_more_bytes_are_made_or_in_flight_than_there_is_room_for() -> None:
    flight = Flight()
    tasks = [flight.start(LARGE, weight=LARGE) for _ in range(9)]
    await rest()
    assert (flight.made, flight.bytes) == (2, ROOM)
    flight.answering.set()
    states = {settlement.state for settlement, _ in await asyncio.gather(*tasks)}
    assert (states, flight.made, flight.most, flight.room.taken) == ({"sent"}, 9, ROOM, 0)


async def test_a_request_that_is_larger_than_the_room_leaves_alone() -> None:
    flight = Flight()
    tasks = [flight.start(2 * ROOM, weight=2 * ROOM) for _ in range(3)]
    tasks.append(flight.start(LARGE, weight=LARGE))
    await rest()
    assert flight.made == 1
    flight.answering.set()
    await asyncio.gather(*tasks)
    assert (flight.most, flight.room.taken) == (2 * ROOM, 0)


async def test_small_requests_never_wait() -> None:
    flight = Flight()
    tasks = [flight.start(LARGE, weight=LARGE) for _ in range(3)]
    tasks += [flight.start(SMALL, channel=2) for _ in range(50)]
    await rest()
    assert flight.made == 52
    flight.answering.set()
    await asyncio.gather(*tasks)


async def test_what_requests_weigh_is_learned_from_the_newest() -> None:
    flight = Flight()
    # Its files are not in the request: it is sent by an id, or its provider fetches them.
    tasks = [flight.start(100, weight=2 * ROOM)]
    await rest()
    tasks += [flight.start(100, weight=2 * ROOM) for _ in range(5)]
    await rest()
    assert flight.made == 6
    # And a large page without any file, of another channel, is counted as soon as one was made.
    tasks.append(flight.start(ROOM, channel=2))
    await rest()
    tasks += [flight.start(ROOM, channel=2) for _ in range(5)]
    await rest()
    assert flight.made == 7
    flight.answering.set()
    await asyncio.gather(*tasks)
    assert (flight.made, flight.room.taken) == (12, 0)


async def test_one_that_may_not_leave_after_it_waited_is_queued_again() -> None:
    flight = Flight()
    first = flight.start(ROOM, weight=ROOM, may_leave=False)
    second = flight.start(ROOM, weight=ROOM, may_leave=False)
    await rest()
    flight.answering.set()
    results = await asyncio.gather(first, second)
    assert [settlement.state for settlement, _ in results] == ["sent", "queued"]
    assert (flight.made, flight.room.taken) == (1, 0)


async def test_what_is_urgent_is_next() -> None:
    flight = Flight()
    tasks = [flight.start(ROOM, weight=ROOM, name=name) for name in ("first", "second")]
    await rest()
    tasks.append(flight.start(ROOM, weight=ROOM, single=True, name="answer"))
    await rest()
    flight.answering.set()
    await asyncio.gather(*tasks)
    assert flight.left == ["first", "answer", "second"]


async def test_who_gives_up_leaves_no_place_taken() -> None:
    flight = Flight()
    tasks = [flight.start(ROOM, weight=ROOM) for _ in range(4)]
    await rest()
    tasks[1].cancel()  # it waits
    tasks[0].cancel()  # it is in flight: the third is let in
    await rest()
    assert flight.made == 2
    tasks[2].cancel()
    tasks[3].cancel()  # in the moment in which it is let in
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (flight.bytes, flight.room.taken) == (0, 0)
    assert flight.room.claims(1, 50) == 2 * SMALL * 2 // ROOM


async def test_a_channel_claims_nothing_while_its_messages_wait() -> None:
    flight = Flight()
    tasks = [flight.start(LARGE, weight=LARGE) for _ in range(2)]
    await rest()
    assert flight.room.claims(1, 50) == ROOM // LARGE
    tasks.append(flight.start(LARGE, weight=LARGE))
    await rest()
    assert (flight.room.claims(1, 50), flight.room.claims(2, 50)) == (0, 50)
    flight.answering.set()
    await asyncio.gather(*tasks)
    await flight.start(100, channel=1, name="small")
    assert flight.room.claims(1, 50) == ROOM // LARGE  # as the newest of this broadcast


async def test_mails_are_weighed_with_their_files() -> None:
    room = FlightRoom(ROOM)
    mail = SmtpRequest("h", 25, "none", "", "", "a@x", "b@x", bytes(10), tail=bytes(LARGE))
    taken: list[int] = []

    async def send_request(request: Request) -> Reply:
        taken.append(room.taken)
        return reply(200)

    async def attempt(send: SendRequest) -> Sent:
        await send(mail)
        return requeued(MESSAGE, 1), None

    async def may_leave() -> bool:
        return True

    await room.within(1, MESSAGE, JOB, send_request, may_leave, attempt)
    assert (taken, room.taken) == ([LARGE + 10], 0)


def one_of_two_fits(
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[PipelineHost, ChannelPipeline, asyncio.Event]:
    """A pipeline with two large messages, of which one has room; it is answered after the event."""
    size = 50_000
    monkeypatch.setattr(flight_room, "SMALL", size // 2)
    two = [replace(MESSAGE, delivery=number, slot=NOW) for number in (1, 2)]
    host = PipelineHost(two, text="x" * size, weight=size)
    host.room = FlightRoom(size)
    answering = asyncio.Event()

    async def send_request(request: Request) -> Reply:
        await answering.wait()
        return reply(200)

    pipeline = ChannelPipeline(host, CHANNEL, send_request, 2)
    return host, pipeline, answering


@pytest.mark.parametrize(("passed", "late"), [(0, []), (LATE + 1, [2])])
async def test_a_message_whose_slot_passes_while_it_waits_for_room_gets_another_one(
    monkeypatch: pytest.MonkeyPatch, passed: int, late: list[int]
) -> None:
    host, pipeline, answering = one_of_two_fits(monkeypatch)
    try:
        await eventually_async(lambda: host.room.claims(CHANNEL.id, 1) == 0)
        assert len(host.begun) == 1
        host.now += passed
        answering.set()
        await eventually_async(lambda: len(host.settled) == 2)
    finally:
        await pipeline.close()
    assert {settlement.state for settlement in host.settled} == {"sent"}
    assert [claimed.delivery for claimed in host.late] == late


async def test_what_waits_for_room_is_queued_again_where_its_pipeline_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host, pipeline, answering = one_of_two_fits(monkeypatch)
    await eventually_async(lambda: host.room.claims(CHANNEL.id, 1) == 0)
    closing = asyncio.create_task(pipeline.close())
    await rest()
    answering.set()
    await closing
    assert sorted(settlement.state for settlement in host.settled) == ["queued", "sent"]


@pytest.mark.django_db
def test_what_a_job_weighs_follows_from_its_files() -> None:
    upload = media.save_upload("a.pdf", "application/pdf", [bytes(1_000)])
    picture = media.save_upload("a.png", "", [b"\x89PNG\r\n\x1a\n" + bytes(400)], image=True)
    mail = factory.channel("Mail", "email")
    attached = factory.draft([mail], mail={"attachments": [upload.token]})
    assert snapshot.job(attached.pk).weight == 2_000
    image = {"kind": "image", "media": picture.token}
    shown = launch(factory.channel(), story(image, {"kind": "text", "text": "Hello"}))
    assert snapshot.job(shown.pk).weight == 2 * 408
    assert snapshot.job(factory.draft([mail]).pk).weight == 0
