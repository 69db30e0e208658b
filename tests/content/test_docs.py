"""docs/personalisation.md names every filter and test, and its examples work."""

import re
from pathlib import Path

import pytest

from clarion.content.filters import FILTERS, TESTS
from clarion.content.rendering import compile_text, contact_context

PAGE = (Path(__file__).parents[2] / "docs" / "personalisation.md").read_text(encoding="utf-8")
CONTACT = contact_context(
    "Ada",
    {"city": "Rome", "plan": "gold", "points": "7", "vip": "yes", "basket": ["a", "b"],
     "nick name": "Addie", "sizes": {"shoe": 42}},
    "en", "UTC", "1",
)  # fmt: skip


# Each recipient has links of their own besides (engine.render).
LINKS = dict.fromkeys(("preferences_url", "unsubscribe_url"), "https://c.example/1")


def test_every_filter_and_test_is_there() -> None:
    named = set(re.findall(r"[a-z]+", " ".join(re.findall(r"`([^`]+)`", PAGE))))
    assert sorted((FILTERS | TESTS) - named) == []


@pytest.mark.parametrize(
    "example",
    sorted(
        {
            *re.findall(r"^    (\S.*)$", PAGE, re.MULTILINE),
            *re.findall(r"`(\{\{ [^`]+ \}\})`", PAGE),
        }
    ),
)
def test_examples_render(example: str) -> None:
    assert "{{ contact" not in compile_text(example).render(CONTACT, **LINKS)


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("{{ 4 is divisibleby(2) }}{{ 1 is eq(1) }}{{ 1 is ne(1) }}", "TrueTrueFalse"),
        ("{{ 3 is in([1, 2]) }}", "False"),
        ("{% for key, value in contact.sizes | items %}{{ key }}{{ value }}{% endfor %}", "shoe42"),
        ('{{ "yes" if contact.vip else "no" }}', "yes"),
        ("{{ contact.points | int + 1 }}{{ 2.345 | round(2) }}{{ -3 | abs }}", "82.353"),
        ("{{ 'ab' | first }}{{ 'ab' | last }}{{ 'ab' | length }}{{ 'ab' | count }}", "ab22"),
        ("{{ ' aB ' | trim }}{{ 'aB' | title }}{{ 'aB' | lower }}", "aBAbab"),
        ("{{ '1.5' | float }}{{ '<' | e }}{{ 'aB' | capitalize }}", "1.5&lt;Ab"),
    ],
)  # fmt: skip
def test_filters_and_tests_do_what_the_page_says(source: str, shown: str) -> None:
    assert compile_text(source).render(CONTACT) == shown
