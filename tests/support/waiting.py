"""Wait for a state by asking for it until a deadline, never by sleeping a guessed time."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

FIRST_PAUSE = 0.005
LONGEST_PAUSE = 0.1
PATIENCE = 30.0  # seconds; a busy machine is not a wrong answer


def eventually(
    predicate: Callable[[], T],
    timeout: float = PATIENCE,
    what: str = "",
    pause: float = FIRST_PAUSE,
) -> T:
    """Return the first truthy answer of `predicate`; fail with its last answer at the deadline.

    An AssertionError inside counts as "not yet", so a predicate may consist of asserts.
    """
    deadline = time.monotonic() + timeout
    while True:
        # Read before asking: whoever was not given a turn until then asks once more.
        last = time.monotonic() >= deadline
        answer, problem = _ask(predicate)
        if answer:
            return answer
        if last:
            raise _late(predicate, timeout, what, answer) from problem
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


async def eventually_async(
    predicate: Callable[[], T | Awaitable[T]],
    timeout: float = PATIENCE,
    what: str = "",
    pause: float = FIRST_PAUSE,
) -> T:
    """Do the same as `eventually` on the event loop; `predicate` may be async too."""
    deadline = time.monotonic() + timeout
    while True:
        last = time.monotonic() >= deadline
        answer, problem = await _ask_async(predicate)
        if answer:
            return answer
        if last:
            raise _late(predicate, timeout, what, answer) from problem
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


def _ask(predicate: Callable[[], T]) -> tuple[T | None, AssertionError | None]:
    try:
        answer = predicate()
    except AssertionError as problem:
        return None, problem
    return answer, None


async def _ask_async(
    predicate: Callable[[], T | Awaitable[T]],
) -> tuple[T | None, AssertionError | None]:
    try:
        answer = predicate()
        if inspect.isawaitable(answer):
            answer = await answer
    except AssertionError as problem:
        return None, problem
    return answer, None


def _late(
    predicate: Callable[..., object], timeout: float, what: str, answer: object
) -> AssertionError:
    name = what or getattr(predicate, "__qualname__", repr(predicate))
    return AssertionError(f"not within {timeout:g} s: {name} (last answer: {answer!r})")
