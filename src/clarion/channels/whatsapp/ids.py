"""WhatsApp's user ids: phone numbers and business-scoped ids."""

import re

from clarion.channels import phones
from clarion.channels.contract import BadIdError
from clarion.channels.ids import TITLES as USUAL
from clarion.channels.ids import plain_id
from clarion.channels.mobile_numbers import is_international

TITLES = ("wa_id", "whatsapp", "phone", "phone_number", "mobile", "msisdn", *USUAL)
# A business-scoped user id names a person who keeps their phone number to themselves:
# https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids
SCOPED_ID = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")
_PHONE = re.compile(r"[1-9][0-9]{5,14}")  # E.164 without its “+”
# No full stop: “4915112345678.0”, as spreadsheets write it, would become another number.
_PHONE_SIGNS = re.compile(r"\(0\)|[\s()+/-]")


def is_user_id(value: str) -> bool:
    """Whether Meta can name a person so: the digits of a number, or a business-scoped id."""
    return bool(_PHONE.fullmatch(value) or SCOPED_ID.fullmatch(value))


def rank_id(value: str) -> int:
    """A phone number is sent to as long as one is known: WhatsApp sends every kind of message to
    it, to a business-scoped id not all of them, and makes a new id when the number changes."""
    return 0 if _PHONE.fullmatch(value) else 1 if SCOPED_ID.fullmatch(value) else 2


def id_part(text: str) -> str:
    """A part of a number as it is compared, by its digits; one of a business-scoped id as it is."""
    digits = _PHONE_SIGNS.sub("", text)
    if not digits.isdigit():
        return text.strip()
    return digits.removeprefix("00")


def user_id(text: str, country: str = "") -> str:
    """The digits of a number with its country code, or a business-scoped id. Raises BadIdError.

    ``country``: that of numbers without “+” or “00” in front, in two letters. Without one such a
    number has to be a mobile phone's with its calling code, and no other country's without.
    """
    if not country and _PHONE.fullmatch(text) and is_international(text):
        return text  # nearly all, and a file has millions
    value = plain_id(text)
    if SCOPED_ID.fullmatch(value):
        return value
    digits = _PHONE_SIGNS.sub("", value)
    if value.startswith("+") or digits.startswith("00"):
        digits = digits.removeprefix("00")
    elif country and digits.isascii() and digits.isdigit():
        own = phones.with_code(digits, country)
        if own is None:
            raise BadIdError(
                f"it is no phone number of {country}, the country of the channel: write numbers of "
                "other countries with their + or 00"
            )
        digits = own
    elif _PHONE.fullmatch(digits.lstrip("0")) and not is_international(digits):
        raise BadIdError(
            "it is not clear which country the number is of: write it as +4915112345678, or set "
            "the country of the channel"
        )
    if not _PHONE.fullmatch(digits):
        raise BadIdError("a WhatsApp number has its country code and 6 to 15 digits: 4915112345678")
    return digits
