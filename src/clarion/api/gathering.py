"""The lean way in for messages: those that arrive within a few milliseconds are sent together.

`POST /messages` is what programs call thousands of times, and nearly all of what one costs is a
transaction and its statements. So these requests take no thread and no connection each: they are
gathered as callbacks are (`engine.group_commit`), and one thread lets each pass Django's
middleware, the guard and its checks, then carries out all that passed, and each is answered when
all is written. What a request may do and what it is answered is decided by the same functions as
elsewhere: `together.carry_out`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.db import Error, close_old_connections
from django.http import HttpResponse

from clarion.accounts.models import ApiToken
from clarion.api import bodies, problems
from clarion.api.refusals import problem_of
from clarion.api.together import Outcome, Task, carry_out, without_repeats
from clarion.engine.group_commit import Bounds, GroupCommit, Overloaded, Runs
from clarion.engine.threads import DatabaseThreads
from clarion.kit.db import is_passing
from clarion.server.bodies import UNASKED, Application, Message, Receive, Scope, Send
from clarion.server.wsgi import Environ, environ_of, messages_of, whole_body

PATH: Final = f"{bodies.PREFIX}v1/messages"
# More than a text or template is sent by itself, so that it holds up nobody.
LARGEST: Final = UNASKED
# Seconds: within them a group is written or refused, so nobody is told that it was not while it is.
_PATIENCE: Final = 60.0
_BOUNDS: Final = Bounds(group=50, waiting=1_000, patience=_PATIENCE)


@dataclass(slots=True, eq=False)
class _Call:
    """A request, and its answer once there is one."""

    environ: Environ
    answer: HttpResponse | None = field(default=None)


class Gathering:
    """An ASGI application that answers messages itself and leaves the rest to another one."""

    def __init__(
        self,
        others: Application,
        handler: WSGIHandler,
        *,
        threads: Runs | None = None,
        bounds: Bounds = _BOUNDS,
    ) -> None:
        """`handler`: Django, with its middleware. `threads`: where the database is written."""
        self._others = others
        self._handler = handler
        threads = threads or DatabaseThreads("api-write", 1)
        self._calls: GroupCommit[_Call] = GroupCommit(self._answer_all, threads, bounds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if not _is_ours(scope):
            await self._others(scope, receive, send)
            return
        body = await whole_body(receive)
        if body is None:
            return
        with body:
            call = _Call(environ_of(scope, body))
            try:
                await self._calls.add(call, int(call.environ["CONTENT_LENGTH"]))
            except Overloaded:
                call.answer = None
        for message in _messages(call.answer):
            await send(message)

    def _answer_all(self, calls: Sequence[_Call]) -> None:
        """Answer a group, in a thread. Never raises."""
        close_old_connections()  # as Django does with each request
        tasks: dict[_Call, list[Task]] = {}
        tokens_read: dict[str, ApiToken] = {}
        for call in calls:
            request = WSGIRequest(call.environ)
            tasks[call] = request.gathered = []  # type: ignore[attr-defined]
            request.tokens_read = tokens_read  # type: ignore[attr-defined]
            answer = self._handler.get_response(request)
            assert isinstance(answer, HttpResponse)  # no download
            call.answer = answer
        passed = [call for call in calls if tasks[call]]
        outcomes = _outcomes([task for call in passed for task in tasks[call]])
        for call, outcome in zip(passed, outcomes, strict=True):
            assert call.answer is not None
            answer = _answer(outcome, tasks[call][0])
            # What the middleware and the guard have added: rate limits, security.
            for name, value in call.answer.items():
                answer.headers.setdefault(name, value)
            call.answer = answer


def _outcomes(tasks: Sequence[Task]) -> list[Outcome]:
    """What each request is answered. A group is answered once it is committed, whatever happens to
    those after it: nothing is carried out twice, or refused though it was carried out."""
    outcomes: dict[Task, Outcome] = {}
    for group in without_repeats(tasks):
        outcomes.update(zip(group, _outcomes_of_group(group), strict=True))
    return [outcomes[task] for task in tasks]


def _outcomes_of_group(tasks: Sequence[Task]) -> Sequence[Outcome]:
    """An error that nobody expected is that of one request: where there are several, each is
    carried out by itself."""
    try:
        return carry_out(tasks)
    except Exception as error:  # noqa: BLE001 - logged and answered like any other failure
        if len(tasks) == 1 or (isinstance(error, Error) and is_passing(error)):
            return [error] * len(tasks)
        return [outcome for task in tasks for outcome in _outcomes_of_group([task])]


def _answer(outcome: Outcome, task: Task) -> HttpResponse:
    if isinstance(outcome, Exception):
        return problems.response(problem_of(outcome, task.request))
    return outcome


def _is_ours(scope: Scope) -> bool:
    """Whether it is one message with a body of a declared and moderate size."""
    if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
        return False
    sizes = [value for name, value in scope["headers"] if name == b"content-length"]
    return len(sizes) == 1 and int(sizes[0]) <= LARGEST


def _messages(answer: HttpResponse | None) -> Sequence[Message]:
    if answer is None:
        busy = bodies.refusal(503)
        headers = [
            (b"content-type", busy.content_type.encode()),
            (b"retry-after", b"60"),
            (b"cache-control", b"no-store"),
        ]
        status, body = 503, busy.body
    else:
        headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in answer.items()
        ]
        status, body = answer.status_code, answer.content
    headers.append((b"content-length", b"%d" % len(body)))
    return messages_of(status, headers, body)
