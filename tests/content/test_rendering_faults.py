"""Whatever a text asks for and whatever a person's values are: a sentence, and nothing else."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clarion.content.errors import ContentError
from clarion.content.filters import FILTERS, TESTS
from clarion.content.rendering import compile_text, unknown_variables

# JSON with a longer number can't be read: Python refuses to parse or write over 4,300 digits.
LONGEST = 10**4_299
ODD = {
    "name": "Ada", "empty": "", "list": [1, "a", None], "map": {"a": {"b": [1]}}, "big": LONGEST,
    "float": 1e308, "inf": float("inf"), "nan": float("nan"), "half": "a\ud800b", "nul": "\x00",
    "minus": -(2**63), "true": True, "nested": [[[]]], "bytes": b"a", "long": "x&" * 20_000,
}  # fmt: skip

_names = st.sampled_from([f"contact.{name}" for name in ODD])
_numbers = ["0", "1", "9223372036854775807", "170141183460469231731687303715884105727", "1.5"]
_values = st.one_of(
    _names,
    st.sampled_from([*_numbers, "'abc'", "'inf'", "'nan'", "''", "none", "true", "data.x", "[]"]),
    st.sampled_from(["[1, 'a']", "-1", "contact.list[5]", "contact.name[9:2]", "contact.map.a.b"]),
)
_filters = st.sampled_from(sorted(FILTERS))
_tests = st.sampled_from(sorted(TESTS))
_operators = st.sampled_from(["+", "-", "/", "//", "%", "==", "<", ">=", "in", "and", "or"])


@st.composite
def _chains(draw: st.DrawFn) -> str:
    """A value with filters behind it, then perhaps a test or a calculation."""
    chain = draw(_values)
    for _ in range(draw(st.integers(0, 3))):
        given_values = draw(st.lists(_values, max_size=3))
        brackets = f"({', '.join(given_values)})" if given_values or draw(st.booleans()) else ""
        chain += f" | {draw(_filters)}{brackets}"
    match draw(st.sampled_from(["", "test", "calculation"])):
        case "test":
            given_value = draw(st.one_of(st.just(""), _values.map(lambda value: f"({value})")))
            chain += f" is {draw(_tests)}{given_value}"
        case "calculation":
            chain += f" {draw(_operators)} {draw(_values)}"
    return chain


_texts = st.one_of(
    _chains().map(lambda chain: f"{{{{ {chain} }}}}"),
    _chains().map(lambda chain: f"{{% if {chain} %}}a{{% endif %}}"),
    _chains().map(lambda chain: f"{{% for one in {chain} %}}{{{{ one }}}}{{% endfor %}}"),
    st.text(),
)


@given(_texts)
@example("{{ contact.name | truncate('abc') }}")
@example("{{ contact.name | truncate('inf' | float) }}")
@example("{{ contact.name | truncate(contact.inf) }}")
@example("{{ contact.big | truncate(3) }}")
@example("{{ 5 is divisibleby(0) }}")
@example("{{ 'a\ud800' }}")
@example("{{ contact.half | urlencode }}")
def test_only_content_errors_arise(source: str) -> None:
    try:
        text = compile_text(source)
        unknown_variables(source, {"contact.name"})
        said = text.render(ODD, data={"x": 1})
    except ContentError as error:
        said = str(error)
        ended = "\n" not in said and bool(said)
    else:
        ended = isinstance(said, str)
    assert ended, said


@pytest.mark.parametrize("chain", ["", *(f" | {name}" for name in sorted(FILTERS))])
def test_the_longest_number_that_json_can_bring(chain: str) -> None:
    text = compile_text(f"{{{{ contact.big{chain} }}}}")
    try:
        written = text.render(ODD)
    except ContentError as error:
        written = str(error)
    assert written
    assert "unprintable" not in written


def test_a_panic_leaves_the_text_usable(monkeypatch: pytest.MonkeyPatch) -> None:
    """minijinja's own divisibleby panics at 0, and what panicked stays locked."""
    monkeypatch.setattr("clarion.content.rendering.OUR_TESTS", {})
    text = compile_text("{% if 6 is divisibleby(contact.by) %}yes{% endif %}")
    for _ in range(2):
        with pytest.raises(ContentError, match="can't work with the values"):
            text.render({"by": 0})
    assert text.render({"by": 3}) == "yes"


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("{{ contact.name | truncate('abc') }}", "The filter truncate needs a whole number"),
        ("{{ contact.name | truncate('inf' | float) }}", "The filter truncate needs a whole"),
        ("{{ 5 is divisibleby(0) }}", "The test divisibleby needs whole numbers"),
        ("{{ contact.huge | replace('a', 'b') }}", "can't work with the values that it gets"),
    ],
)
def test_a_wrong_value_is_explained(source: str, sentence: str) -> None:
    with pytest.raises(ContentError, match=sentence):
        compile_text(source).render({**ODD, "huge": 10 * LONGEST})
