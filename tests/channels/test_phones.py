"""Phone numbers with and without their country."""

from itertools import pairwise

import pytest

from clarion.channels import phones
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


def test_without_a_country_the_number_needs_its_calling_code() -> None:
    for written in ("612345678", "61 234-5678", "44123456"):
        with pytest.raises(BadIdError, match="set the country of the channel"):
            user_id(written)
    assert user_id("+612345678") == "612345678"  # whoever writes a + means it


def test_no_calling_code_begins_another() -> None:
    """Else ``has_code`` would depend on which one is looked at first."""
    codes = sorted(phones._codes())
    for shorter, longer in pairwise(codes):
        assert not longer.startswith(shorter)
    assert {country.code for country in phones.countries().values()} <= set(codes)
    assert all(len(name) == 2 for name in phones.countries())
