"""Errors of the Graph API: what a code means, and what an answer means that brought none.

{"error": {"message", "type", "code", "error_subcode", "error_data": {"details"}, "fbtrace_id"}}:
https://developers.facebook.com/docs/graph-api/guides/error-handling
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple, Protocol

from clarion.channels import payloads
from clarion.channels.contract import Refusal, Refused
from clarion.channels.replies import DEFAULT_WAIT, json_object, wait_seconds
from clarion.channels.wording import tidy
from clarion.transport.messages import HttpReply

_LARGEST_CODE = 10**9


class Meaning(NamedTuple):
    """What a code says: the class, a sentence, and with THROTTLED how long to wait (seconds)."""

    refusal: Refusal
    sentence: str
    wait: float = DEFAULT_WAIT
    whole_channel: bool = True
    mark: Literal["unreachable", "blocked", "opted_out"] = "unreachable"
    for_everybody: bool = False  # see Refused


class Catalogue(Protocol):
    """What a kind makes of the errors of the Graph API."""

    def __call__(self, code: int, error: Mapping[str, Any]) -> Meaning | None:
        """What an error with this code means; None for one that is not listed."""


def code_of(error: Mapping[str, Any]) -> int | None:
    """The code of an error, None where there is none."""
    code = error.get("code")
    is_code = isinstance(code, int) and not isinstance(code, bool) and 0 <= code < _LARGEST_CODE
    return code if is_code else None


def words_of(error: Mapping[str, Any], secrets: Iterable[str]) -> str:
    """What an error says for people: the details first, as Meta recommends."""
    details = payloads.part(error.get("error_data")).get("details")
    for value in (details, error.get("message"), error.get("title")):
        words = tidy(payloads.text(value), secrets)
        if words:
            return words
    return ""


def refused(
    reply: HttpReply, secrets: Iterable[str], label: str, catalogue: Catalogue, bad_token: str
) -> Refused:
    """What a reply means that brought no message id. Never raises.

    ``label``: the kind's; ``bad_token``: the sentence for an access token that is not accepted.
    """
    error = json_object(reply.body).get("error")
    code = code_of(payloads.part(error))
    if not isinstance(error, dict) or code is None:
        return _no_graph(reply, label)
    meaning = catalogue(code, error)
    if meaning is None:
        return _unlisted(reply, code, error, secrets, label, bad_token)
    sentence, shown = meaning.sentence, str(code)
    if meaning.refusal is Refusal.UNKNOWN:
        sentence += " It may have sent the message."
    if meaning.refusal is Refusal.THROTTLED:
        wait = wait_seconds(reply, meaning.wait)
        return Refused(meaning.refusal, sentence, shown, wait, meaning.whole_channel)
    return Refused(
        meaning.refusal, sentence, shown, mark=meaning.mark, for_everybody=meaning.for_everybody
    )


def _unlisted(
    reply: HttpReply,
    code: int,
    error: Mapping[str, Any],
    secrets: Iterable[str],
    label: str,
    bad_token: str,
) -> Refused:
    shown = str(code)
    if reply.status == 429:
        return _too_many(reply, shown, label)
    if reply.status == 401:
        return Refused(Refusal.MISCONFIGURED, bad_token, shown)
    if 400 <= reply.status <= 499:
        words = words_of(error, secrets)
        tail = f": {words}" if words else ""
        return Refused(Refusal.REJECTED, f"{label} refused the message ({code}){tail}.", shown)
    return _unclear(reply, shown, label)


def _no_graph(reply: HttpReply, label: str) -> Refused:
    """An answer that has nothing of the Graph API's form."""
    code = str(reply.status)
    if reply.status == 429:
        return _too_many(reply, code, label)
    if 300 <= reply.status <= 499:
        sentence = f"The server that answered ({code}) is not Meta's Graph API. Check its URL."
        return Refused(Refusal.MISCONFIGURED, sentence, code)
    return _unclear(reply, code, label)


def _too_many(reply: HttpReply, code: str, label: str) -> Refused:
    sentence = f"{label} asks us to wait (429, too many requests)."
    return Refused(Refusal.THROTTLED, sentence, code, wait_seconds(reply, DEFAULT_WAIT))


def _unclear(reply: HttpReply, code: str, label: str) -> Refused:
    if reply.status >= 500:
        sentence = f"{label} answered {reply.status}. It may have sent the message."
    else:
        sentence = f"{label}'s answer can't be understood. It may have sent the message."
    return Refused(Refusal.UNKNOWN, sentence, code)
