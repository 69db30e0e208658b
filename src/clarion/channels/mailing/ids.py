"""E-mail addresses as user ids."""

import re
from unicodedata import normalize

from email_validator import EmailNotValidError, validate_email

from clarion.channels import payloads
from clarion.channels.contract import BadIdError
from clarion.channels.ids import EMAIL_TITLES, LONGEST, plain_id
from clarion.channels.ids import TITLES as USUAL

SPACE = "e-mail addresses"  # all kinds of e-mail share them
TITLES = (*EMAIL_TITLES, *USUAL)
_ATOM = r"[A-Za-z0-9_%+'-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ENCODED = "xn--"  # how a label with other letters begins in its ASCII form (RFC 5890)
_PLAIN = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+[A-Za-z]{{2,63}}")


def user_id(text: str) -> str:
    """The address in lower case: nobody has two mailboxes that differ in case alone.

    RFC 5321 2.4 leaves it to each server whether case matters before the @; none in use cares, and
    people write their own address in either. A domain with other letters than ASCII is written with
    them: “xn--mnchen-3ya.de” is “münchen.de”. Raises BadIdError.
    """
    if _ENCODED in text.lower():
        return normalize("NFC", _normalized(plain_id(text)).lower())
    # The library takes 60 times as long, and a file has millions of addresses.
    if len(text) <= 254 and text.find("@") <= 64 and _PLAIN.fullmatch(text):
        return text.lower()
    return normalize("NFC", written_id(text).lower())


def id_part(text: str) -> str:
    """A part of an address as it is compared: in lower case, with the letters of its domain."""
    before, at, domain = normalize("NFC", text.strip().lower()).rpartition("@")
    return before + at + ".".join(map(_decoded, domain.split(".")))


def written_id(text: str) -> str:
    """The address as it is written, its domain in lower case. Raises BadIdError."""
    value = plain_id(text)
    if len(value) <= 254 and value.find("@") <= 64 and _PLAIN.fullmatch(value):
        local, _, domain = value.partition("@")
        return value if domain.islower() else f"{local}@{domain.lower()}"
    return _normalized(value)


def reported_id(value: object) -> str:
    """The user id of an address in a callback, "" for what is none. Never raises."""
    try:
        return user_id(payloads.text(value, LONGEST))
    except BadIdError:
        return ""


def _decoded(label: str) -> str:
    """A label of a domain with its own letters; one that is not complete stays as it is."""
    if not label.startswith(_ENCODED):
        return label
    try:
        return _normalized(f"a@{label}.example").removeprefix("a@").removesuffix(".example")
    except BadIdError:
        return label


def _normalized(value: str) -> str:
    try:
        return validate_email(value, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise BadIdError(f"this is no e-mail address: {error}".rstrip(".")) from None
