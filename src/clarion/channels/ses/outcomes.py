"""What the answers of SES v2 mean.

Errors: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html and CommonErrors;
texts: https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-error-messages.html and
manage-sending-quotas-errors.html. A 4xx is its word that it did not take the message.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from clarion.channels.contract import Accepted, Outcome, Refusal, Refused
from clarion.channels.payloads import identifier
from clarion.channels.replies import DEFAULT_WAIT, json_object, wait_seconds
from clarion.channels.wording import tidy
from clarion.transport.messages import HttpReply

_WRONG = Refusal.MISCONFIGURED
_QUOTA_WAIT: Final = 600.0  # seconds; SES advises up to ten minutes, and the quota rolls over
_KEYS: Final = "AWS does not accept the access key. Check the key, its secret and the region."
_TOO_FAST: Final = "SES asks us to send more slowly: the account's send rate is exceeded."


class Meaning(NamedTuple):
    """What the name of an error says."""

    refusal: Refusal
    sentence: str


ERRORS: Final[Mapping[str, Meaning]] = {
    "AccountSuspendedException": Meaning(
        _WRONG, "AWS has stopped this account from sending. Ask its support why."
    ),
    "SendingPausedException": Meaning(
        _WRONG, "Sending is paused for this SES account or configuration set."
    ),
    "MailFromDomainNotVerifiedException": Meaning(
        _WRONG, "The MAIL FROM domain of the sender is not verified at SES."
    ),
    "NotFoundException": Meaning(_WRONG, "SES knows no such configuration set in this region."),
    "AccessDeniedException": Meaning(
        _WRONG,
        "The access key may not do this. It needs ses:SendEmail, "
        "ses:SendRawEmail and ses:GetAccount.",
    ),
    "ExpiredTokenException": Meaning(_WRONG, "The temporary keys have expired. Enter new ones."),
    "RequestExpired": Meaning(
        _WRONG, "This server's time is wrong, so AWS refuses requests. Correct its clock."
    ),
    "InvalidSignatureException": Meaning(_WRONG, _KEYS),
    "SignatureDoesNotMatch": Meaning(_WRONG, _KEYS),
    "UnrecognizedClientException": Meaning(_WRONG, _KEYS),
    "InvalidClientTokenId": Meaning(_WRONG, _KEYS),
    "IncompleteSignature": Meaning(_WRONG, _KEYS),
    "MissingAuthenticationTokenException": Meaning(_WRONG, _KEYS),
    "OptInRequired": Meaning(_WRONG, "SES is not set up for this AWS account."),
    "TooManyRequestsException": Meaning(Refusal.THROTTLED, _TOO_FAST),
    "ThrottlingException": Meaning(Refusal.THROTTLED, _TOO_FAST),
    "Throttling": Meaning(Refusal.THROTTLED, _TOO_FAST),
}
_QUOTAS: Final = ("daily message quota", "quota exceeded", "daily sending quota")
_BAD_ADDRESS: Final = (
    "missing final '@domain'", "missing '@'", "illegal address", "local address contains",
    "domain contains", "domain ends with dot", "domain starts with dot", "invalid address",
)  # fmt: skip


def outcome_of(reply: HttpReply, secrets: Iterable[str]) -> Outcome:
    """What to make of a reply. Never raises; ``secrets`` never show up in the reason."""
    answer = json_object(reply.body)
    message_id = identifier(answer.get("MessageId"))
    if reply.status == 200 and message_id:
        return Accepted(message_id)
    return refused(reply, answer, secrets)


def refused(reply: HttpReply, answer: Mapping[str, Any], secrets: Iterable[str]) -> Refused:
    """What a reply means that accepts nothing; ``answer`` is its JSON."""
    status, error = reply.status, _error_of(reply, answer)
    statement = str(answer.get("message") or answer.get("Message") or "")
    code = f"{status} {error}"[:60].strip()
    quota = any(words in statement.lower() for words in _QUOTAS)
    if quota and 400 <= status <= 499:
        sentence = "The daily sending quota of the SES account is used up for now."
        return Refused(Refusal.THROTTLED, sentence, code, _QUOTA_WAIT)
    meaning = ERRORS.get(error) if 400 <= status <= 499 else None
    if status == 429 or (meaning and meaning.refusal is Refusal.THROTTLED):
        return Refused(Refusal.THROTTLED, _TOO_FAST, code, wait_seconds(reply, DEFAULT_WAIT))
    if meaning:
        return Refused(meaning.refusal, meaning.sentence, code)
    if error in ("MessageRejected", "BadRequestException", "LimitExceededException"):
        return _about_the_message(statement, code, tidy(statement, secrets))
    if status in (401, 403) and error:
        return Refused(_WRONG, _KEYS, code)
    if status == 413:
        sentence = "The message is larger than the 40 MB that SES accepts (413)."
        return Refused(Refusal.REJECTED, sentence, code)
    if 300 <= status <= 499 and not error:
        sentence = f"The server that answered ({status}) is not the SES API. Check its URL."
        return Refused(_WRONG, sentence, code)
    if 400 <= status <= 499:
        return _about_the_message("", code, tidy(statement, secrets))
    if status >= 500:
        sentence = f"SES answered {status}. It may have sent the message."
        return Refused(Refusal.UNKNOWN, sentence, code)
    sentence = "The answer of SES can't be understood. It may have sent the message."
    return Refused(Refusal.UNKNOWN, sentence, code)


def _error_of(reply: HttpReply, answer: Mapping[str, Any]) -> str:
    """The error's name: of the header or of ``__type``, without what AWS writes around it."""
    name = reply.headers.get("x-amzn-errortype") or answer.get("__type") or answer.get("code")
    name = str(name or "").partition(":")[0].rpartition("#")[2].strip()
    return name if name.isascii() and name.isalnum() else ""


def _about_the_message(statement: str, code: str, words: str) -> Refused:
    lower = statement.lower()
    if "not verified" in lower:
        sentence = (
            "SES has not verified the sender, or, in the sandbox, the recipient. Verify the "
            "sender's domain and ask AWS for production access."
        )
        return Refused(_WRONG, sentence, code)
    if any(part in lower for part in _BAD_ADDRESS):
        return Refused(Refusal.UNREACHABLE, "SES refused the recipient's address.", code)
    tail = f": {words}" if words else ""
    return Refused(Refusal.REJECTED, f"SES refused the message{tail}.", code)
