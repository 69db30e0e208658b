"""The words with which people leave and come back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clarion.channels.keywords import requested_state


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        "stop",
        " Stop! ",
        "/stop",
        "/stop@news_bot",
        "“stop”",
        "Unsubscribe.",
        "STOP ALL",
        "opt-out",
        "stopall\n",
    ],
)
def test_leaving(text: str) -> None:
    assert requested_state(text) == "opted_out"


@pytest.mark.parametrize(
    "text",
    ["START", "/start", "/start@news_bot", "/start spring-2026", "Start!", "unstop", "subscribe"],
)
def test_coming_back(text: str) -> None:
    assert requested_state(text) == "active"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "don't stop",
        "stop it",
        "please unsubscribe me",
        "start now",
        "non-stop",
        "stopp",
        "/starting x",
        "s top",
        "stop " * 100,
    ],
)
def test_anything_else_means_nothing(text: str) -> None:
    assert requested_state(text) is None


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    assert requested_state(text) in (None, "opted_out", "active")
