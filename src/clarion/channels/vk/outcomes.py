"""What an answer of VK's API means that is no good one: https://dev.vk.com/reference/errors."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from clarion.channels import payloads
from clarion.channels.contract import Accepted, Outcome, Refusal, Refused
from clarion.channels.replies import DEFAULT_WAIT, json_object, wait_seconds
from clarion.channels.vk.errors import ERRORS
from clarion.channels.wording import tidy
from clarion.transport.messages import HttpReply

_ACCEPTED = Accepted()
_UNREADABLE = "VK's answer can't be understood. It may have sent the message."


def outcome_of(reply: HttpReply, secrets: Iterable[str]) -> Outcome:
    """What a reply means for the only recipient, or for the whole request. Never raises."""
    answer = json_object(reply.body)
    if reply.status == 200 and payloads.identifier(answer.get("response")):
        return _ACCEPTED
    return refused(reply, answer, secrets)


def outcomes_of(
    reply: HttpReply, recipients: Sequence[str], secrets: Iterable[str]
) -> list[Outcome]:
    """What the reply to one request means for each of its recipients. Never raises.

    With peer_ids the response is an array, in which each has a message_id, or an error:
    https://dev.vk.com/method/messages.send. Its table calls the error a text; clients read an
    object with a code and a description. Whoever has no entry is in doubt.
    """
    answer = json_object(reply.body)
    entries = answer.get("response")
    if reply.status != 200 or not isinstance(entries, list):
        return [outcome_of(reply, secrets)] * len(recipients)
    by_peer = {payloads.identifier(each.get("peer_id")): each for each in payloads.objects(entries)}
    return [_of_entry(by_peer.get(peer, {}), secrets) for peer in recipients]


def _of_entry(entry: Mapping[str, object], secrets: Iterable[str]) -> Outcome:
    error = entry.get("error")
    if not error and payloads.identifier(entry.get("message_id")) not in ("", "0"):
        return _ACCEPTED
    if isinstance(error, str) and error:
        error = {"error_msg": error}
    part = payloads.part(error)
    if not part:
        return Refused(Refusal.UNKNOWN, _UNREADABLE, "200")
    number = part.get("code", part.get("error_code"))
    code = str(number) if _is_code(number) else ""
    words = payloads.text(part.get("description")) or payloads.text(part.get("error_msg"))
    outcome = _of_error(code, {"error_msg": words}, secrets)
    # The others of the request were not told to wait.
    return replace(outcome, whole_channel=False)


def _is_code(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and 0 < number < 10**7


def refused(reply: HttpReply, answer: Mapping[str, object], secrets: Iterable[str]) -> Refused:
    """What a reply means that accepts nothing; ``answer`` is its JSON. Never raises."""
    error = payloads.part(answer.get("error"))
    number = error.get("error_code")
    is_number = _is_code(number)
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
    return Refused(Refusal.UNKNOWN, _UNREADABLE, code)


def _of_error(code: str, error: Mapping[str, object], secrets: Iterable[str]) -> Refused:
    meaning = ERRORS.get(int(code or 0))
    if meaning is None:
        words = tidy(payloads.text(error.get("error_msg")), secrets)
        tail = f": {words}" if words else ""
        number = f" ({code})" if code else ""
        return Refused(Refusal.REJECTED, f"VK refused the message{number}{tail}.", code)
    if meaning.refusal is Refusal.THROTTLED:
        return Refused(
            meaning.refusal, meaning.sentence, code, meaning.wait,
            whole_channel=meaning.whole_channel,
        )  # fmt: skip
    return Refused(meaning.refusal, meaning.sentence, code, mark=meaning.mark)
