"""What an answer of VK's API means that is no good one: https://dev.vk.com/reference/errors."""

from collections.abc import Iterable, Mapping

from clarion.channels import payloads
from clarion.channels.contract import Refusal, Refused
from clarion.channels.replies import DEFAULT_WAIT, wait_seconds
from clarion.channels.vk.errors import ERRORS
from clarion.channels.wording import tidy
from clarion.transport.messages import HttpReply


def refused(reply: HttpReply, answer: Mapping[str, object], secrets: Iterable[str]) -> Refused:
    """What a reply means that accepts nothing; ``answer`` is its JSON. Never raises."""
    error = payloads.part(answer.get("error"))
    number = error.get("error_code")
    is_number = isinstance(number, int) and not isinstance(number, bool) and 0 < number < 10**7
    code = str(number) if is_number else str(reply.status)
    if reply.status == 429:
        sentence = "VK asks us to wait (429, too many requests)."
        return Refused(Refusal.THROTTLED, sentence, code, wait_seconds(reply, DEFAULT_WAIT))
    if is_number and reply.status < 500:
        return _of_error(code, error, secrets)
    if 300 <= reply.status <= 499:
        sentence = f"The server that answered ({reply.status}) is not VK's. Check its URL."
        return Refused(Refusal.MISCONFIGURED, sentence, code)
    if reply.status >= 500:
        sentence = f"VK answered {reply.status}. It may have sent the message."
        return Refused(Refusal.UNKNOWN, sentence, code)
    sentence = "VK's answer can't be understood. It may have sent the message."
    return Refused(Refusal.UNKNOWN, sentence, code)


def _of_error(code: str, error: Mapping[str, object], secrets: Iterable[str]) -> Refused:
    meaning = ERRORS.get(int(code))
    if meaning is None:
        words = tidy(payloads.text(error.get("error_msg")), secrets)
        tail = f": {words}" if words else ""
        return Refused(Refusal.REJECTED, f"VK refused the message ({code}){tail}.", code)
    if meaning.refusal is Refusal.THROTTLED:
        return Refused(
            meaning.refusal, meaning.sentence, code, meaning.wait,
            whole_channel=meaning.whole_channel,
        )  # fmt: skip
    return Refused(meaning.refusal, meaning.sentence, code, mark=meaning.mark)
