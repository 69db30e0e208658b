"""Patterns: what they make, what they refuse, and that nobody can guess."""

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clarion.codes.errors import CodeError
from clarion.codes.patterns import GUESSES, parse


def test_a_code_is_made_as_the_pattern_says() -> None:
    codes = parse("spring-####-????").codes(500)
    assert len(codes) == 500
    assert all(re.fullmatch(r"SPRING-[2-9]{4}-[A-HJKMNP-Z]{4}", code) for code in codes)


def test_look_alikes_only_where_they_are_wanted() -> None:
    pattern = parse("*" * 40)
    assert not set("".join(pattern.codes(500))) & set("01ILO")
    loose = parse("*" * 40, look_alikes=True)
    assert set("01ILO") <= set("".join(loose.codes(500)))


@pytest.mark.parametrize("sign", ["#", "?", "*"])
@pytest.mark.parametrize("loose", [False, True])
def test_every_sign_is_as_likely_as_any_other(sign: str, loose: bool) -> None:
    counts = Counter(parse(sign * 60, look_alikes=loose).codes(1_000)[0])
    counts = Counter("".join(parse(sign * 60, look_alikes=loose).codes(1_000)))
    expected = 60_000 / len(counts)
    # Twelve standard deviations and more: never by chance.
    assert all(abs(count - expected) < 12 * expected**0.5 for count in counts.values())


def test_a_pattern_that_cannot_hold_them_says_how_to_make_it_longer() -> None:
    pattern = parse("A-??")
    pattern.check_holds(pattern.possible // GUESSES or 1) if pattern.possible >= GUESSES else None
    with pytest.raises(CodeError, match=r"Add 2 more “\?”"):
        pattern.check_holds(200)
    parse("A-????").check_holds(200)


@pytest.mark.parametrize("text", ["", "   ", "Ä-####", "a b", "x" * 65, "A\x00####"])
def test_a_pattern_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(CodeError):
        parse(text)


@given(st.text(alphabet="AB19#?*-", min_size=1, max_size=20), st.booleans())
def test_fixed_signs_stay(text: str, loose: bool) -> None:
    pattern = parse(text, look_alikes=loose)
    for code in pattern.codes(3):
        assert len(code) == len(text)
        assert all(made == sign for made, sign in zip(code, text, strict=True) if sign not in "#?*")
