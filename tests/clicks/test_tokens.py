"""What a tracked link names can't be changed by anybody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from clarion.clicks.tokens import Named, make_token, read_token

NUMBERS = st.integers(min_value=0, max_value=2**62)
# Text of a rendering: anything but what no message can hold.
VALUES = st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")))


@given(NUMBERS, NUMBERS, VALUES)
def test_what_goes_in_comes_out(delivery: int, link: int, values: list[str]) -> None:
    token = make_token(delivery, link, values)
    assert token.replace("-", "").replace("_", "").isalnum()
    assert read_token(token) == Named(delivery, link, tuple(values))


def test_a_token_is_short() -> None:
    assert len(make_token(1_000_000, 5_000)) <= 24


@given(st.text(max_size=60))
def test_nothing_else_is_read(text: str) -> None:
    with pytest.raises(ValueError, match="not complete or not ours"):
        read_token(text)


@pytest.mark.parametrize("position", range(0, 30, 3))
def test_a_changed_token_is_refused(position: int) -> None:
    token = make_token(77, 5, ["abcdef"])
    other = "A" if token[position] != "A" else "B"
    with pytest.raises(ValueError, match="not ours"):
        read_token(token[:position] + other + token[position + 1 :])


def test_an_earlier_key_is_good_as_long_as_it_is_kept(settings: Settings) -> None:
    token = make_token(1, 2)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "x" * 50, [settings.SECRET_KEY]
    assert read_token(token) == Named(1, 2)
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(ValueError, match="not ours"):
        read_token(token)
