"""What an SMTP server's reply means: by stage, reply code and enhanced status code.

Codes: RFC 5321 4.2, RFC 3463 and the IANA registry of enhanced status codes. A 4xx or 5xx at any
stage, the one after the final dot included, is the server's word that it did not take the message
(RFC 5321 4.2.5, 6.1). Texts: Amazon SES “454 Throttling failure: …” after the final dot
(docs.aws.amazon.com/ses, manage-sending-quotas-errors), Gmail
(support.google.com/a/answer/3726730), Postfix, Exchange Online “4.7.500 Server busy” and “4.7.652
… maximum number of connections”.
"""

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from clarion.channels.contract import Accepted, Outcome, Refusal, Refused
from clarion.channels.wording import tidy
from clarion.transport.messages import SmtpReply, Stage

_ENHANCED = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_LEADING_CODES = re.compile(r"(?m)^(?:\d{3}[ -])?\s*[245]\.\d{1,3}\.\d{1,3}\s*")
_LOG_IN_CODES = frozenset({530, 534, 535, 538})  # RFC 4954 6
_LATER = re.compile(r"(?:in|for|after|wait) (\d{1,5}) (second|minute|hour)s?", re.IGNORECASE)
_UNIT = {"second": 1.0, "minute": 60.0, "hour": 3600.0}
_QUOTA_WAIT = 600.0  # seconds; SES advises up to ten minutes, and daily quotas roll over
_RATE_WAIT = 1.0  # “Maximum sending rate exceeded” is about this second
_GREY_WAIT = 300.0  # seconds; the usual greylisting delay


def _words(*choices: str) -> re.Pattern[str]:
    return re.compile("|".join(choices), re.IGNORECASE)


_QUOTA = _words("daily", "quota", "per day", "24 hours", "sending limit")
_RATE = _words(
    "throttl", r"\brate\b", "too many", "too fast", "too much mail", "slow down", "server busy",
    "concurren", "number of connections", "limit exceeded", "exceeded.{0,30}limit",
)  # fmt: skip
_ONE_PERSON = _words("gr[ae]y-?list", "too quickly", "at a rate that prevents")
_SENDER = _words(
    "sender address rejected", "sender verify failed", r"is not verified", "not owned by user",
    "sendas", "not allowed to send", "sender .{0,40}not (?:allowed|authori[sz]ed)",
)  # fmt: skip
_RELAY = _words("relay access denied", "relaying", "to relay", "relay not", "not a relay")
_NOBODY = _words(
    "user unknown", "unknown (?:user|recipient)", "no such (?:user|person|mailbox|recipient)",
    "n[o']t exist", "invalid (?:recipient|mailbox)", "(?:recipient|user|mailbox) not found",
    "no mailbox here", "address rejected: access denied",
)  # fmt: skip
_CLOSED = _words("disabled", "deactivated", "suspended", "inactive", "closed account")
_FULL = _words("mailbox (?:is )?full", "over ?quota", "out of storage", "exceeded storage")

_SENDERS = ((1, 7), (1, 8))  # RFC 3463 3.2: bad sender's mailbox, bad sender's system
_SYSTEM = ((3, 1), (3, 2))  # RFC 3463 3.4: mail system full, system not accepting messages
_ACCEPTED = Accepted()
CHECK_APP = "Check the user name, the scope, and that the app may use this mailbox."


class _Said(NamedTuple):
    """A reply, taken apart."""

    stage: Stage
    code: int
    subject: int  # the two latter parts of the enhanced status code, 0 where there is none
    detail: int
    text: str
    wording: str  # code for the record, such as "550 5.1.1"
    tail: str  # ": what it said", where that is worth showing


def outcome_of(reply: SmtpReply, secrets: Iterable[str] = (), *, by_token: bool = False) -> Outcome:
    """What to make of a reply. Never raises; `secrets` never show up in the reason.

    `by_token`: the login is by an access token instead of a password.
    """
    if reply.stage == "sent":
        return _ACCEPTED
    answer = _apart(reply, secrets)
    if 400 <= answer.code <= 499:
        return _temporary(answer)
    if by_token and answer.stage == "auth":
        sentence = f"The mail server refused the access token{answer.tail}. {CHECK_APP}"
        return Refused(Refusal.MISCONFIGURED, sentence, answer.wording)
    if 500 <= answer.code <= 599:
        return _permanent(answer)
    sentence = "The mail server's answer can't be understood."
    return Refused(Refusal.UNKNOWN, sentence, answer.wording)


def _apart(reply: SmtpReply, secrets: Iterable[str]) -> _Said:
    match = _ENHANCED.search(reply.text)
    subject, detail = (int(match[2]), int(match[3])) if match else (0, 0)
    words = tidy(_LEADING_CODES.sub("", reply.text), secrets)
    return _Said(
        reply.stage,
        reply.code,
        subject,
        detail,
        reply.text,
        f"{reply.code} {match[0]}" if match else str(reply.code),
        f": {words}" if words else "",
    )


def _temporary(answer: _Said) -> Refused:
    """4xx: certainly not sent, and worth another try.

    What comes before a recipient is named is about the account or the server, never about a person.
    421 after that may be a server that hangs up on this message; if it is the server that closes
    (RFC 5321 3.8), the next connection shows it.
    """
    if (answer.subject, answer.detail) == (2, 2) or _FULL.search(answer.text):
        return _refused(answer, Refusal.RETRY, "The recipient's mailbox is full")
    if _ONE_PERSON.search(answer.text):
        sentence = "The mail server accepts no more mail for this recipient at the moment"
        wait = _stated_wait(answer.text) or _GREY_WAIT
        return _throttled(answer, sentence, wait, whole_channel=False)
    if _QUOTA.search(answer.text):
        sentence = "The sending quota of this mail account is used up for now"
        return _throttled(answer, sentence, _stated_wait(answer.text) or _QUOTA_WAIT)
    if _RATE.search(answer.text):
        wait = _stated_wait(answer.text) or _RATE_WAIT
        return _throttled(answer, "The mail server asks us to send more slowly", wait)
    if sentence := _about_everybody(answer):
        return Refused(Refusal.UNAVAILABLE, f"{sentence}{answer.tail}.", answer.wording)
    whom = "mail for this recipient" if answer.stage == "rcpt" else "the message"
    sentence = f"The mail server can't accept {whom} at the moment{answer.tail}."
    return Refused(Refusal.RETRY, sentence, answer.wording)


def _about_everybody(answer: _Said) -> str:
    """Why the server takes nothing from this account at the moment, "" where it may be a person.

    X.1.7 and X.1.8 are the sender's address, X.3.1 and X.3.2 the mail system itself (RFC 3463).
    """
    status = (answer.subject, answer.detail)
    if status in _SENDERS or _SENDER.search(answer.text):
        return "The mail server refused the sender"
    if answer.stage == "auth":
        return "The mail server can't check the login at the moment"
    if answer.stage == "connect":
        return "The mail server accepts no connections at the moment"
    if answer.stage == "mail" or (status in _SYSTEM and answer.code != 421):
        return "The mail server accepts no mail at the moment"
    return ""


def _permanent(answer: _Said) -> Refused:
    """5xx: certainly not sent, and not worth trying in the same way again."""
    status = (answer.subject, answer.detail)
    if answer.code in _LOG_IN_CODES or answer.stage == "auth":
        return _refused(
            answer,
            Refusal.MISCONFIGURED,
            "The mail server refused the login. Check the user name and password of this channel",
        )
    if status == (4, 5) or _is_quota(answer):
        sentence = "The sending quota of this mail account is used up for now"
        return _throttled(answer, sentence, _QUOTA_WAIT)
    if answer.stage == "connect":
        return Refused(
            Refusal.MISCONFIGURED,
            f"The mail server refuses our connections{answer.tail}.",
            answer.wording,
        )
    if _RELAY.search(answer.text):
        return _refused(
            answer,
            Refusal.MISCONFIGURED,
            "The mail server does not relay mail for this channel. Check its login and sender",
        )
    if _about_the_sender(answer, status):
        return Refused(
            Refusal.MISCONFIGURED,
            f"The mail server refused the sender{answer.tail}.",
            answer.wording,
        )
    return _about_the_recipient(answer, status) or Refused(
        Refusal.REJECTED, f"The mail server refused the message{answer.tail}.", answer.wording
    )


def _is_quota(answer: _Said) -> bool:
    """A quota of the account; a person's full mailbox is called quota too (5.2.2, 552)."""
    if (answer.subject, answer.detail) == (2, 2) or _FULL.search(answer.text):
        return False
    return answer.code != 552 and bool(_QUOTA.search(answer.text))


def _about_the_sender(answer: _Said, status: tuple[int, int]) -> bool:
    """MAIL is about the sender, unless it is the size (RFC 1870); servers may tell us later."""
    if status in _SENDERS or _SENDER.search(answer.text):
        return True
    return answer.stage == "mail" and answer.code != 552 and status[0] != 3


def _about_the_recipient(answer: _Said, status: tuple[int, int]) -> Refused | None:
    if status == (2, 2) or _FULL.search(answer.text):
        return _refused(answer, Refusal.REJECTED, "The recipient's mailbox is full")
    if status == (2, 1) or (status[0] == 2 and _CLOSED.search(answer.text)):
        return _unreachable(answer, "The recipient's mailbox is disabled", "deactivated")
    # Exchange says 5.1.10 of a recipient who is not there, RFC 7505 of a domain without mail.
    is_nobody = _NOBODY.search(answer.text) and status == (1, 10)
    if answer.code == 556 or (status in ((1, 2), (1, 10), (4, 4)) and not is_nobody):  # RFC 7504
        return _unreachable(answer, "The domain of this address accepts no mail")
    if (
        is_nobody
        or status in ((1, 1), (1, 3), (1, 6))
        or (status == (4, 1) and answer.stage == "rcpt")
    ):
        return _unreachable(answer, "There is no such mailbox")
    if status[0] in (0, 1, 2) and answer.stage in ("rcpt", "data") and _NOBODY.search(answer.text):
        return _unreachable(answer, "There is no such mailbox")
    return None


def _stated_wait(text: str) -> float | None:
    match = _LATER.search(text)
    return min(int(match[1]) * _UNIT[match[2].lower()], 86_400.0) if match else None


def _refused(answer: _Said, refusal: Refusal, sentence: str) -> Refused:
    return Refused(refusal, f"{sentence}.", answer.wording)


def _throttled(answer: _Said, sentence: str, wait: float, *, whole_channel: bool = True) -> Refused:
    return Refused(
        Refusal.THROTTLED, f"{sentence}.", answer.wording, wait, whole_channel=whole_channel
    )


def _unreachable(
    answer: _Said, sentence: str, mark: Literal["unreachable", "deactivated"] = "unreachable"
) -> Refused:
    return Refused(Refusal.UNREACHABLE, f"{sentence}.", answer.wording, mark=mark)
