"""What an answer of Twilio means that accepted no message."""

from collections.abc import Iterable

from clarion.channels.contract import Refusal, Refused
from clarion.channels.replies import DEFAULT_WAIT, json_object, wait_seconds
from clarion.channels.twilio.errors import BAD_LOGIN, MEANINGS, code_of, words_of
from clarion.channels.wording import tidy
from clarion.transport.messages import HttpReply


def refused(reply: HttpReply, secrets: Iterable[str]) -> Refused:
    """What a reply means that brought no message SID. Never raises.

    5xx is UNKNOWN: Twilio has no idempotency key for messages. 429 “is never processed”
    (https://www.twilio.com/docs/api/errors/20429).
    """
    answer = json_object(reply.body)
    code = code_of(answer)
    if reply.status >= 500:
        sentence = f"Twilio answered {reply.status}. It may have sent the message."
        return Refused(Refusal.UNKNOWN, sentence, str(code or reply.status))
    if code is None:
        return _no_code(reply)
    meaning = MEANINGS.get(code)
    if meaning is not None:
        wait = None
        if meaning.refusal is Refusal.THROTTLED:
            wait = wait_seconds(reply, meaning.wait)
        return Refused(meaning.refusal, meaning.sentence, str(code), wait, mark=meaning.mark)
    if reply.status in (401, 429):
        return _no_code(reply, str(code))
    if 400 <= reply.status <= 499:
        words = tidy(words_of(answer), secrets)
        tail = f": {words}" if words else ""
        sentence = f"Twilio refused the message ({code}){tail}."
        return Refused(Refusal.REJECTED, sentence, str(code))
    return _unclear(str(code))


def _no_code(reply: HttpReply, code: str = "") -> Refused:
    """An answer without an error code that is known."""
    code = code or str(reply.status)
    if reply.status == 429:
        sentence = "Twilio asks us to wait (429, too many requests)."
        return Refused(Refusal.THROTTLED, sentence, code, wait_seconds(reply, DEFAULT_WAIT))
    if reply.status in (401, 403):
        return Refused(Refusal.MISCONFIGURED, BAD_LOGIN.sentence, code)
    if 300 <= reply.status <= 499:
        sentence = f"The server that answered ({code}) is not Twilio's API. Check its URL."
        return Refused(Refusal.MISCONFIGURED, sentence, code)
    return _unclear(code)


def _unclear(code: str) -> Refused:
    sentence = "Twilio's answer can't be understood. It may have sent the message."
    return Refused(Refusal.UNKNOWN, sentence, code)
