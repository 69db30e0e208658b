"""What an answer of Vonage means that accepted no message."""

from collections.abc import Iterable

from clarion.channels.contract import Refusal, Refused
from clarion.channels.replies import json_object, wait_seconds
from clarion.channels.vonage.errors import (
    BAD_LOGIN,
    MEANINGS,
    NO_CREDIT,
    TOO_FAST,
    Meaning,
    code_of,
    words_of,
)
from clarion.channels.wording import tidy
from clarion.transport.messages import HttpReply

_STATUSES: dict[int, Meaning] = {401: BAD_LOGIN, 402: NO_CREDIT, 403: BAD_LOGIN, 429: TOO_FAST}


def refused(reply: HttpReply, secrets: Iterable[str]) -> Refused:
    """What a reply means that brought no id of a message. Never raises.

    5xx is UNKNOWN: the Messages API has no idempotency key.
    """
    answer = json_object(reply.body)
    code = code_of(answer)
    shown = str(code or reply.status)
    if reply.status >= 500:
        sentence = f"Vonage answered {reply.status}. It may have sent the message."
        return Refused(Refusal.UNKNOWN, sentence, shown)
    meaning = _STATUSES.get(reply.status)
    if 300 <= reply.status <= 499 and code is not None:
        meaning = MEANINGS.get(code, meaning)
    if meaning is None and 300 <= reply.status <= 499:
        return _unlisted(reply, shown, tidy(words_of(answer), secrets))
    if meaning is None:
        sentence = "Vonage's answer can't be understood. It may have sent the message."
        return Refused(Refusal.UNKNOWN, sentence, shown)
    sentence = meaning.sentence
    if meaning.refusal is Refusal.UNKNOWN:
        sentence += " It may have sent the message."
    wait = wait_seconds(reply, meaning.wait) if meaning.refusal is Refusal.THROTTLED else None
    return Refused(meaning.refusal, sentence, shown, wait, meaning.whole_channel, meaning.mark)


def _unlisted(reply: HttpReply, code: str, words: str) -> Refused:
    if not words or reply.status not in (400, 422):
        sentence = f"The server that answered ({code}) is not Vonage's API. Check its URL."
        return Refused(Refusal.MISCONFIGURED, sentence, code)
    return Refused(Refusal.REJECTED, f"Vonage refused the message ({code}): {words}.", code)
