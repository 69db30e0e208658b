"""The signed link with which a person leaves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from clarion.contacts.unsubscribe import make_token, read_token, unsubscribe_url


@given(st.integers(1, 2**63 - 1))
def test_a_token_stands_for_its_address(address_id: int) -> None:
    assert read_token(make_token(address_id)) == address_id


def test_the_link_begins_with_the_public_url(settings: Settings) -> None:
    settings.CLARION = settings.CLARION.model_copy(update={"public_url": "https://c.example/"})
    link = unsubscribe_url(17)
    assert link == f"https://c.example/unsubscribe/{make_token(17)}"
    assert link.isascii()
    assert "?" not in link


def test_without_a_public_url_there_is_no_link(settings: Settings) -> None:
    settings.CLARION = settings.CLARION.model_copy(update={"public_url": ""})
    assert unsubscribe_url(17) == ""


@pytest.mark.parametrize("token", ["", "17", "17:", ":abc", "17:abc", "x" * 3000, "17:ü", "\x00"])
def test_a_forged_token_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="unsubscribe link"):
        read_token(token)


def test_a_token_for_one_is_none_for_another() -> None:
    _, _, signature = make_token(17).partition(":")
    with pytest.raises(ValueError, match="unsubscribe link"):
        read_token(f"18:{signature}")


def test_links_survive_a_change_of_the_secret_key(settings: Settings) -> None:
    token, old = make_token(17), settings.SECRET_KEY
    settings.SECRET_KEY = "another key, which is as long as a secret key should be, 0123456789"
    with pytest.raises(ValueError, match="unsubscribe link"):
        read_token(token)
    settings.SECRET_KEY_FALLBACKS = [old]
    assert read_token(token) == 17
    assert make_token(17) != token


def test_a_token_signed_for_something_else_is_refused() -> None:
    from django.core.signing import Signer

    with pytest.raises(ValueError, match="unsubscribe link"):
        read_token(Signer(salt="another purpose").sign("17"))
