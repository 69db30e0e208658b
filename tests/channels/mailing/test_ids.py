"""E-mail addresses in the form in which they are compared."""

import pytest

from clarion.channels.contract import BadIdError
from clarion.channels.mailing import ids


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("Ada@XN--Mnchen-3ya.DE", "ada@münchen.de"),
        ("ada@MÜNCHEN.de", "ada@münchen.de"),
        ("ada@mail.xn--fa-hia.de", "ada@mail.faß.de"),
        ("ada@fass.de", "ada@fass.de"),
        ("xn--ada@example.org", "xn--ada@example.org"),
    ],
)
def test_both_forms_of_a_domain_are_one_address(written: str, compared: str) -> None:
    assert ids.user_id(written) == compared
    assert ids.user_id(compared) == compared


def test_what_is_sent_to_stays_as_it_was_written() -> None:
    assert ids.written_id("Ada@XN--Mnchen-3ya.de") == "Ada@xn--mnchen-3ya.de"


def test_a_domain_that_can_not_be_decoded_is_no_address() -> None:
    with pytest.raises(BadIdError, match="no e-mail address"):
        ids.user_id("ada@xn--a.de")


@pytest.mark.parametrize(
    ("part", "compared"),
    [
        ("@xn--mnchen-3ya.de", "@münchen.de"),
        ("XN--MNCHEN-3YA.de", "münchen.de"),
        (".bad.xn--p1ai", ".bad.рф"),
        ("@MÜNCHEN.de", "@münchen.de"),
        ("xn--mnch", "xn--mnch"),
        ("ada@xn--mnchen-3ya.de", "ada@münchen.de"),
    ],
)
def test_parts_of_addresses_too(part: str, compared: str) -> None:
    assert ids.id_part(part) == compared


@pytest.mark.parametrize(
    ("value", "user_id"),
    [
        ("Ada@Example.org", "ada@example.org"),
        ("no address", ""),
        ("", ""),
        (None, ""),
        (["ada@example.org"], ""),
        (f"{'a' * 320}@example.org", ""),
    ],
)
def test_what_a_callback_names_is_an_address_or_nothing(value: object, user_id: str) -> None:
    assert ids.reported_id(value) == user_id
