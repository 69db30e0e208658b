"""WhatsApp's user ids: phone numbers and business-scoped ids."""

import re

from clarion.channels import phones
from clarion.channels.ids import TITLES as USUAL
from clarion.channels.phone_ids import PHONE, phone_number, phone_part

TITLES = ("wa_id", "whatsapp", "phone", "phone_number", "mobile", "msisdn", *USUAL)
# A business-scoped user id names a person who keeps their phone number to themselves:
# https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids
SCOPED_ID = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")


def is_user_id(value: str) -> bool:
    """Whether Meta can name a person so: the digits of a number, or a business-scoped id."""
    return bool(PHONE.fullmatch(value) or SCOPED_ID.fullmatch(value))


def rank_id(value: str) -> int:
    """A phone number is sent to as long as one is known: WhatsApp sends every kind of message to
    it, to a business-scoped id not all of them, and makes a new id when the number changes."""
    return 0 if PHONE.fullmatch(value) else 1 if SCOPED_ID.fullmatch(value) else 2


def id_part(text: str) -> str:
    """A part of a number as it is compared, by its digits; one of a business-scoped id as it is."""
    return phone_part(text)


def user_id(text: str, country: str = "") -> str:
    """The digits of a number with its country code, or a business-scoped id. Raises BadIdError.

    ``country``: that of numbers without “+” or “00” in front, in two letters. Without one such a
    number has to be a mobile phone's with its calling code, and no other country's without.
    """
    value = text.strip()
    return value if SCOPED_ID.fullmatch(value) else phone_number(text, country)


def beginning_of_number(value: str) -> str:
    """The digits of a number; of a business-scoped id, which begins with a country, its code.

    "" where that is unknown. ``value`` may be the beginning of one.
    """
    if not value[:1].isalpha():
        return value
    country = phones.countries().get(value[:2])
    return country.code if country else ""
