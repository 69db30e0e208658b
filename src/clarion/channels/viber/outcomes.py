"""What Viber's replies mean: https://creators.viber.com/docs/bots-api/resources/messaging."""

from collections.abc import Iterable, Mapping
from typing import Any

from clarion.channels import payloads
from clarion.channels.contract import Accepted, Outcome, Refusal, Refused
from clarion.channels.replies import DEFAULT_WAIT, json_object, wait_seconds
from clarion.channels.viber.errors import OK, STATUSES, TOO_MANY
from clarion.channels.wording import tidy
from clarion.transport.messages import HttpReply

_UNREADABLE = Refused(
    Refusal.UNKNOWN, "Viber's answer can't be understood. It may have sent the message."
)


def external_id(token: str, user_id: str) -> str:
    """What receipts of one recipient refer to: all of a broadcast message have the same token."""
    return f"{token}:{user_id}"


def outcome_of(reply: HttpReply, secrets: Iterable[str]) -> Outcome:
    """What a reply means for the only recipient, or for the whole request. Never raises."""
    answer = json_object(reply.body)
    status = _status(answer)
    if reply.status != 200 or status is None:
        return _without_status(reply)
    if status == OK:
        token = payloads.identifier(answer.get("message_token"))
        return Accepted(token) if token else _UNREADABLE
    return _refused(status, answer, reply, secrets, whole=True)


def outcomes_of(
    reply: HttpReply, recipients: Iterable[str], secrets: Iterable[str]
) -> list[Outcome]:
    """What the reply to a broadcast message means for each of its recipients. Never raises.

    ``failed_list`` names those who do not get it, each with a status of its own; with the status
    0 all others do: https://developers.viber.com/docs/guides/broadcast-rest-api/.
    """
    people = list(recipients)
    whole = outcome_of(reply, secrets)
    answer = json_object(reply.body)
    listed = answer.get("failed_list", [])
    if reply.status != 200 or _status(answer) is None:
        return [whole] * len(people)
    if not isinstance(listed, list) or not all(_is_failure(each) for each in listed):
        return [_UNREADABLE] * len(people)
    failures = {each["receiver"]: each for each in listed}
    outcomes: list[Outcome] = []
    for person in people:
        if (failed := failures.get(person)) is not None:
            outcomes.append(_refused(failed["status"], failed, reply, secrets, whole=False))
        elif isinstance(whole, Accepted):
            outcomes.append(Accepted(external_id(str(whole.external_id), person)))
        else:
            outcomes.append(whole)
    return outcomes


def _is_failure(entry: object) -> bool:
    part = payloads.part(entry)
    return isinstance(part.get("receiver"), str) and bool(_status(part))


def _status(answer: Mapping[str, Any]) -> int | None:
    status = answer.get("status")
    is_one = isinstance(status, int) and not isinstance(status, bool) and 0 <= status < 10_000
    return status if is_one else None


def _refused(
    status: int,
    answer: Mapping[str, Any],
    reply: HttpReply,
    secrets: Iterable[str],
    *,
    whole: bool,
) -> Refused:
    code = str(status)
    if status == TOO_MANY:
        return Refused(
            Refusal.THROTTLED,
            "Viber asks us to wait (status 12, too many requests).",
            code,
            wait_seconds(reply, DEFAULT_WAIT),
            whole_channel=whole,
        )
    if meaning := STATUSES.get(status):
        return Refused(meaning.refusal, meaning.sentence, code, mark=meaning.mark)
    words = tidy(payloads.text(answer.get("status_message"), 400), secrets)
    tail = f": {words}" if words else ""
    return Refused(Refusal.REJECTED, f"Viber refused the message (status {status}){tail}.", code)


def _without_status(reply: HttpReply) -> Refused:
    """A reply that is none of the Viber API, but of something before it."""
    status, code = reply.status, str(reply.status)
    if status == 429:
        return Refused(
            Refusal.THROTTLED,
            "Viber asks us to wait (429, too many requests).",
            code,
            wait_seconds(reply, DEFAULT_WAIT),
        )
    if status in (401, 403):
        return Refused(Refusal.MISCONFIGURED, STATUSES[2].sentence, code)
    if status == 413:
        return Refused(Refusal.REJECTED, "The message is larger than Viber accepts.", code)
    if 300 <= status <= 499:
        sentence = f"The server that answered ({status}) is not a Viber API. Check its URL."
        return Refused(Refusal.MISCONFIGURED, sentence, code)
    if status >= 500:
        sentence = f"Viber answered {status}. It may have sent the message."
        return Refused(Refusal.UNKNOWN, sentence, code)
    return _UNREADABLE
