"""A story's webhook that does not answer: its own trouble, or about the person it was asked for.

A webhook that answers others is up, so a failure is about its person and uses up an attempt. One
that answers nobody uses up nobody's: the broadcast waits, and is tried again with one person after
a while. What tells them apart is an answer to something that was asked after the failure: for
somebody else, or else a control, which is a question that the webhook has answered before. It may
be repeated, and the answer of a control is not used. So failures are kept back until an answer
arrives, or until the control fails too.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import structlog
from django.db import Error

from clarion.channels.contract import Reply, Request
from clarion.engine.claim import Claimed
from clarion.engine.results import StoryDown
from clarion.records.deliveries.settle import Settlement
from clarion.transport.errors import MaybeSent, NotSent
from clarion.transport.messages import HttpReply, HttpRequest

log = structlog.get_logger()
KEPT = 0.2  # seconds, for another question to be answered
MOST_KEPT = 20  # failures: more of them say nothing new
MOST_CONTROLS = 100  # questions that are remembered
StoryStep = tuple[int, int]  # a broadcast, and the step of its story that asks


@dataclass(slots=True)
class _Failure:
    claimed: Claimed
    settlement: Settlement  # that uses up an attempt
    at: float  # by time.monotonic()


@dataclass(slots=True)
class _Failures:
    url: str  # of the webhook
    reason: str
    until: float  # by time.monotonic(): when a control is asked
    kept: list[_Failure] = field(default_factory=list)
    control: asyncio.Task[None] | None = None
    has_no_control: bool = False  # the webhook has answered nobody yet
    is_down: bool = False  # it did not answer the control either


class StoryWatch:
    """The questions to webhooks that failed on one channel, by broadcast and step.

    ``put`` has a settlement written, ``send_request`` asks, ``asked_before`` finds a question of a
    step that was answered earlier, by any worker, and ``answers`` hears that a broadcast's webhook
    answers.
    """

    def __init__(
        self,
        put: Callable[[Settlement], None],
        send_request: Callable[[Request], Awaitable[Reply]],
        asked_before: Callable[[int, int], Awaitable[HttpRequest | None]],
        answers: Callable[[int], None],
    ) -> None:
        self._put = put
        self._send_request = send_request
        self._asked_before = asked_before
        self._answers = answers
        self._failures: dict[StoryStep, _Failures] = {}
        self._controls: dict[StoryStep, HttpRequest] = {}  # what was answered last
        self._open: dict[int, int] = {}  # broadcast -> deliveries that are being attempted

    @property
    def empty(self) -> bool:
        """Whether nothing is kept back."""
        return not self._failures

    def begin(self, claimed: Claimed) -> None:
        """A delivery of a story is being attempted."""
        self._open[claimed.broadcast] = self._open.get(claimed.broadcast, 0) + 1

    def end(self, claimed: Claimed) -> None:
        """It is attempted no longer."""
        self._open[claimed.broadcast] -= 1
        if not self._open[claimed.broadcast]:
            del self._open[claimed.broadcast]

    def answered(self, story_step: StoryStep, request: HttpRequest, began: float) -> None:
        """It has answered what was asked at ``began``: who failed before that failed alone."""
        if story_step not in self._controls and len(self._controls) >= MOST_CONTROLS:
            del self._controls[next(iter(self._controls))]
        self._controls[story_step] = request
        if failures := self._failures.get(story_step):
            for failure in failures.kept:
                if failure.at < began:
                    self._put(failure.settlement)
            failures.kept = [failure for failure in failures.kept if failure.at >= began]
            failures.has_no_control = failures.is_down = False
            failures.until = time.monotonic() + KEPT
            if not failures.kept:
                del self._failures[story_step]
        self._answers(story_step[0])

    def failed(self, claimed: Claimed, settlement: Settlement, down: StoryDown) -> None:
        """Keep a failure back, see above."""
        now = time.monotonic()
        story_step = claimed.broadcast, down.step
        failures = self._failures.setdefault(
            story_step, _Failures(down.request.url, down.reason, now + KEPT)
        )
        failures.url = down.request.url
        failures.kept.append(_Failure(claimed, settlement, now))

    def ask_controls(self) -> None:
        """Ask the webhooks that have failed for a while what they answered before."""
        now = time.monotonic()
        for story_step, failures in self._failures.items():
            is_time = failures.until <= now or len(failures.kept) >= MOST_KEPT
            is_decided = failures.is_down or failures.has_no_control
            is_asking = failures.control is not None and not failures.control.done()
            if is_time and not is_decided and not is_asking:
                failures.control = asyncio.create_task(self._ask_control(story_step, failures))

    def broadcasts(self) -> set[int]:
        """The broadcasts of which somebody is kept back."""
        return {story_step[0] for story_step in self._failures}

    def down(self) -> dict[int, str]:
        """The broadcasts of which a webhook answers nobody, each with the reason."""
        return {
            broadcast: failures.reason
            for (broadcast, _), failures in self._failures.items()
            if failures.is_down or (failures.has_no_control and self._is_alone(broadcast, failures))
        }

    def _is_alone(self, broadcast: int, failures: _Failures) -> bool:
        """Whether nobody's answer is worth waiting for: there may be one yet, the very first."""
        return len(failures.kept) >= MOST_KEPT or broadcast not in self._open

    def give_up(self, broadcast: int | None = None) -> list[Claimed]:
        """Everybody of the broadcast, or of all, who is the caller's to queue again."""
        story_steps = [
            story_step for story_step in self._failures if broadcast in (None, story_step[0])
        ]
        popped = [self._failures.pop(story_step) for story_step in story_steps]
        for failures in popped:
            if failures.control is not None:
                failures.control.cancel()
        return [failure.claimed for failures in popped for failure in failures.kept]

    async def _ask_control(self, story_step: StoryStep, failures: _Failures) -> None:
        began = time.monotonic()
        try:
            request = self._controls.get(story_step) or await self._asked_before(*story_step)
            if request is not None and request.url != failures.url:
                request = None  # a live broadcast had another webhook before
            is_answered = request is not None and await self._is_answered(request)
        except Error as error:  # the database is away: later
            log.warning("database_away", error=str(error))
            failures.until = time.monotonic() + KEPT
            return
        except Exception:  # a fault of ours: nobody may be kept back for good
            log.exception("control_failed", broadcast=story_step[0])
            request, is_answered = None, False
        if request is None:
            failures.has_no_control = True
        elif is_answered:
            failures.control = None  # it is this task
            self.answered(story_step, request, began)
        else:
            failures.is_down = True

    async def _is_answered(self, request: HttpRequest) -> bool:
        with suppress(NotSent, MaybeSent):
            reply = await self._send_request(request)
            return isinstance(reply, HttpReply) and 200 <= reply.status <= 299
        return False
