"""Bounces as the mail servers in use write them.

Written after RFC 3464 and bounces of these servers in github.com/sisimai/set-of-emails (BSD
2-Clause); no text is taken from there. Codes of Exchange Online: learn.microsoft.com, “Email
non-delivery reports and SMTP errors in Exchange Online”.
"""

from collections.abc import Callable
from email.utils import formatdate
from typing import Final, NamedTuple

_BOUNDARY: Final = "=_bounce_of_simulator"


class Failure(NamedTuple):
    """Why a message could not be delivered."""

    status: str  # RFC 3463
    said: str  # what the last server said
    action: str = "failed"


FAILURES: Final = {
    "bounce": Failure("5.1.1", "550 5.1.1 <{to}>: Recipient address rejected: User unknown"),
    "failed": Failure("5.2.2", "552 5.2.2 <{to}>: The mailbox is full"),
    "delayed": Failure("4.4.1", "451 4.4.1 No answer from the host of {to}", "delayed"),
}


def postfix(failure: Failure, to: str, message: bytes, number: int) -> bytes:
    """As Postfix writes it: text, status, and the headers of the message."""
    fields = [
        f"Final-Recipient: rfc822; {to}",
        f"Original-Recipient: rfc822;{to}",
        f"Action: {failure.action}",
        f"Status: {failure.status}",
        "Remote-MTA: dns; mx.example",
        f"Diagnostic-Code: smtp; {failure.said.format(to=to)}",
    ]
    text = (
        "This is the mail system at host mx.example.\r\n\r\n"
        "I'm sorry to have to inform you that your message could not\r\n"
        f"be delivered to one or more recipients.\r\n\r\n<{to}>: {failure.said.format(to=to)}"
    )
    return _report(
        ("Mail Delivery System", "Undelivered Mail Returned to Sender"), text,
        "Reporting-MTA: dns; mx.example\r\nX-Postfix-Queue-ID: 4XyZ", fields,
        ("text/rfc822-headers", _head(message)), number,
    )  # fmt: skip


def exim(failure: Failure, to: str, message: bytes, number: int) -> bytes:
    """As Exim writes it, whose status says little and whose words say it all."""
    fields = [
        f"Action: {failure.action}",
        f"Final-Recipient: rfc822;{to}",
        f"Status: {failure.status[0]}.0.0",
        "Remote-MTA: dns; mx.example",
        f"Diagnostic-Code: smtp; {failure.said.format(to=to)}",
    ]
    text = (
        "This message was created automatically by mail delivery software.\r\n\r\n"
        "A message that you sent could not be delivered to one or more of its\r\n"
        f"recipients. This is a permanent error. The following address(es) failed:\r\n\r\n  {to}"
    )
    return _report(
        ("Mail Delivery System", "Mail delivery failed: returning message to sender"), text,
        "Reporting-MTA: dns; mx.example", fields, ("message/rfc822", message), number,
        f"X-Failed-Recipients: {to}\r\n",
    )  # fmt: skip


def exchange(failure: Failure, to: str, message: bytes, number: int) -> bytes:
    """As Exchange Online writes it, with codes of its own and the whole message."""
    status = "5.1.10" if failure.status == "5.1.1" else failure.status
    words = "RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"
    said = f"550 5.1.10 {words}" if status == "5.1.10" else failure.said.format(to=to)
    fields = [
        f"Final-Recipient: rfc822;{to}",
        f"Action: {failure.action}",
        f"Status: {status}",
        f"Diagnostic-Code: smtp;{said}",
        "X-Display-Name: Somebody",
    ]
    return _report(
        ("Microsoft Outlook", "Undeliverable: your message"),
        f"Your message to {to} couldn't be delivered.",
        "Reporting-MTA: dns;DB9PR01.prod.exchangelabs.example", fields,
        ("message/rfc822", message), number,
    )  # fmt: skip


def gmail(failure: Failure, to: str, message: bytes, number: int) -> bytes:
    """As Gmail writes it: the answer of the other server over several lines."""
    said = failure.said.format(to=to)
    code, rest = said[:3], said[4:]
    first, _, second = rest.partition(": ")
    fields = [
        f"Final-Recipient: rfc822; {to}",
        f"Action: {failure.action}",
        f"Status: {failure.status}",
        f"Diagnostic-Code: smtp; {code}-{first}:\r\n {code} {second or first}",
        f"Last-Attempt-Date: {formatdate()}",
    ]
    return _report(
        ("Mail Delivery Subsystem", "Delivery Status Notification (Failure)"),
        f"** Address not found **\r\n\r\nYour message wasn't delivered to {to}.",
        "Reporting-MTA: dns; googlemail.example", fields, ("message/rfc822", message), number,
        f"X-Failed-Recipients: {to}\r\nAuto-Submitted: auto-replied\r\n",
    )  # fmt: skip


def amazon(failure: Failure, to: str, message: bytes, number: int) -> bytes:
    """As Amazon SES forwards it, without an empty return path."""
    fields = [
        f"Final-Recipient: rfc822;{to}",
        f"Action: {failure.action}",
        f"Status: {failure.status}",
        f"Diagnostic-Code: smtp; {failure.said.format(to=to)}",
    ]
    return _report(
        ("MAILER-DAEMON", "Delivery Status Notification (Failure)"),
        "An error occurred while trying to deliver the mail to the following recipients:\r\n"
        f"{to}",
        "Reporting-MTA: dns; a8-50.smtp-out.amazonses.example", fields,
        ("message/rfc822", message), number,
    )  # fmt: skip


WRITERS: Final[tuple[Callable[[Failure, str, bytes, int], bytes], ...]] = (
    postfix,
    exim,
    exchange,
    gmail,
    amazon,
)


def complaint(to: str, sender: str, message: bytes, number: int) -> bytes:
    """A report of a feedback loop (RFC 5965), in which the provider leaves the address out."""
    fields = [
        "Feedback-Type: abuse",
        "User-Agent: simulator/1.0",
        "Version: 1",
        f"Original-Mail-From: <{sender}>",
        f"Original-Rcpt-To: <{to}>",
        f"Arrival-Date: {formatdate()}",
    ]
    return _multipart(
        ("Feedback loop", "complaint about message"), "feedback-report",
        "This is an email abuse report.", "message/feedback-report", "\r\n".join(fields),
        ("message/rfc822", message), number, "",
    )  # fmt: skip


def automatic(to: str, sender: str, number: int) -> bytes:
    """An out-of-office notice (RFC 3834)."""
    lines = [
        f"From: <{to}>", f"To: <{sender}>", "Subject: Out of office", f"Date: {formatdate()}",
        f"Message-ID: <away-{number}@mail.example>", "Auto-Submitted: auto-replied", "",
        "I am away until Monday.", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


def _report(
    titles: tuple[str, str],
    text: str,
    of_message: str,
    of_recipient: list[str],
    returned: tuple[str, bytes],
    number: int,
    more: str = "",
) -> bytes:
    status = of_message + "\r\n\r\n" + "\r\n".join(of_recipient) + "\r\n"
    return _multipart(
        titles, "delivery-status", text, "message/delivery-status", status, returned, number, more
    )


def _multipart(
    titles: tuple[str, str],
    report: str,
    text: str,
    content_type: str,
    fields: str,
    returned: tuple[str, bytes],
    number: int,
    more: str,
) -> bytes:
    name, subject = titles
    head = (
        f"{more}From: {name} <MAILER-DAEMON@mx.example>\r\nSubject: {subject}\r\n"
        f"Date: {formatdate()}\r\nMessage-ID: <bounce-{number}@mx.example>\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/report; report-type={report}; boundary="{_BOUNDARY}"\r\n\r\n'
    )
    entities = [
        ("text/plain; charset=utf-8", text.encode()),
        (content_type, fields.encode()),
        returned,
    ]
    body = b"".join(
        f"--{_BOUNDARY}\r\nContent-Type: {kind}\r\n\r\n".encode() + content + b"\r\n"
        for kind, content in entities
    )
    return head.encode() + body + f"--{_BOUNDARY}--\r\n".encode()


def _head(message: bytes) -> bytes:
    return message.partition(b"\r\n\r\n")[0] + b"\r\n"
