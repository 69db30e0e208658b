"""What providers say, made fit for a reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clarion.channels.wording import tidy


@pytest.mark.parametrize(
    ("text", "tidied"),
    [
        ("no such person", "no such person"),
        ("  Too late.  \n", "Too late"),
        ("see https://x.example/a?token=abc for more", "see … for more"),
        ("<anna@example.org>: user unknown", "… user unknown"),
        ("person 4915112345678 is off", "person … is off"),
        ("error 131026 in 3 s, code 4096", "error … in 3 s, code 4096"),
        ('end tag "b" at byte 17', "end tag … at byte 17"),
        ("“Anna” is `gone`", "… is …"),
        ("id 0f8fad5b-d9cb-469f-a165-70867728950e", "id"),
        ("queued as 4XyZ12abc - gsmtp", "queued as … - gsmtp"),
        ("from 192.0.2.17 [2001:db8::1]", "from"),
        ("HTTP2 and UTF-8 5.7.1", "HTTP2 and UTF-8 5.7.1"),
        ("AKIAIOSFODNNEXAMPLEKEYABCDEFGH", ""),
        ("a\x00b\u2028c\ud800d", "a b c d"),
        ("…", ""),
        ("", ""),
    ],
)
def test_tidy(text: str, tidied: str) -> None:
    assert tidy(text).rstrip("… []") == tidied.rstrip("… []")


def test_secrets_are_taken_out_first() -> None:
    assert tidy("bad token hush hush here", ["hush hush", ""]) == "bad token … here"


def test_a_secret_across_the_cut_is_taken_out_too() -> None:
    secret = "open sesame"
    assert "open" not in tidy("x y " * 98 + secret, [secret])


@given(st.text(max_size=2_000))
def test_it_is_one_short_line(text: str) -> None:
    tidied = tidy(text)
    assert len(tidied) <= 160
    assert tidied.isprintable()
    assert not tidied.endswith(".")


@given(st.integers(10_000), st.emails())
def test_numbers_and_addresses_never_get_through(number: int, address: str) -> None:
    tidied = tidy(f"no {number} for {address}")
    assert str(number) not in tidied
    assert address not in tidied
