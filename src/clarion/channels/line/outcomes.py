"""What LINE's replies mean: https://developers.line.biz/en/reference/messaging-api/#status-codes.

With a retry key a request is carried out once only, and the repeat of an accepted one is answered
409: https://developers.line.biz/en/docs/messaging-api/retrying-api-request/.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from pydantic_core import from_json

from clarion.channels import payloads
from clarion.channels.catalogue import ListedError, listed
from clarion.channels.contract import Accepted, Outcome, Refusal, Refused
from clarion.channels.replies import DEFAULT_WAIT, json_object, wait_seconds
from clarion.channels.wording import tidy
from clarion.transport.messages import HttpReply


class Meaning(NamedTuple):
    """What LINE says: the class, and a sentence."""

    refusal: Refusal
    sentence: str


_ACCEPTED = Accepted()
# https://developers.line.biz/en/docs/messaging-api/handling-http-429-errors/: a 429 is carried
# out for nobody, and only its words say which limit it is about.
_QUOTA = Meaning(
    Refusal.MISCONFIGURED,
    "The account has used all messages of this month. Raise its limit in the LINE Official "
    "Account Manager, then resume the channel.",
)
_NO_SUCH_USER = Meaning(
    Refusal.UNREACHABLE, "LINE has no such user, or the user has never added this account."
)
_WORDS: Final[Mapping[tuple[int, str], Meaning]] = {
    (400, "Failed to send messages"): _NO_SUCH_USER,
    (400, "The property, 'to'"): _NO_SUCH_USER,
    (429, "monthly limit"): _QUOTA,
    (429, "additional message"): _QUOTA,
}
_STATUSES: Final[Mapping[int, Meaning]] = {
    401: Meaning(
        Refusal.MISCONFIGURED,
        "LINE does not accept the channel access token. Copy it again from the LINE Developers "
        "Console.",
    ),
    403: Meaning(
        Refusal.MISCONFIGURED, "LINE does not allow this for the account. Check its plan."
    ),
    429: Meaning(Refusal.THROTTLED, "LINE asks us to wait (429, too many requests)."),
}


def listed_errors() -> Iterable[ListedError]:
    """What LINE says by a status, and by a status with these words."""
    words = {f"{status} {text}": meaning for (status, text), meaning in _WORDS.items()}
    return listed({**words, **_STATUSES})


def outcome_of(reply: HttpReply, secrets: Iterable[str]) -> Outcome:
    """What a reply to a push or a multicast means. Never raises.

    That LINE accepts a message does not mean that anybody gets it: also who has blocked the
    account is answered 200.
    """
    status, answer = reply.status, json_object(reply.body)
    if status in (200, 409) and _is_object(reply.body):
        return _ACCEPTED
    return _refused(reply, answer, secrets)


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(from_json(body), dict)
    except ValueError:
        return False


def _refused(reply: HttpReply, answer: Mapping[str, Any], secrets: Iterable[str]) -> Refused:
    status, code = reply.status, str(reply.status)
    message = payloads.text(answer.get("message"), 400)
    worded = (
        meaning for (of, words), meaning in _WORDS.items() if of == status and words in message
    )
    if (meaning := next(worded, _STATUSES.get(status))) is not None:
        wait = wait_seconds(reply, DEFAULT_WAIT) if meaning.refusal is Refusal.THROTTLED else None
        return Refused(meaning.refusal, meaning.sentence, code, wait)
    if status in (400, 413) and "message" in answer:
        words = tidy(_words(answer, message), secrets)
        tail = f": {words}" if words else ""
        return Refused(Refusal.REJECTED, f"LINE refused the message ({status}){tail}.", code)
    if 300 <= status <= 499 and status != 408:
        sentence = f"The server that answered ({status}) is not a Messaging API. Check its URL."
        return Refused(Refusal.MISCONFIGURED, sentence, code)
    if status >= 500 or status == 408:
        sentence = f"LINE answered {status}. It may have accepted the message."
        return Refused(Refusal.UNKNOWN, sentence, code)
    sentence = "LINE's answer can't be understood. It may have accepted the message."
    return Refused(Refusal.UNKNOWN, sentence, code)


def _words(answer: Mapping[str, Any], message: str) -> str:
    """What LINE says, with the first of its details."""
    details = answer.get("details")
    first = payloads.part(details[0]) if isinstance(details, list) and details else {}
    parts = (
        message,
        payloads.text(first.get("message"), 200),
        payloads.text(first.get("property")),
    )
    return ", ".join(filter(None, parts))
