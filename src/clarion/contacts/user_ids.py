"""Providers' user ids as they come in files: which column they stand in, which are possible."""

import re
from collections.abc import Callable, Sequence

from email_validator import EmailNotValidError, validate_email

LONGEST = 320  # characters; the longest e-mail address
_EMAIL_TITLES = ("email", "e_mail", "email_address", "mail")
_TITLES = ("id", "user_id", "userid", "chat_id", "chatid", "phone", "phone_number", "msisdn")
_TITLES_BY_KIND = {
    "email": (*_EMAIL_TITLES, *_TITLES),
    "telegram": ("chat_id", "chatid", "telegram_id", "user_id", "userid", "id"),
    "whatsapp": ("wa_id", "whatsapp", "phone", "phone_number", "mobile", "msisdn", *_TITLES),
}
_INTEGER = re.compile(r"-?[1-9][0-9]{0,18}")
_PHONE = re.compile(r"[1-9][0-9]{5,14}")  # E.164 without its “+”
# No full stop: “4915112345678.0”, as spreadsheets write it, would become another number.
_PHONE_SIGNS = re.compile(r"\(0\)|[\s()+/-]")
_SCOPED_ID = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")
_ATOM = r"[A-Za-z0-9_%+'-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PLAIN_EMAIL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+[A-Za-z]{{2,63}}")
_DATA = re.compile(r"[+-]?[0-9]{3,}|[^@\s]+@[^@\s]+\.[^@\s]+")

Check = Callable[[str], str]


class BadIdError(ValueError):
    """This can't be a user id on that channel: the reason, in a few words."""


def find_column(columns: Sequence[str], kind: str) -> str | None:
    """The column of user ids: the only one, or the first with a title that says so."""
    if len(columns) == 1:
        return columns[0]
    by_title = {re.sub(r"[\s-]+", "_", title.lower()): title for title in reversed(columns)}
    usual = _TITLES_BY_KIND.get(kind, (*_TITLES, *_EMAIL_TITLES))
    return next((by_title[title] for title in usual if title in by_title), None)


def looks_like_data(title: str) -> bool:
    """Whether this is rather somebody's id than the title of a column."""
    return _DATA.fullmatch(title) is not None


def checker(kind: str) -> Check:
    """The function that gives a user id as it is stored, or raises BadIdError."""
    return {"email": _email, "telegram": _integer, "whatsapp": _phone}.get(kind, _anything)


def _anything(value: str) -> str:
    value = value.strip()
    if not value:
        raise BadIdError("the id is empty")
    if len(value) > LONGEST:
        raise BadIdError(f"the id is longer than {LONGEST} characters")
    if not value.isprintable():
        raise BadIdError("the id has an invisible character")
    return value


def _integer(value: str) -> str:
    value = _anything(value)
    if not _INTEGER.fullmatch(value) or abs(int(value)) > 2**63 - 1:
        raise BadIdError("a Telegram id is a whole number such as 123456789")
    return value


def _phone(value: str) -> str:
    """The digits with the country's code, as WhatsApp names its people, or a business-scoped id
    (of those who keep their number to themselves)."""
    value = _anything(value)
    if _SCOPED_ID.fullmatch(value):
        return value
    digits = _PHONE_SIGNS.sub("", value).removeprefix("00")
    if not _PHONE.fullmatch(digits):
        raise BadIdError("a WhatsApp number has its country code and 6 to 15 digits: 4915112345678")
    return digits


def _email(value: str) -> str:
    """The address with its domain in lower case; the part before the @ is the owner's affair."""
    value = _anything(value)
    if len(value) <= 254 and value.find("@") <= 64 and _PLAIN_EMAIL.fullmatch(value):
        local, _, domain = value.partition("@")
        return value if domain.islower() else f"{local}@{domain.lower()}"
    try:
        return validate_email(value, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise BadIdError(f"this is no e-mail address: {error}".rstrip(".")) from None
