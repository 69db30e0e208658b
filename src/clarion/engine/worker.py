"""The worker: claims, sends and settles until it is told to stop. It holds no state of its own."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import structlog
from django.conf import settings
from django.db import Error

from clarion.accounts import expiry
from clarion.broadcasts import people, periodic, retention, waits
from clarion.broadcasts.mail_files import delete_unused_uploads
from clarion.channels import slots
from clarion.engine import (
    claim,
    codes,
    fire,
    halts,
    heartbeat,
    inbox,
    lifecycle,
    maintenance,
    reap,
    resumption,
    snapshot,
    stops,
    windows,
)
from clarion.engine.batch_pipeline import pipeline_for
from clarion.engine.claim import Claim, Claimed
from clarion.engine.connections import Connections
from clarion.engine.content_watch import ContentWatch
from clarion.engine.control_question import asked_before
from clarion.engine.fetching import Fetchers
from clarion.engine.flight_room import FlightRoom
from clarion.engine.follow_ups import FollowUps
from clarion.engine.journal.file import Journal, folder_of
from clarion.engine.kept_files import KeptFiles
from clarion.engine.orders import Orders
from clarion.engine.pipeline import ChannelPipeline
from clarion.engine.remaining import Remaining, remaining
from clarion.engine.repeats import Repeats
from clarion.engine.settle import settle
from clarion.engine.settler import Settler
from clarion.engine.threads import DatabaseThreads
from clarion.kit import clock, db
from clarion.kit.db import estimates
from clarion.records.deliveries.requeue import requeue
from clarion.records.deliveries.settle import Settlement
from clarion.transport.clients import Clients
from clarion.transport.messages import HttpRequest
from clarion.webhooks.sender import WebhookSender

log = structlog.get_logger()
REFRESH = 0.2  # seconds between snapshots: bounds how long pause and stop take
DOUBT = 60.0  # seconds after a claim that broke off during which its rows are looked for
BETWEEN_ROUNDS = 0.005  # seconds in which other processes can write, see kit.sqlite.base.LONGEST
KEEP_JOURNAL = 0.25  # seconds between looks at whether it needs room
STEP = 1.0  # seconds between two steps of a deletion: sending goes first
MAINTAIN = 5.0  # seconds: all tallies are looked at, which takes 25 ms with 10,000 broadcasts
DELETE_LEFTOVERS = 3600.0  # seconds between looks for ended sessions and unused uploads
DELETE_EXPIRED = 30.0  # seconds between looks for what is past its days, and for wrong tallies
MOST_UNSETTLED = 20_000  # outcomes waiting for the database before sending waits too


class Worker:
    """One worker: a pipeline for each channel that has work, and the loops beside them."""

    def __init__(self) -> None:
        self._threads = DatabaseThreads("db", db.writer_threads())
        self._webhook_thread = DatabaseThreads("webhooks", 1)  # sending does not wait for it
        self._db = self._threads.run
        self._snapshot = snapshot.NOTHING
        self._pipelines: dict[int, ChannelPipeline] = {}
        self._jobs: dict[int, tuple[int, snapshot.Job]] = {}  # with the revision it was read for
        self._settler, self.content = Settler(self._settle), ContentWatch(self.put)
        self.files, self.repeats, self.room = KeptFiles(self._db), Repeats(self._db), FlightRoom()
        self._clients: Clients
        self._id, self._lease_end = 0, 0.0  # the end by time.monotonic(), as renewed last
        self._waiting: set[int] = set()  # channels that wait, or have waited just before
        self._on_hold: set[int] = set()  # broadcasts that wait for their story's webhook
        self._journal: Journal
        self._reported = ""  # the trouble of the journal that everybody knows of
        self._doubtful_until = 0.0  # by time.monotonic(): a claim broke off, and may have happened
        self._skew = 0  # the shared clock minus ours, microseconds
        self._unjudged, self._stopping = halts.Unjudged(self._db), asyncio.Event()
        self._orders = Orders(self._stopping.is_set, lambda: self._id)
        self._background: set[asyncio.Task[None]] = set()

    async def run(self, started: Callable[[], None] = lambda: None) -> None:
        """Work until ``stop`` is called; then finish what is in flight and give back the rest."""
        self._clients = Clients(settings.CLARION.concurrency, settings.CLARION.proxy)
        webhook_sender = WebhookSender(
            self._webhook_thread.run, self._clients.http.send, self._stopping.is_set
        )
        follow_ups = FollowUps(self._db, self._clients.send)
        fetchers = Fetchers(self._db, self._clients.send)
        await self._register()
        self._connections = Connections(self._threads, self._clients.smpp)
        await self._db(periodic.recompute)
        settling = asyncio.create_task(self._settler.run())
        loops = [
            asyncio.create_task(self._every(REFRESH, self._refresh_snapshot)),
            asyncio.create_task(self._every(settings.CLARION.lease_seconds / 5, self._renew_lease)),
            asyncio.create_task(self._every(KEEP_JOURNAL, self._keep_journal)),
            asyncio.create_task(self._every(REFRESH, self._advance_broadcasts)),
            asyncio.create_task(self._every(REFRESH, self._apply_callbacks)),
            asyncio.create_task(self._every(halts.EVERY, self._unjudged.judge)),
            asyncio.create_task(self._every(1.0, self._reap_workers)),
            asyncio.create_task(self._every(1.0, self._fire_triggers)),
            asyncio.create_task(self._every(1.0, self._watch_segments)),
            asyncio.create_task(self._every(MAINTAIN, self._maintain)),
            asyncio.create_task(self._every(DELETE_EXPIRED, self._delete_expired)),
            asyncio.create_task(self._every(DELETE_LEFTOVERS, self._delete_leftovers)),
            asyncio.create_task(self._every(1.0, self._orders.run_imports)),
            asyncio.create_task(self._every(1.0, self._orders.run_dry_runs)),
            asyncio.create_task(self._every(1.0, self._orders.run_bulk_actions)),
            asyncio.create_task(self._every(1.0, follow_ups.send_due)),
            asyncio.create_task(self._every(1.0, self._orders.fetch_templates)),
            asyncio.create_task(self._every(MAINTAIN, self._orders.keep_latency)),
            asyncio.create_task(self._every(1.0, fetchers.serve_channels)),
            asyncio.create_task(self._every(1.0, webhook_sender.serve_endpoints)),
            asyncio.create_task(self._every(1.0, self._keep_connections)),
        ]
        log.info("worker_started", worker=self._id)
        started()
        await self._stopping.wait()
        await asyncio.gather(*loops)
        await asyncio.gather(*(pipeline.close() for pipeline in self._pipelines.values()))
        await asyncio.gather(self._connections.close(), webhook_sender.close(), fetchers.close())
        await asyncio.gather(*self._background)
        self._settler.close()
        await settling
        # A backup that was made before the last outcome was settled has an earlier heartbeat.
        self._journal.note_beat((await self._db(heartbeat.beat)).count)
        self._journal.close()
        await self._db(reap.sign_off, self._id)
        await self._clients.close()
        self._orders.close()
        self._webhook_thread.close()
        self._threads.close()
        log.info("worker_stopped", worker=self._id)

    def stop(self) -> None:
        """Begin the graceful end."""
        self._stopping.set()

    def may_send(self, channel_id: int, broadcast_id: int) -> bool:
        """Whether a message may leave now: not paused, not stopped, and the lease lasts."""
        return (
            time.monotonic() < self._lease_end
            and broadcast_id in self._snapshot.broadcasts
            and channel_id in self._snapshot.channels
            and self._journal.ready
            and not self._stopping.is_set()
        )

    def begin(self, delivery: int) -> bool:
        """Note that a message is about to leave; False: it must not."""
        return time.monotonic() < self._lease_end and self._journal.begin(delivery)

    def begin_together(self, deliveries: list[int]) -> bool:
        """Note that one request is about to leave for all of these; False: it must not."""
        return time.monotonic() < self._lease_end and self._journal.begin_together(deliveries)

    async def job(self, broadcast_id: int) -> snapshot.Job:
        """What a broadcast sends."""
        revision = self._snapshot.revisions.get(broadcast_id, 0)
        cached = self._jobs.get(broadcast_id)
        if cached is None or cached[0] != revision:
            cached = (revision, await self._db(snapshot.job, broadcast_id, revision))
            self._jobs[broadcast_id] = cached
        return cached[1]

    async def claim(self, channel_id: int, room: int) -> Claim:
        """Claim up to ``room`` messages for a pipeline."""
        full = len(self._settler) > MOST_UNSETTLED or not self._journal.ready
        facts = self._snapshot.channels.get(channel_id)
        if full or facts is None or time.monotonic() > self._lease_end:
            return Claim([], 0, clock.SECOND // 10)
        try:
            claimed_batch = await self._db(_claim, facts, self._id, room)
        except Error:
            self._doubtful_until = time.monotonic() + DOUBT
            raise
        self._journal.claimed(claimed.delivery for claimed in claimed_batch.messages)
        return claimed_batch

    async def remaining(self, broadcast_id: int, channel_id: int) -> Remaining:
        """What is left of a broadcast on a channel."""
        return await self._db(remaining, broadcast_id, channel_id, self._id)

    async def slots(self, channel_id: int, count: int) -> list[int]:
        """Moments at which this many requests of a channel may leave."""
        return await self._db(claim.take_slots, channel_id, count)

    async def reslot(self, channel_id: int, late: list[Claimed]) -> list[Claimed]:
        """New moments for messages that missed theirs."""
        return await self._db(claim.reslot, channel_id, late)

    def put(self, settlement: Settlement) -> None:
        """Have an outcome written."""
        self._journal.answered(settlement)
        self._settler.put(settlement)

    def wait(self, channel_id: int, seconds: float, reason: str) -> None:
        """Make the channel wait, in every worker."""
        now = self.shared_now()
        until = now + round(seconds * clock.SECOND)
        self._later(self._db(stops.wait_on_channel, channel_id, now, until, reason))

    def waited(self, channel_id: int) -> None:
        """End a wait of the channel that is over: its provider takes messages again."""
        if channel_id in self._waiting:
            self._waiting.discard(channel_id)
            self._later(self._db(slots.waited, channel_id, self.shared_now()))

    def misconfigured(self, channel: snapshot.ChannelFacts, reason: str) -> None:
        """Pause a channel that can't send and tell the agents why."""
        self._later(self._db(stops.pause_as_known, channel, reason))

    def pause_broadcast(self, broadcast_id: int, reason: str, known_at: int = 0) -> None:
        """Pause a broadcast whose content can't work for anybody and tell the agents why."""
        known_at = known_at or self.shared_now()
        self._later(self._db(stops.pause_broadcast, broadcast_id, reason, known_at))

    async def hold_broadcast(self, broadcast_id: int, reason: str) -> None:
        """Let a broadcast wait for its story's webhook."""
        await self._db(waits.wait, broadcast_id, reason)

    async def asked_before(self, broadcast_id: int, step: int) -> HttpRequest | None:
        """What a step of its story asked for somebody who has got all of it."""
        return await self._db(asked_before, await self.job(broadcast_id), step)

    def story_answers(self, broadcast_id: int) -> None:
        """End the wait of a broadcast whose story's webhook answers again."""
        if broadcast_id in self._on_hold:
            self._on_hold.discard(broadcast_id)
            self._later(self._db(waits.note_answered, broadcast_id))

    def probe_again(self, broadcast_id: int) -> None:
        """Try a broadcast on hold with another message: this one did not ask the webhook."""
        if broadcast_id in self._on_hold:
            self._later(self._db(waits.wait_for_probe, broadcast_id, self.shared_now()))

    def shared_now(self) -> int:
        """The moment by the clock that all workers share, in microseconds."""
        return clock.now_us() + self._skew

    async def _refresh_snapshot(self) -> None:
        self._snapshot = await self._db(snapshot.take, self._snapshot)
        self._waiting, self._on_hold = set(self._snapshot.waiting), set(self._snapshot.on_hold)
        # Singles may come by the million, and each is over soon.
        self._jobs = {k: job for k, job in self._jobs.items() if k in self._snapshot.broadcasts}
        for channel_id, reason in self._snapshot.broken.items():
            await self._db(stops.pause_on_channel, channel_id, reason)
        for channel_id, pipeline in list(self._pipelines.items()):
            facts = self._snapshot.channels.get(channel_id)
            done = channel_id not in self._snapshot.busy and pipeline.quiet
            if facts is not pipeline.channel or done or not self._runners(facts):
                del self._pipelines[channel_id]
                self._later(pipeline.close())
        for channel_id, facts in self._snapshot.channels.items():
            wanted = channel_id in self._snapshot.busy and not self._stopping.is_set()
            if wanted and channel_id not in self._pipelines and (runners := self._runners(facts)):
                most = self._clients.most_at_once(facts.kind.check(), runners)
                self._pipelines[channel_id] = pipeline_for(self, facts, self._clients.send, most)

    def _runners(self, facts: snapshot.ChannelFacts) -> int:
        return self._connections.room(facts.id, facts.kind, settings.CLARION.concurrency)

    async def _renew_lease(self) -> None:
        began = time.monotonic()
        alive, self._skew, beat = await self._db(reap.renewed, self._id)
        if alive:
            self._journal.note_beat(beat.count)
            self._lease_end = began + settings.CLARION.lease_seconds * 0.8
            return
        log.warning("lease_lost", worker=self._id)
        self._lease_end = 0.0
        for pipeline in self._pipelines.values():
            pipeline.drop()
        # What was in flight is settled as the old worker: it may prove what is in doubt by now.
        pipelines, self._pipelines = list(self._pipelines.values()), {}
        await asyncio.gather(*(pipeline.close() for pipeline in pipelines))
        await self._connections.close()
        await self._settler.flushed()
        self._journal.close()  # what it says of those in doubt is read by the next reaper
        await self._register()

    async def _register(self) -> None:
        await self._db(resumption.ask_before_resuming)
        self._journal, self._reported = Journal(folder_of(settings.CLARION.data)), ""
        await self._rewrite_journal()
        began = time.monotonic()
        self._id = await self._db(reap.register, self._journal.token)
        self._lease_end = began + settings.CLARION.lease_seconds * 0.8

    async def _keep_journal(self) -> None:
        if self._journal.crowded:
            await self._rewrite_journal()
        if (trouble := self._journal.trouble) != self._reported:
            await self._db(reap.report_trouble, self._id, trouble)
            self._reported = trouble

    async def _rewrite_journal(self) -> None:
        journal, before = self._journal, dict(self._journal.in_hand)
        beat = await self._db(heartbeat.beat)
        journal.rewrite(beat.identity, beat.count, before)

    async def _advance_broadcasts(self) -> None:
        await self._db(lifecycle.start_due)
        while await self._db(lifecycle.expand_next) and not self._stopping.is_set():
            pass
        await self._db(lifecycle.cancel_remaining)
        await self._db(lifecycle.finish)

    async def _apply_callbacks(self) -> None:
        await asyncio.gather(*(self._apply_rounds() for _ in range(db.rounds_at_once())))

    async def _apply_rounds(self) -> None:
        while await self._db(inbox.apply_waiting) and not self._stopping.is_set():
            self._unjudged.reported()
            await self._rest(BETWEEN_ROUNDS)

    async def _requeue_unanswered_claims(self) -> None:
        """Queue what a claim took whose answer never came: nobody has it, so it was not sent."""
        if time.monotonic() < self._doubtful_until:
            seen = await self._db(reap.claimed_before, self._id)
            if lost := [key for key in seen if key not in self._journal.in_hand]:
                log.info("claims_found", deliveries=await self._db(requeue, self._id, lost))

    async def _reap_workers(self) -> None:
        await self._requeue_unanswered_claims()
        await self._db(reap.reap)
        await self._db(people.catch_up)
        await self._db(estimates.correct)

    async def _fire_triggers(self) -> None:
        await self._db(lifecycle.spawn_runs)
        while await self._db(fire.fire_due) and not self._stopping.is_set():
            pass

    async def _watch_segments(self) -> None:
        await self._db(fire.watch_segments)

    async def _maintain(self) -> None:
        for work in maintenance.TASKS:
            await self._db(work)

    async def _delete_expired(self) -> None:
        await self._db(lifecycle.verify_tallies)
        while await self._db(retention.sweep) and not self._stopping.is_set():
            await self._rest(STEP)

    async def _delete_leftovers(self) -> None:
        while await self._db(expiry.delete_expired) and not self._stopping.is_set():
            pass
        await self._db(delete_unused_uploads)

    async def _keep_connections(self) -> None:
        await self._connections.refresh(self._id)

    async def _settle(self, batch: list[Settlement], again: bool) -> None:
        await self._db(settle, self._id, batch, again=again)
        self._journal.settled(batch)
        self._unjudged.settled(batch)

    async def _every(self, seconds: float, work: Callable[[], Awaitable[Any]]) -> None:
        while not self._stopping.is_set():
            try:
                await work()
            except Error as error:
                log.warning("database_away", error=str(error), work=work.__name__)
            except Exception:
                log.exception("failed", work=work.__name__)
            await self._rest(seconds)

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):  # it is not stopped meanwhile
            await asyncio.wait_for(self._stopping.wait(), seconds)

    def _later(self, work: Awaitable[Any]) -> None:
        async def guarded() -> None:
            try:
                await work
            except Error as error:
                log.warning("database_away", error=str(error))

        task = asyncio.create_task(guarded())
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def _claim(facts: snapshot.ChannelFacts, worker_id: int, room: int) -> Claim:
    claimed_batch = codes.attach(claim.claim(facts.id, worker_id, room, facts.people_a_day))
    return windows.attach(claimed_batch) if facts.has_window else claimed_batch
