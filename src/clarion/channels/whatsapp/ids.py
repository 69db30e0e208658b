"""WhatsApp's user ids: phone numbers and business-scoped ids."""

import re

from clarion.channels.contract import BadIdError
from clarion.channels.ids import TITLES as USUAL
from clarion.channels.ids import plain_id

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


def user_id(text: str) -> str:
    """The digits of a number with its country code, or a business-scoped id. Raises BadIdError."""
    value = plain_id(text)
    if SCOPED_ID.fullmatch(value):
        return value
    digits = _PHONE_SIGNS.sub("", value).removeprefix("00")
    if not _PHONE.fullmatch(digits):
        raise BadIdError("a WhatsApp number has its country code and 6 to 15 digits: 4915112345678")
    return digits
