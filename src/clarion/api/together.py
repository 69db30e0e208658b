"""Requests that are carried out together: in one transaction, with a few statements for all.

Each is answered as if it had been carried out alone. An operation that can do so is two functions:
the first reads what one request asks for, the second carries out what several ask for. A request
that comes by itself is carried out by the same functions (see operations), so they can't differ.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import Error, transaction
from django.http import HttpResponse

from clarion.accounts import idempotency
from clarion.accounts.idempotency import Claim, KeyReusedError
from clarion.accounts.models import StoredAnswer
from clarion.api.answers import (
    KEY_HEADER,
    Rules,
    answer_of,
    checked_key,
    digest_of,
    kept_of,
    replayed,
)
from clarion.api.guard import ApiRequest
from clarion.api.problems import Problem

# Of what several requests ask for, what each is answered, or why it is refused.
Together = Callable[[Sequence[Any]], Sequence[Any]]
Outcome = HttpResponse | Exception


@dataclass(slots=True, eq=False)
class Task:
    """A request that has passed the guard, and how it is carried out."""

    request: ApiRequest
    parameters: dict[str, Any]
    read: Callable[..., Any]
    together: Together
    rules: Rules
    status: int

    @property
    def key(self) -> str | None:
        """Its Idempotency-Key."""
        return self.request.headers.get(KEY_HEADER) if self.rules.repeatable else None


def carried_out_or_left(task: Task) -> HttpResponse:
    """Carry out a request by itself; one that is gathered is left for ``carry_out``."""
    gathered: list[Task] | None = getattr(task.request, "gathered", None)
    if gathered is not None:
        gathered.append(task)
        later = HttpResponse()  # gets the headers that every answer has
        del later.headers["Content-Type"]
        return later
    [outcome] = carry_out([task])
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def carry_out(tasks: Sequence[Task]) -> list[Outcome]:
    """Carry out requests of one operation in one transaction; return the answer to each, or why it
    is refused. No two may have the same key, see ``without_repeats``.

    Raises what is no refusal, with nothing carried out.
    """
    with transaction.atomic():
        return _carried_out(tasks)


def without_repeats(tasks: Sequence[Task]) -> Iterator[list[Task]]:
    """The tasks, in groups of which each has no key twice: one that repeats the key of another one
    is in a later group, so that it gets the answer to that one."""
    waiting = list(tasks)
    while waiting:
        keys: set[tuple[int, str]] = set()
        group: list[Task] = []
        repeats: list[Task] = []
        for task in waiting:
            key = (task.request.auth.pk, task.key) if task.key is not None else None
            (repeats if key in keys else group).append(task)
            if key is not None:
                keys.add(key)
        yield group
        waiting = repeats


def _carried_out(tasks: Sequence[Task]) -> list[Outcome]:
    """The outcomes of tasks that have different keys, within a transaction."""
    outcomes: dict[Task, Outcome] = {}
    claims = _claims(tasks, outcomes)
    stored: dict[Task, StoredAnswer] = {}
    for task, answer in zip(claims, idempotency.claim_all(list(claims.values())), strict=True):
        if isinstance(answer, KeyReusedError):
            outcomes[task] = answer
        elif answer.status:
            outcomes[task] = _guarded(replayed, answer)
        else:
            stored[task] = answer
    wanted = {}
    for task in tasks:
        if task not in outcomes:
            wanted[task] = _guarded(task.read, task.request, **task.parameters)
    outcomes.update((task, each) for task, each in wanted.items() if isinstance(each, Exception))
    rest = [task for task in wanted if task not in outcomes]
    if rest:
        results = rest[0].together([wanted[task] for task in rest])
        for task, result in zip(rest, results, strict=True):
            outcomes[task] = (
                result
                if isinstance(result, Exception)
                else answer_of(task.request, result, task.rules, task.status)
            )
    _keep(stored, outcomes)
    return [outcomes[task] for task in tasks]


def _claims(tasks: Sequence[Task], outcomes: dict[Task, Outcome]) -> dict[Task, Claim]:
    """The keys of those that have one; notes those whose key is wrong."""
    claims = {}
    for task in tasks:
        if task.key is not None:
            try:
                key = checked_key(task.key)
            except Problem as problem:
                outcomes[task] = problem
            else:
                claims[task] = Claim(task.request.auth, key, digest_of(task.request))
    return claims


def _keep(stored: dict[Task, StoredAnswer], outcomes: dict[Task, Outcome]) -> None:
    """Keep the answers to those that have a key; what was refused has changed nothing."""
    answers = []
    refused = []
    for task, claim in stored.items():
        outcome = outcomes[task]
        if isinstance(outcome, HttpResponse):
            answers.append((claim, *kept_of(outcome)))
        else:
            refused.append(claim)
    idempotency.keep_all(answers)
    idempotency.release(refused)


def _guarded(work: Callable[..., Any], *args: Any, **named: Any) -> Any:
    """What the work returns, or the exception with which it refuses. Raises database errors."""
    try:
        return work(*args, **named)
    except Error:
        raise
    except Exception as error:  # noqa: BLE001 - the answer to this request
        return error
