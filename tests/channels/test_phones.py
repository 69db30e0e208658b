"""Phone numbers with and without their country."""

from itertools import pairwise

import pytest

from clarion.channels import mobile_numbers, phones
from clarion.channels.contract import BadIdError
from clarion.channels.whatsapp.ids import user_id


@pytest.mark.parametrize(
    ("written", "country", "stored"),
    [
        ("0151 1234-5678", "DE", "4915112345678"),
        ("15112345678", "DE", "4915112345678"),  # a spreadsheet has dropped the 0
        ("4915112345678", "DE", "4915112345678"),
        ("49112345", "DE", "4949112345"),  # a landline whose area code is 0491
        ("+33 6 12 34 56 78", "DE", "33612345678"),
        ("0033612345678", "DE", "33612345678"),
        ("612345678", "ES", "34612345678"),
        ("(650) 555-1234", "US", "16505551234"),
        ("1 650 555 1234", "US", "16505551234"),
        ("06 12345678", "IT", "390612345678"),  # Italy's 0 belongs to the number
        ("US.1349120865", "DE", "US.1349120865"),
    ],
)
def test_a_number_of_the_channels_country(written: str, country: str, stored: str) -> None:
    assert user_id(written, country) == stored
    assert user_id(f"+{stored}" if stored.isdigit() else stored, country) == stored


@pytest.mark.parametrize("written", ["0151", "1", "4" * 16, "49.151", ""])
def test_no_number_of_that_country(written: str) -> None:
    with pytest.raises(BadIdError):
        user_id(written, "DE")


@pytest.mark.parametrize("written", ["4915112345678", "12025550123", "0151 12345678"])
def test_a_number_of_another_country_needs_its_sign(written: str) -> None:
    with pytest.raises(BadIdError, match=r"not a phone number of ES.* their \+ or 00"):
        user_id(written, "ES")


@pytest.mark.parametrize(
    "written",
    [
        "4915112345678",
        "12025550123",
        "33612345678",
        "447911123456",
        "5215512345678",  # Mexico, as some providers write it
        "5491123456789",
        "919876543210",
        "8613812345678",
        "4366412345678",
        "493012345678",  # Berlin: what an export has, an import takes
    ],
)
def test_without_a_country_a_mobile_number_with_its_code_is_clear(written: str) -> None:
    assert user_id(written) == written


@pytest.mark.parametrize(
    "written",
    [
        "612345678",  # Spain or France
        "61 234-5678",
        "0151 12345678",
        "15112345678",  # Germany, where a spreadsheet has dropped the 0: there is no +1 511
        "13812345678",  # China: there is no +1 381
        "2025550123",  # the USA; with a code it would be a landline in Egypt
        "4792345678",  # Norway with its code, or Arkansas
        "6591234567",  # Singapore with its code, or India
        "44123456",
        "49112345",
    ],
)
def test_without_a_country_what_may_be_of_another_one_is_refused(written: str) -> None:
    with pytest.raises(BadIdError, match="not clear which country"):
        user_id(written)
    digits = written.replace(" ", "").replace("-", "").lstrip("0")
    assert user_id(f"+{digits}") == digits  # whoever writes a + means it


@pytest.mark.parametrize(
    ("country", "number"), [("NO", "4792345678"), ("SG", "6591234567"), ("US", "12025550123")]
)
def test_the_channels_country_makes_it_clear(country: str, number: str) -> None:
    code = phones.countries()[country].code
    assert user_id(number, country) == number
    assert user_id(number.removeprefix(code), country) == number


def test_no_calling_code_begins_another() -> None:
    """Else it would depend on which one is looked at first."""
    codes = sorted({*phones._codes(), *mobile_numbers._patterns()})
    for shorter, longer in pairwise(codes):
        assert not longer.startswith(shorter)
    assert {country.code for country in phones.countries().values()} <= set(codes)
    assert all(len(name) == 2 for name in phones.countries())
