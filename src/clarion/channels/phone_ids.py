"""User ids that are phone numbers: their digits with the country code, without a “+”."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from clarion.channels import phones
from clarion.channels.contract import BadIdError
from clarion.channels.ids import TITLES as USUAL
from clarion.channels.ids import plain_id
from clarion.channels.mobile_numbers import is_international

TITLES: Final = ("phone", "phone_number", "mobile", "msisdn", *USUAL)
PHONE: Final = re.compile(r"[1-9][0-9]{5,14}")  # E.164 without its “+”
# No full stop: “4915112345678.0”, as spreadsheets write it, would become another number.
_SIGNS = re.compile(r"\(0\)|[\s()+/-]")


def phone_number(text: str, country: str = "") -> str:
    """The digits of a number with its country code. Raises BadIdError.

    ``country``: that of numbers without “+” or “00” in front, in two letters. Without one such a
    number has to be a mobile phone's with its calling code, and no other country's without.
    """
    if not country and PHONE.fullmatch(text) and is_international(text):
        return text  # nearly all, and a file has millions
    value = plain_id(text)
    digits = _SIGNS.sub("", value)
    if value.startswith("+") or digits.startswith("00"):
        digits = digits.removeprefix("00")
    elif country and digits.isascii() and digits.isdigit():
        own = phones.with_code(digits, country)
        if own is None:
            raise BadIdError(
                f"it is not a phone number of {country}, the country of the channel: write numbers "
                "of other countries with their + or 00"
            )
        digits = own
    elif PHONE.fullmatch(digits.lstrip("0")) and not is_international(digits):
        raise BadIdError(
            "it is not clear which country the number is of: write it as +4915112345678, or set "
            "the country of the channel"
        )
    if not PHONE.fullmatch(digits):
        raise BadIdError("a phone number has its country code and 6 to 15 digits: 4915112345678")
    return digits


def phone_part(text: str) -> str:
    """A part of a number as it is compared, by its digits; anything else as it is."""
    digits = _SIGNS.sub("", text)
    return digits.removeprefix("00") if digits.isdigit() else text.strip()


def _is_country(value: str) -> str:
    """The two letters of a country, or nothing, as a setting. Raises ValueError with a sentence."""
    country = value.strip().upper()
    if country and country not in phones.countries():
        raise ValueError("Write the two letters of a country, for example DE.")
    return country


# A setting of kinds that take phone numbers; its default is "": no country.
Country = Annotated[
    str,
    AfterValidator(_is_country),
    Field(
        title="Country of phone numbers",
        description="Two letters, for example DE: the country of phone numbers in files that begin "
        "with neither + nor 00. Leave it empty if all numbers have their country code.",
    ),
]
