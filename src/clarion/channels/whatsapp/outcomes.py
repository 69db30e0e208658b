"""What an answer of the Cloud API means that brought no message id."""

from collections.abc import Iterable, Mapping
from typing import Any

from clarion.channels import payloads
from clarion.channels.contract import Refusal, Refused
from clarion.channels.replies import DEFAULT_WAIT, json_object, wait_seconds
from clarion.channels.whatsapp.errors import BAD_TOKEN, code_of, meaning_of, words_of
from clarion.transport.messages import HttpReply


def refused(reply: HttpReply, secrets: Iterable[str]) -> Refused:
    """What a reply means that brought no message id. Never raises."""
    error = json_object(reply.body).get("error")
    code = code_of(payloads.part(error))
    if not isinstance(error, dict) or code is None:
        return _no_graph(reply)
    meaning = meaning_of(code, error)
    if meaning is None:
        return _unlisted(reply, code, error, secrets)
    sentence, shown = meaning.sentence, str(code)
    if meaning.refusal is Refusal.UNKNOWN:
        sentence += " It may have sent the message."
    if meaning.refusal is Refusal.THROTTLED:
        wait = wait_seconds(reply, meaning.wait)
        return Refused(meaning.refusal, sentence, shown, wait, meaning.whole_channel)
    return Refused(meaning.refusal, sentence, shown, mark=meaning.mark)


def _unlisted(
    reply: HttpReply, code: int, error: Mapping[str, Any], secrets: Iterable[str]
) -> Refused:
    shown = str(code)
    if reply.status == 429:
        return _too_many(reply, shown)
    if reply.status == 401:
        return Refused(Refusal.MISCONFIGURED, BAD_TOKEN.sentence, shown)
    if 400 <= reply.status <= 499:
        words = words_of(error, secrets)
        tail = f": {words}" if words else ""
        return Refused(Refusal.REJECTED, f"WhatsApp refused the message ({code}){tail}.", shown)
    return _unclear(reply, shown)


def _no_graph(reply: HttpReply) -> Refused:
    """An answer that has nothing of the Graph API's form."""
    code = str(reply.status)
    if reply.status == 429:
        return _too_many(reply, code)
    if 300 <= reply.status <= 499:
        sentence = f"The server that answered ({code}) is not Meta's Graph API. Check its URL."
        return Refused(Refusal.MISCONFIGURED, sentence, code)
    return _unclear(reply, code)


def _too_many(reply: HttpReply, code: str) -> Refused:
    sentence = "WhatsApp asks us to wait (429, too many requests)."
    return Refused(Refusal.THROTTLED, sentence, code, wait_seconds(reply, DEFAULT_WAIT))


def _unclear(reply: HttpReply, code: str) -> Refused:
    if reply.status >= 500:
        sentence = f"WhatsApp answered {reply.status}. It may have sent the message."
    else:
        sentence = "WhatsApp's answer can't be understood. It may have sent the message."
    return Refused(Refusal.UNKNOWN, sentence, code)
