"""What an answer of the Web API means: https://docs.slack.dev/apis/web-api/#responses."""

from collections.abc import Iterable, Mapping

from clarion.channels.contract import Refusal, Refused
from clarion.channels.replies import DEFAULT_WAIT, wait_seconds
from clarion.channels.slack.errors import ERRORS
from clarion.channels.wording import tidy
from clarion.transport.messages import HttpReply

_WAIT = "Slack asks us to wait (429, too many requests)."


def refused(reply: HttpReply, answer: Mapping[str, object], secrets: Iterable[str]) -> Refused:
    """What a reply means that accepts nothing; ``answer`` is its JSON. Never raises."""
    error = answer.get("error") if answer.get("ok") is False else None
    if reply.status == 429:
        return Refused(Refusal.THROTTLED, _WAIT, "429", wait_seconds(reply, DEFAULT_WAIT))
    if isinstance(error, str) and error and reply.status < 500:
        return _of_error(reply, error, secrets)
    code = str(reply.status)
    if 300 <= reply.status <= 499:
        sentence = f"The server that answered ({reply.status}) is not Slack's. Check its URL."
        return Refused(Refusal.MISCONFIGURED, sentence, code)
    if reply.status >= 500:
        sentence = f"Slack answered {reply.status}. It may have sent the message."
        return Refused(Refusal.UNKNOWN, sentence, code)
    sentence = "Slack's answer can't be understood. It may have sent the message."
    return Refused(Refusal.UNKNOWN, sentence, code)


def _of_error(reply: HttpReply, error: str, secrets: Iterable[str]) -> Refused:
    meaning, code = ERRORS.get(error), tidy(error, secrets)[:60]
    if meaning is None:
        words = f": {code}" if code else ""
        return Refused(Refusal.REJECTED, f"Slack refused the message{words}.", code)
    wait = wait_seconds(reply, meaning.wait) if meaning.refusal is Refusal.THROTTLED else None
    return Refused(meaning.refusal, meaning.sentence, code, wait, mark=meaning.mark)
