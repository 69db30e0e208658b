"""How much may be sent to the addresses that need no log-in, and what is answered to more."""

import json
import re
from typing import Final

from clarion.server.bodies import Refusal, Rule

LARGEST: Final = 1_048_576  # bytes of a callback or call
_CHOICES: Final = 65_536  # bytes: the form of somebody's preferences
_SUBSCRIPTION: Final = 16_384  # bytes: endpoint, keys, and a signed profile
_FORM: Final = 4_096  # bytes: "List-Unsubscribe=One-Click", or a form without fields
_SMALL: Final = (
    "/unsubscribe/", "/confirm/", "/c/", "/media/", "/healthz", "/readyz", "/metrics",
)  # fmt: skip
TOO_LARGE_CALL: Final = f"A call may be {LARGEST // 1_048_576} MB at most. Send several."
TOO_LARGE_CALLBACK: Final = "A callback may be 1 MB at most."
_BUSY: Final = "The server is busy. Try again in a minute."
_CALLS: Final = re.compile(r"/hooks/(external|events)/")


def body_rule(path: str) -> Rule | None:
    """The rule of an address of ours, None for any other."""
    if path.startswith("/hooks/"):
        return Rule(LARGEST, needs_agent=False)
    if path.startswith(_SMALL):
        return Rule(_FORM, needs_agent=False)
    if path.startswith("/subscribe/"):
        return Rule(_SUBSCRIPTION, needs_agent=False)
    if path.startswith("/preferences/"):
        return Rule(_CHOICES, needs_agent=False)
    return None


def refusal(path: str, status: int) -> Refusal:
    """What is answered instead of reading on: JSON to programs that call us, else a sentence."""
    if _CALLS.match(path):
        sentence = TOO_LARGE_CALL if status == 413 else _BUSY
        return Refusal(status, "application/json", json.dumps({"error": sentence}).encode())
    sentence = TOO_LARGE_CALLBACK if path.startswith("/hooks/") else "This request is too large."
    sentence = sentence if status == 413 else _BUSY
    return Refusal(status, "text/plain; charset=utf-8", f"{sentence}\n".encode())
