"""What LINE's replies mean: https://developers.line.biz/en/reference/messaging-api/#status-codes.

With a retry key a request is carried out once only, and the repeat of an accepted one is answered
409: https://developers.line.biz/en/docs/messaging-api/retrying-api-request/.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import from_json

from clarion.channels import payloads
from clarion.channels.contract import Accepted, Outcome, Refusal, Refused
from clarion.channels.replies import DEFAULT_WAIT, json_object, wait_seconds
from clarion.channels.wording import tidy
from clarion.transport.messages import HttpReply

_ACCEPTED = Accepted()
# https://developers.line.biz/en/docs/messaging-api/handling-http-429-errors/: a 429 is carried
# out for nobody, and only its words say which limit it is about.
_QUOTA = ("monthly limit", "additional message")
_NO_SUCH_USER = ("Failed to send messages", "The property, 'to'")
BAD_TOKEN = (
    "LINE does not accept the channel access token. Copy it again from the LINE Developers Console."  # noqa: S105
)


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
    if status == 429:
        return _limited(reply, message)
    if status == 401:
        return Refused(Refusal.MISCONFIGURED, BAD_TOKEN, code)
    if status == 403:
        sentence = "LINE does not allow this for the account. Check its plan."
        return Refused(Refusal.MISCONFIGURED, sentence, code)
    if status == 400 and any(words in message for words in _NO_SUCH_USER):
        sentence = "LINE has no such user, or the user has never added this account."
        return Refused(Refusal.UNREACHABLE, sentence, code)
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


def _limited(reply: HttpReply, message: str) -> Refused:
    if any(words in message for words in _QUOTA):
        sentence = (
            "The account has used all messages of this month. Raise its limit in the LINE Official "
            "Account Manager, then resume the channel."
        )
        return Refused(Refusal.MISCONFIGURED, sentence, "429")
    return Refused(
        Refusal.THROTTLED,
        "LINE asks us to wait (429, too many requests).",
        "429",
        wait_seconds(reply, DEFAULT_WAIT),
    )


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
