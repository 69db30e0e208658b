"""How much may be sent to the API: little by strangers, more with a valid token."""

from typing import Final

from asgiref.sync import sync_to_async

from clarion.api.guard import LARGEST, valid_token
from clarion.api.problems import MEDIA_TYPE, Problem, encoded
from clarion.server.bodies import Refusal, Rule, Scope

PREFIX: Final = "/api/"


def body_rule(path: str) -> Rule | None:
    """The rule of an address of ours, None for any other."""
    return Rule(LARGEST, needs_agent=True) if path.startswith(PREFIX) else None


def refusal(status: int) -> Refusal:
    """What is answered instead of reading on."""
    problem = _problem(status)
    return Refusal(problem.status, MEDIA_TYPE, encoded(problem))


def _problem(status: int) -> Problem:
    if status == 413:
        return Problem("too_large", f"A request may have {LARGEST >> 20} MB at most. Send several.")
    if status == 403:
        return Problem("unauthenticated", "Send a valid API token with a body of this size.")
    return Problem("busy", "The server is busy. Try again in a minute.")


async def has_token(scope: Scope) -> bool:
    """Whether the request comes with a valid token; its body is not read for that."""
    return await sync_to_async(_has_token)(scope)


def _has_token(scope: Scope) -> bool:
    header = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
    scheme, _, secret = header.partition(" ")
    try:
        valid_token(secret.strip() if scheme.lower() == "bearer" else "")
    except Problem:
        return False
    return True
