"""What a receiver's reply means. Why a status is classed as it is:
docs/decisions/0005-outcome-classes.md."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from clarion.channels.catalogue import ListedError, listed
from clarion.channels.contract import Refusal, Refused
from clarion.channels.replies import DEFAULT_WAIT, json_object, wait_seconds
from clarion.channels.wording import tidy
from clarion.transport.messages import HttpReply

# Envoy answers 503 also when the connection behind it broke in the middle of a request.
_ENVOY = b"upstream connect error or disconnect/reset before headers"
_CHECK_URL = "Check the URL of this channel."


class Meaning(NamedTuple):
    """What an answer means: the class, a sentence, and how an address is marked."""

    refusal: Refusal
    sentence: str
    mark: Literal["blocked", "deactivated", "unreachable", "opted_out"] = "unreachable"


_WORDS: dict[int, tuple[Refusal, str]] = {
    401: (Refusal.MISCONFIGURED, "not authorised). Check the secret and URL of this channel."),
    403: (Refusal.MISCONFIGURED, "forbidden). Check the secret and URL of this channel."),
    404: (Refusal.MISCONFIGURED, f"not found). {_CHECK_URL}"),
    405: (Refusal.MISCONFIGURED, f"it accepts no POST there). {_CHECK_URL}"),
    407: (Refusal.MISCONFIGURED, f"a proxy requires a login). {_CHECK_URL}"),
    408: (Refusal.RETRY, "it did not receive the whole request in time)."),
    410: (Refusal.MISCONFIGURED, f"gone: it accepts no more messages). {_CHECK_URL}"),
    425: (Refusal.RETRY, "too early)."),
    500: (Refusal.RETRY, "server error)."),
    501: (Refusal.MISCONFIGURED, f"not implemented). {_CHECK_URL}"),
    502: (Refusal.UNKNOWN, "a gateway got no valid answer from the server behind it)."),
    504: (Refusal.UNKNOWN, "a gateway got no answer in time from the server behind it)."),
    505: (Refusal.MISCONFIGURED, f"it does not support HTTP/1.1). {_CHECK_URL}"),
}
_MEANINGS = {
    status: Meaning(refusal, f"The receiver answered {status} ({words}")
    for status, (refusal, words) in _WORDS.items()
}
_GONE = Refusal.UNREACHABLE
_MARKS: dict[str, Meaning] = {
    "blocked": Meaning(
        _GONE, "The receiver reports that the contact blocked this channel.", "blocked"
    ),
    "deactivated": Meaning(
        _GONE, "The receiver reports that the contact's account is deactivated.", "deactivated"
    ),
    "unreachable": Meaning(_GONE, "The receiver reports that the contact can't be reached."),
    "opted_out": Meaning(_GONE, "The receiver reports that the contact opted out.", "opted_out"),
}
_TOO_MANY = Meaning(Refusal.THROTTLED, "The receiver asks us to wait (429, too many requests).")
# The server as a whole (RFC 9110 15.6.4); several in a row make the channel wait.
_NOT_THERE = Meaning(Refusal.UNAVAILABLE, "The receiver is not available (503).")


def listed_errors() -> Iterable[ListedError]:
    """What a receiver says by a status, or about a recipient."""
    marks = {f"recipient: {word}": meaning for word, meaning in _MARKS.items()}
    return listed({**_MEANINGS, 429: _TOO_MANY, 503: _NOT_THERE, **marks})


def refused(reply: HttpReply, secrets: Iterable[str], *, idempotent: bool) -> Refused:
    """What a reply outside 2xx means. Never raises; ``secrets`` never show up in the reason."""
    status, code = reply.status, str(reply.status)
    answer = json_object(reply.body)
    if status == 429:
        wait = wait_seconds(reply, answer.get("retry_after"))
        # It may mean this recipient only; the engine notices when it means everybody.
        return Refused(
            *_TOO_MANY[:2],
            code,
            DEFAULT_WAIT if wait is None else wait,
            whole_channel=False,
        )
    if status == 503 and reply.body.startswith(_ENVOY):
        sentence = "The receiver answered 503 (the connection broke behind a gateway)."
        return Refused(Refusal.UNKNOWN, sentence, code)
    if status == 503 and (wait := wait_seconds(reply)) is not None:
        sentence = "The receiver asks us to wait (503, not available)."
        return Refused(Refusal.THROTTLED, sentence, code, wait)
    if status == 503:
        return Refused(*_NOT_THERE[:2], code, whole_channel=False)
    if 400 <= status <= 499 and str(answer.get("recipient")) in _MARKS:
        meaning = _MARKS[str(answer["recipient"])]
        return Refused(meaning.refusal, meaning.sentence, code, mark=meaning.mark)
    if status == 409 and idempotent:
        sentence = "The receiver is still processing an earlier attempt of this message (409)."
        return Refused(Refusal.UNKNOWN, sentence, code)
    if status in _MEANINGS:
        meaning = _MEANINGS[status]
        return Refused(meaning.refusal, meaning.sentence, code)
    if 300 <= status <= 399:
        sentence = f"The receiver redirects ({status}). Set the URL that it redirects to."
        return Refused(Refusal.MISCONFIGURED, sentence, code)
    if 400 <= status <= 499:
        return Refused(Refusal.REJECTED, _rejection(status, answer, secrets), code)
    sentence = (
        f"The receiver answered {status}, which does not show whether it accepted the message."
    )
    return Refused(Refusal.UNKNOWN, sentence, code)


def _rejection(status: int, answer: Mapping[str, Any], secrets: Iterable[str]) -> str:
    words = tidy(_words(answer), secrets)
    tail = f": {words}" if words else ""
    return f"The receiver refused the message ({status}){tail}."


def _words(answer: Mapping[str, Any]) -> str:
    """What an error reply says for people; the usual places, RFC 9457 among them."""
    for name in ("error", "message", "detail", "title", "reason"):
        value = answer.get(name)
        if isinstance(value, dict):
            value = value.get("message")
        if isinstance(value, str) and value.strip():
            return value
    return ""
