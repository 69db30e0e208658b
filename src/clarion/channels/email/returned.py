"""What arrives in the mailbox of bounces: bounces, complaints, automatic replies, and answers.

Bounces are read after RFC 3464, whose status and words say why; those in other forms, of which
there are dozens, by ``flufl.bounce``. Complaints: RFC 5965. Reasons: docs/decisions/0083.
"""

import re
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Final

import structlog
from flufl.bounce import all_failures

from clarion.channels.contract import (
    AboutMessage,
    AddressReport,
    Event,
    Ignored,
    Inbound,
    OptOut,
    Receipt,
    Refusal,
    Refused,
)
from clarion.channels.email import codes
from clarion.channels.email.outcomes import outcome_of
from clarion.channels.email.reading import (
    address_in,
    header,
    headers,
    is_automatic,
    is_automatic_reply,
    is_from_a_mail_server,
    is_of_a_mail_server,
    parsed,
    part_of_type,
    returned_headers,
    shortened,
    status_blocks,
    whole_text,
    written_text,
)
from clarion.channels.keywords import with_requested_state
from clarion.channels.mailing.ids import reported_id
from clarion.channels.wording import tidy
from clarion.transport.messages import SmtpReply

log = structlog.get_logger()
Recipients = frozenset[bytes]
DELAYED: Final = Ignored("A mail server still tries to deliver a message. It has not failed.")
ARRIVED: Final = Ignored("A mail server reports that it has delivered or forwarded a message.")
UNREADABLE: Final = Ignored("A mail server sent a notice that Clarion can't read.")
AUTOMATIC: Final = Ignored("An automatic reply, such as an out-of-office notice, is not used.")
READ: Final = Ignored("A read receipt by e-mail is not used.")
NO_SPAM: Final = Ignored("A feedback report that is not a complaint is not used.")
NAMELESS: Final = Ignored("A bounce or complaint names no message that Clarion sent.")
OTHER: Final = Ignored("An e-mail that answers none of our messages is not used.")
_COMPLAINTS: Final = frozenset({"abuse", "fraud", "virus", "other"})
_CAME_TO: Final = (
    "To", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To",
)  # fmt: skip
_IN_TEXT: Final = re.compile(rf"^[ \t>]*{codes.HEADER}:[ \t]*([A-Za-z0-9-]+)", re.MULTILINE)
_MESSAGE_ID: Final = re.compile(r"<([^<>@\s]+)@([^<>@\s]+)>")
_CODE: Final = re.compile(r"\b[45]\d\d(?=[ -])")
_CODES: Final = re.compile(r"(?:^|(?<=\s))[245]\d\d[ -](?:[245]\.\d{1,3}\.\d{1,3}\s*)?")
_COPY: Final = re.compile(
    r"(?im)^[ \t>]*(?:return-path|received|dkim-signature|message-id|from|mime-version"
    rf"|{codes.HEADER}):"
)
_NO_DOMAIN: Final = re.compile(
    "NXDOMAIN|no ?such domain|domain (?:name )?not found|non-?existent domain", re.IGNORECASE
)
_PRECISE: Final = re.compile(r"\b([45])\.(?!0\.0)\d{1,3}\.\d{1,3}\b")
_LONGEST: Final = 2_000  # characters of what a server says that are looked at
_OLDEST: Final = 30 * 24 * 3_600  # seconds; an earlier date of an e-mail is not believed
_MOST_NAMED: Final = 20  # addresses


def events_of(raw: bytes, received_at: datetime, own: str, domain: str) -> list[Event]:
    """What an e-mail reports. ``own``: the bounce address; ``domain``: of our Message-IDs.

    Raises ValueError with a sentence when it is no e-mail.
    """
    mail = parsed(raw)
    return [_Read(mail, raw, received_at, own, domain).event()]


def is_report(raw: bytes) -> bool:
    """Whether an e-mail is a bounce, a complaint or an automatic reply, which nobody needs to
    read. Never raises."""
    try:
        mail = parsed(raw)
        return bool(
            status_blocks(mail)
            or part_of_type(mail, "message/feedback-report") is not None
            or (is_automatic(mail) and _is_reply(mail))
            or (is_of_a_mail_server(mail) and any(_recognised(raw)))
        )
    except ValueError:
        return False
    except Exception:  # it is left where it is, and the mailbox is read on
        log.exception("mail_unreadable")
        return False


def _is_reply(mail: Message) -> bool:
    """Whether an e-mail of a program is a reply: invoices and alerts say that of themselves too."""
    if is_automatic_reply(mail):
        return True
    texts = " ".join([*headers(mail, "In-Reply-To"), *headers(mail, "References")])
    return any(codes.is_message_id(local) for local, _ in _MESSAGE_ID.findall(texts))


def _recognised(raw: bytes) -> tuple[Recipients, Recipients]:
    """The addresses that a bounce in another form names: those still tried, those that failed."""
    try:
        return all_failures(shortened(raw))
    except Exception:  # its detectors were written for what well-known servers send
        log.exception("bounce_unreadable")
        return frozenset(), frozenset()


class _Read:
    """One e-mail, and what its parts say together."""

    def __init__(
        self, mail: Message, raw: bytes, received_at: datetime, own: str, domain: str
    ) -> None:
        self._mail, self._raw, self._own, self._domain = mail, raw, own, domain
        self._at = _moment(header(mail, "Date"), received_at)
        self._returned = returned_headers(mail)

    def event(self) -> Event:
        if blocks := status_blocks(self._mail):
            return self._of_status(blocks)
        report = part_of_type(self._mail, "message/feedback-report")
        if report is not None:
            return self._of_feedback(report)
        if part_of_type(self._mail, "message/disposition-notification") is not None:
            return READ
        if is_of_a_mail_server(self._mail):
            delayed, failed = _recognised(self._raw)
            if failed:
                named = [each.decode("ascii", "replace") for each in failed]
                return self._failed("5.0.0", whole_text(self._mail), named, is_prose=True)
            if delayed:
                return DELAYED
        if is_from_a_mail_server(self._mail):
            return UNREADABLE
        if is_automatic(self._mail):
            return AUTOMATIC
        return self._answer()

    def _of_status(self, blocks: list[Message]) -> Event:
        failed = [each for each in blocks if _action(each).startswith(("fail", "error"))]
        if not failed:
            return DELAYED if any(map(_is_delayed, blocks)) else ARRIVED
        block = failed[0]
        named = [
            header(each, name).rpartition(";")[2]
            for each in failed
            for name in ("Original-Recipient", "X-Actual-Recipient", "Final-Recipient")
        ]
        protocol, _, words = header(block, "Diagnostic-Code").partition(";")
        return self._failed(header(block, "Status"), words or protocol, named)

    def _failed(self, status: str, said: str, named: list[str], *, is_prose: bool = False) -> Event:
        """It failed for good. It is the address that failed where status or words say so.

        ``is_prose``: of what is said, one line is what the last server answered.
        """
        outcome = _outcome(status, said[:_LONGEST], is_prose)
        is_hard = outcome.refusal is Refusal.UNREACHABLE
        reason = f"The message came back. {outcome.reason}"
        message_id, proven = self._about(self._returned)
        receipt = Receipt(
            "failed", self._at, None, message_id, reason, outcome.code, unreachable=is_hard
        )
        report = AddressReport("", "hard_bounce", self._at, reason[:300], message_id)
        events = (receipt, report) if is_hard else (receipt,)
        named += [*headers(self._mail, "X-Failed-Recipients"), *self._sent_to()]
        return self._counted(message_id, events, proven, named)

    def _of_feedback(self, report: Message) -> Event:
        kind = header(report, "Feedback-Type").lower()
        if kind not in _COMPLAINTS:
            return NO_SPAM
        places = [header(report, "Original-Mail-From")]
        message_id, proven = self._about(self._returned, places)
        detail = f"Feedback report: {kind}"
        event = AddressReport("", "complaint", self._at, detail, message_id)
        named = [*headers(report, "Original-Rcpt-To"), *self._sent_to()]
        return self._counted(message_id, (event,), proven, named)

    def _answer(self) -> Event:
        """What somebody wrote, where it answers a message of ours and is from its recipient."""
        name, address = address_in(header(self._mail, "From"))
        sender = reported_id(address)
        places = [header(self._mail, "In-Reply-To"), header(self._mail, "References")]
        message_id = self._own_id(" ".join(places))
        text = written_text(self._mail)
        if not (sender and message_id and text):
            return OTHER
        external_id = header(self._mail, "Message-ID")[:200] or f"{self._at.isoformat()} {sender}"
        inbound = Inbound(sender, external_id, text, self._at, name)
        events = [e for e in with_requested_state(inbound) if isinstance(e, Inbound | OptOut)]
        return AboutMessage(message_id, tuple(events), False, (sender,))

    def _counted(
        self,
        message_id: str,
        events: tuple[Receipt | AddressReport, ...],
        proven: bool,
        named: list[str],
    ) -> Event:
        if not message_id:
            return NAMELESS
        ids = {reported_id(address_in(text.strip())[1]) for text in named[:_MOST_NAMED]}
        return AboutMessage(message_id, events, proven, tuple(sorted(ids - {""})))

    def _about(self, returned: Message | None, places: list[str] | None = None) -> tuple[str, bool]:
        """The message that it is about, and whether a code proves that."""
        places = [*(places or ()), *(t for n in _CAME_TO for t in headers(self._mail, n))]
        candidates = []
        if returned is not None:
            candidates += headers(returned, codes.HEADER)
            places += headers(returned, "Return-Path")
        candidates += [code for text in places for code in codes.codes_in(text, self._own)]
        candidates += _IN_TEXT.findall(self._raw.decode("latin-1"))
        for code in candidates:
            if message_id := codes.message_of(code):
                return message_id, True
        texts = headers(returned, "Message-ID") if returned is not None else []
        texts += [*headers(self._mail, "In-Reply-To"), *headers(self._mail, "References")]
        return self._own_id(" ".join(texts)), False

    def _own_id(self, text: str) -> str:
        """The last of our ids among Message-IDs: a thread names the newest message last."""
        ids = [
            local
            for local, domain in _MESSAGE_ID.findall(text)
            if domain.lower() == self._domain.lower() and codes.is_message_id(local)
        ]
        return ids[-1] if ids else ""

    def _sent_to(self) -> list[str]:
        return headers(self._returned, "To") if self._returned is not None else []


def _outcome(status: str, statement: str, is_prose: bool) -> Refused:
    """What a server would have been understood to say, had it answered so at once."""
    status = status.strip().split(" ")[0]
    if is_prose:  # what the message itself says proves nothing
        statement = _COPY.split(statement, maxsplit=1)[0]
    code, precise = _CODE.search(statement), _PRECISE.search(statement)
    text = statement if precise else f"{status} {statement}"
    temporary = (precise[0] if precise else status or (code[0] if code else "5"))[0] == "4"
    number = int(code[0]) if code else 550
    if temporary != (number < 500):
        number = 450 if temporary else 550
    outcome = outcome_of(SmtpReply("rcpt", number, text))
    assert isinstance(outcome, Refused)
    if outcome.refusal is Refusal.UNREACHABLE or "mailbox is full" in outcome.reason:
        return outcome
    if not temporary and _NO_DOMAIN.search(statement):
        reason = "The domain of this address does not exist."
        return Refused(Refusal.UNREACHABLE, reason, outcome.code)
    if is_prose:
        statement = statement[code.start() :].partition("\n")[0] if code else ""
    words = tidy(_CODES.sub("", statement))
    reason = f"A mail server could not deliver it{': ' + words if words else ''}."
    return Refused(Refusal.REJECTED, reason, outcome.code)


def _action(block: Message) -> str:
    return header(block, "Action").lower()


def _is_delayed(block: Message) -> bool:
    return _action(block).startswith("delayed")


def _moment(text: str, received_at: datetime) -> datetime:
    try:
        at = parsedate_to_datetime(text)
        at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return received_at
    age = (received_at - at).total_seconds()
    return at if 0 <= age <= _OLDEST else received_at
