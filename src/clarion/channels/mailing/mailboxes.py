"""E-mail addresses as messages and servers write them, with and without a name."""

import re
from typing import NamedTuple

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

_NAMED = re.compile(r"([^<>]{0,100}?) *<([^<>]+)>")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')  # a quoted-string (RFC 5322 3.2.4)
# Names that the world has no use for, but an office's own relay has; the list is there to be
# changed, says the library's README.
for _name in {"local", "localhost", "test"}.intersection(SPECIAL_USE_DOMAIN_NAMES):
    SPECIAL_USE_DOMAIN_NAMES.remove(_name)


class Sender(NamedTuple):
    """Whom the messages of a channel are from: a name, which may be empty, and a bare address."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        """What stands behind the @."""
        return self.address.rpartition("@")[2]


def mailbox(text: str) -> str:
    """The bare e-mail address in the form that SMTP takes. Raises ValueError with a sentence.

    The DNS is not asked: the mail server reports whether the mailbox exists. A domain with letters
    outside a to z is written in its ASCII form (RFC 5890).
    """
    try:
        address = validate_email(
            text, check_deliverability=False, globally_deliverable=False, strict=True
        )
    except EmailNotValidError:
        raise ValueError("This is not an e-mail address.") from None
    return address.ascii_email or f"{address.local_part}@{address.ascii_domain}"


def sender_of(text: str) -> Sender:
    """The sender in “Name <address>” or “address”. Raises ValueError with a sentence."""
    match = _NAMED.fullmatch(text.strip())
    name, address = match.groups() if match else ("", text.strip())
    try:
        if not name.isprintable():
            raise ValueError("control character")
        name = name.strip()
        if quoted := _QUOTED.fullmatch(name):
            name = re.sub(r"\\(.)", r"\1", quoted[1])
        return Sender(name.strip(), mailbox(address.strip()))
    except ValueError:
        raise ValueError(
            "Write the sender as News <news@example.org> or news@example.org."
        ) from None
