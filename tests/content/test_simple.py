"""Simple texts: joined from pieces, they are what the template engine would have made of them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clarion.content.errors import ContentError
from clarion.content.filters import OUTPUT_LIMIT
from clarion.content.rendering import Text, compile_text
from clarion.content.simple import simple_text

ADA = {"id": "77", "name": "Ada", "city": "Łódź", "age": 36, "toys": ["ball"], "half": "\ud800"}
LONGEST = OUTPUT_LIMIT // 4


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("Hello {{ contact.name }}!", "Hello Ada!"),
        ("{{contact.name}}{{ contact.city }}", "AdaŁódź"),
        ("A } b {{ contact.id }} {c}\n", "A } b 77 {c}\n"),
        ("{{ contact.plan | default('free') }}, {{ contact.name|d(\"x\") }}", "free, Ada"),
        ("{{ contact.plan | default('') }}.", "."),
    ],
)
def test_it_is_joined_from_its_pieces(source: str, shown: str) -> None:
    simple = simple_text(source, LONGEST)
    assert simple is not None
    assert simple.render(ADA, {}) == shown
    assert _by_the_engine(source, ADA) == shown


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("{{ unsubscribe_url }} {{ contact.name }}", "https://x.example/u Ada"),
        ("{{ preferences_url | default('none') }}", "none"),
    ],
)
def test_links_of_ones_own_are_inserted_too(source: str, shown: str) -> None:
    links = {"unsubscribe_url": "https://x.example/u"}
    simple = simple_text(source, LONGEST)
    assert simple is not None
    assert simple.render(ADA, links) == shown
    assert compile_text(f"{source}{{# by the engine #}}").render(ADA, **links) == shown


@pytest.mark.parametrize(
    "source",
    [
        "nothing to insert",
        "{{ contact.name | upper }}",
        "{{ contact.name }} {% if contact.city %}x{% endif %}",
        "{{ contact.name }} {# a remark #}",
        "{{- contact.name }}",
        "{{ contact.name | default(contact.city) }}",
        r"{{ contact.name | default('a\nb') }}",
        "{{ contact.name | default('x') | upper }}",
        "{{ contact.a.b }}",
        "{{ data.x }}",
        "{{ contact['name'] }}",
    ],
)
def test_everything_else_is_the_engines(source: str) -> None:
    assert simple_text(source, LONGEST) is None


@pytest.mark.parametrize("name", ["age", "toys", "half", "nothing"])
def test_a_value_that_is_no_text_is_the_engines(name: str) -> None:
    source = f"Hello {{{{ contact.{name} }}}}"
    simple = simple_text(source, LONGEST)
    assert simple is not None
    assert simple.render(ADA, {}) is None
    assert _shown(compile_text(source), ADA) == _by_the_engine(source, ADA)


def test_a_long_value_is_the_engines() -> None:
    text = compile_text("{{ contact.name }}")
    fits = "ä" * (OUTPUT_LIMIT // 2)
    assert text.render({"name": fits}) == fits
    with pytest.raises(ContentError, match="longer than 64 KiB"):
        text.render({"name": f"{fits}ä"})


_PIECES = st.sampled_from([
    "Hello ", "{", "}", "}}", "\n", "ä", "'", '"', "{{ contact.name }}", "{{contact.city}}",
    "{{ contact.age }}", "{{ contact.none | default('x y') }}", '{{ contact.name|d("z") }}',
    "{{ contact.none }}", "{{ contact.toys }}", "{{ contact.half }}", "{{ contact.items }}",
    "{{ contact.age | default('1') }}",
])  # fmt: skip


@given(st.lists(_PIECES, max_size=6), st.dictionaries(st.sampled_from(list(ADA)), st.text()))
def test_it_shows_what_the_engine_shows(pieces: list[str], others: dict[str, str]) -> None:
    source, contact = "".join(pieces), {**ADA, **others}
    try:
        text = compile_text(source)
    except ContentError:
        return
    assert _shown(text, contact) == _by_the_engine(source, contact)


def _by_the_engine(source: str, contact: dict[str, Any]) -> str:
    text = compile_text(source)
    text._simple = None
    return _shown(text, contact)


def _shown(text: Text, contact: dict[str, Any]) -> str:
    try:
        return text.render(contact)
    except ContentError as error:
        return f"refused: {error}"
