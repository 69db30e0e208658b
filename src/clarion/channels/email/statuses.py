"""The enhanced status codes of mail servers, and what each is classed as.

Codes, their replies and meanings: RFC 3463, RFC 5248 and the IANA registry “SMTP Enhanced Status
Codes”, to X.7.27. Left out are those that no server says to who hands in a message for one
recipient: of mailing lists, priorities and RRVS. The class is that of ``outcomes``, which reads the
same codes: a server's own words may change it.
"""

from collections.abc import Iterable
from typing import Final

from clarion.channels.catalogue import ListedError
from clarion.channels.contract import Refused
from clarion.channels.email.outcomes import outcome_of
from clarion.transport.messages import SmtpReply, Stage

# The usual stage and reply of each, and its meaning.
STATUSES: Final[tuple[tuple[str, Stage, int, str], ...]] = (
    ("4.2.1", "rcpt", 450, "The mailbox accepts no messages at the moment"),
    ("4.2.2", "rcpt", 452, "The mailbox is full"),
    ("4.3.0", "data", 451, "Undefined problem of the mail system"),
    ("4.3.1", "mail", 452, "The storage of the mail system is full"),
    ("4.3.2", "connect", 421, "The system accepts no messages"),
    ("4.3.5", "data", 451, "The system is not configured correctly"),
    ("4.4.1", "rcpt", 451, "No answer from the host of the recipient"),
    ("4.4.2", "data", 421, "The connection to the next server broke"),
    ("4.4.3", "rcpt", 451, "A directory server such as the DNS does not answer"),
    ("4.4.5", "rcpt", 451, "The mail system is congested"),
    ("4.5.3", "rcpt", 452, "Too many recipients"),
    ("4.7.0", "data", 450, "Undefined security problem"),
    ("4.7.0", "auth", 454, "The login can't be checked at the moment"),
    ("4.7.1", "rcpt", 451, "Delivery is not authorized at the moment"),
    ("4.7.12", "auth", 432, "A password transition is needed"),
    ("4.7.24", "data", 451, "SPF could not be checked"),
    ("5.1.0", "rcpt", 550, "Undefined problem of an address"),
    ("5.1.1", "rcpt", 550, "Bad mailbox of the recipient"),
    ("5.1.2", "rcpt", 550, "Bad domain of the recipient"),
    ("5.1.3", "rcpt", 501, "Bad syntax of the recipient's address"),
    ("5.1.4", "rcpt", 550, "The recipient's address is ambiguous"),
    ("5.1.6", "rcpt", 551, "The mailbox has moved"),
    ("5.1.7", "mail", 550, "Bad syntax of the sender's address"),
    ("5.1.8", "mail", 550, "Bad domain of the sender"),
    ("5.1.10", "rcpt", 556, "The recipient's domain has a null MX"),
    ("5.2.0", "rcpt", 550, "Undefined problem of a mailbox"),
    ("5.2.1", "rcpt", 550, "The mailbox is disabled"),
    ("5.2.2", "rcpt", 552, "The mailbox is full"),
    ("5.2.3", "data", 552, "The message is longer than the mailbox accepts"),
    ("5.3.0", "data", 554, "Undefined problem of the mail system"),
    ("5.3.2", "connect", 521, "The system accepts no messages"),
    ("5.3.4", "mail", 552, "The message is too big for the system"),
    ("5.4.1", "rcpt", 550, "No answer from the host of the recipient"),
    ("5.4.4", "rcpt", 550, "There is no route to the recipient's domain"),
    ("5.4.6", "data", 554, "Routing loop"),
    ("5.5.1", "mail", 530, "Invalid command: the server wants a login first"),
    ("5.5.2", "data", 500, "Syntax error"),
    ("5.5.4", "rcpt", 501, "Invalid command arguments"),
    ("5.6.0", "data", 554, "Undefined problem of the content"),
    ("5.6.7", "rcpt", 553, "Addresses with other letters than ASCII are not permitted"),
    ("5.7.0", "mail", 530, "The server wants a login"),
    ("5.7.1", "data", 550, "Delivery is not authorized"),
    ("5.7.8", "auth", 535, "User name or password is wrong"),
    ("5.7.9", "auth", 534, "The way of logging in is too weak"),
    ("5.7.11", "auth", 538, "The way of logging in needs encryption"),
    ("5.7.13", "auth", 525, "The account is disabled"),
    ("5.7.20", "data", 550, "No passing DKIM signature"),
    ("5.7.21", "data", 550, "No acceptable DKIM signature"),
    ("5.7.22", "data", 550, "No DKIM signature of the sender's domain"),
    ("5.7.23", "data", 550, "SPF failed"),
    ("5.7.24", "data", 550, "SPF could not be checked"),
    ("5.7.25", "data", 550, "Reverse DNS failed"),
    ("5.7.26", "data", 550, "Several authentication checks failed"),
    ("5.7.27", "data", 550, "The sender's domain has a null MX"),
)


def listed_statuses() -> Iterable[ListedError]:
    """The codes as errors: each with its class, and the sentence that records show."""
    for status, stage, code, meaning in STATUSES:
        outcome = outcome_of(SmtpReply(stage, code, f"{status} {meaning}"))
        assert isinstance(outcome, Refused)
        mark = outcome.mark if outcome.refusal == "unreachable" else ""
        yield ListedError(f"{code} {status}", outcome.refusal, outcome.reason, mark)
