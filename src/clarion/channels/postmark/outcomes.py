"""What Postmark's answers mean: https://postmarkapp.com/developer/api/overview#error-codes.

A 422 with an ErrorCode is Postmark's word that it did not take the message. A 500 may be about a
message under way (“in most cases the message is lost during the process”): nobody knows.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from clarion.channels.contract import Accepted, Outcome, Refusal, Refused
from clarion.channels.payloads import identifier
from clarion.channels.replies import DEFAULT_WAIT, json_object, wait_seconds
from clarion.channels.wording import tidy
from clarion.transport.messages import HttpReply


class Meaning(NamedTuple):
    """What an ErrorCode says."""

    refusal: Refusal
    sentence: str


_WRONG = Refusal.MISCONFIGURED
BAD_TOKEN: Final = (
    "Postmark does not accept the server token. Copy it again from the server's API Tokens."  # noqa: S105
)
ERRORS: Final[Mapping[int, Meaning]] = {
    10: Meaning(_WRONG, BAD_TOKEN),
    100: Meaning(Refusal.UNAVAILABLE, "Postmark is down for maintenance."),
    400: Meaning(
        _WRONG, "Postmark knows no sender signature or domain for the sender. Verify it there."
    ),
    401: Meaning(_WRONG, "The sender signature is not confirmed at Postmark. Confirm it there."),
    402: Meaning(Refusal.REJECTED, "Postmark can't read the message."),
    403: Meaning(Refusal.REJECTED, "Postmark can't read the message."),
    405: Meaning(
        _WRONG, "The Postmark account has no credits left or may not send. Check its billing."
    ),
    406: Meaning(
        Refusal.UNREACHABLE,
        "Postmark sends nothing more to this address: it bounced, complained or unsubscribed.",
    ),
    411: Meaning(Refusal.REJECTED, "Postmark does not accept attachments of this type."),
    412: Meaning(
        _WRONG,
        "Postmark has not approved the account yet: it sends only within the sender's domain.",
    ),
    413: Meaning(_WRONG, "Postmark has stopped this account from sending. Ask its support why."),
    429: Meaning(Refusal.THROTTLED, "Postmark asks us to send more slowly (429)."),
}
_INVALID: Final = 300  # “Invalid email request”: the text says which field
# Codes about message streams: 1221 to 1226 of its API, 1235 for a message. Not verified one by one.
_STREAMS: Final = range(1_220, 1_240)
_TOO_LARGE: Final = "The message is larger than the 10 MB that Postmark accepts (413)."


def outcome_of(reply: HttpReply, secrets: Iterable[str]) -> Outcome:
    """What to make of a reply. Never raises; ``secrets`` never show up in the reason."""
    answer = json_object(reply.body)
    code = answer.get("ErrorCode")
    message_id = identifier(answer.get("MessageID"))
    if reply.status == 200 and code == 0 and not isinstance(code, bool) and message_id:
        return Accepted(message_id)
    return refused(reply, answer, secrets)


def refused(reply: HttpReply, answer: Mapping[str, Any], secrets: Iterable[str]) -> Refused:
    """What a reply means that accepts nothing; ``answer`` is its JSON."""
    status, error = reply.status, _error_code(answer)
    code = f"{status} {error}" if error else str(status)
    if status == 429 or error == 429:
        sentence = ERRORS[429].sentence
        return Refused(Refusal.THROTTLED, sentence, code, wait_seconds(reply, DEFAULT_WAIT))
    if (error and 400 <= status <= 499) or (status == 503 and error == 100):
        return _by_code(error, code, tidy(str(answer.get("Message", "")), secrets))
    if status == 401:
        return Refused(_WRONG, BAD_TOKEN, code)
    if status == 413:
        return Refused(Refusal.REJECTED, _TOO_LARGE, code)
    if 300 <= status <= 499:
        sentence = f"The server that answered ({status}) is not the Postmark API. Check its URL."
        return Refused(_WRONG, sentence, code)
    if status >= 500:
        sentence = f"Postmark answered {status}. It may have sent the message."
        return Refused(Refusal.UNKNOWN, sentence, code)
    sentence = "Postmark's answer can't be understood. It may have sent the message."
    return Refused(Refusal.UNKNOWN, sentence, code)


def _error_code(answer: Mapping[str, Any]) -> int:
    value = answer.get("ErrorCode")
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _by_code(error: int, code: str, words: str) -> Refused:
    tail = f": {words}" if words else ""
    if meaning := ERRORS.get(error):
        return Refused(meaning.refusal, meaning.sentence, code[:60])
    if error in _STREAMS:
        sentence = "Postmark does not accept the message stream of this channel. Check its id."
        return Refused(_WRONG, sentence, code[:60])
    if error == _INVALID and "'from'" in words.lower():
        return Refused(_WRONG, f"Postmark refused the sender{tail}.", code[:60])
    if error == _INVALID and "'to'" in words.lower():
        return Refused(Refusal.UNREACHABLE, "Postmark refused the recipient's address.", code[:60])
    return Refused(Refusal.REJECTED, f"Postmark refused the message{tail}.", code[:60])
