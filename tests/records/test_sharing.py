"""What texts have in common: whatever it is, each text is made again letter by letter."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clarion.records.sharing import learn, pack, unpack

texts = st.text(alphabet=st.sampled_from("ab ,:-1\n…é\U0001f600"), max_size=80)
LONG = "The table is laid, the soup is hot and your friends are on their way. " * 3


@given(
    text=texts,
    parts=st.lists(st.text(alphabet="ab ,:-1", min_size=1, max_size=5), min_size=1, max_size=6),
)
@example(text="", parts=["a"])
@example(text="aXa", parts=["a", "X", "a"])
@example(text="3,-:x", parts=["-", ":"])
def test_whatever_is_packed_by_whatever_parts_comes_back(text: str, parts: list[str]) -> None:
    assert unpack(pack(text, tuple(parts)), tuple(parts)) == text


@given(st.lists(texts, min_size=1, max_size=6), texts)
def test_parts_that_were_learned_bring_back_what_they_were_learned_from_and_more(
    samples: list[str], stranger: str
) -> None:
    around = [f"{LONG}{sample} and {LONG}" for sample in samples]
    parts = learn(around)

    for text in (*around, stranger):
        assert unpack(pack(text, parts), parts) == text
    assert all(part in text for part in parts for text in around)
    assert all(len(pack(text, parts)) < 110 for text in around)


def test_the_same_text_leaves_nothing() -> None:
    parts = learn([LONG, LONG])

    assert parts == (LONG,)
    assert pack(LONG, parts) == "0:"


def test_of_a_text_with_variables_the_values_are_left() -> None:
    def of(name: str, city: str) -> str:
        return f"Hello {name}, {LONG}See you in {city}. {LONG}Bye, {name}!"

    parts = learn([of("Ada", "Wien"), of("Grace Hopper", "New York")])

    left = pack(of("Linus", "Helsinki"), parts)

    assert "Linus" in left
    assert "Helsinki" in left
    assert len(left) < 60
    assert unpack(left, parts) == of("Linus", "Helsinki")


@pytest.mark.parametrize("words", ["x" * 9_000, "word " * 2_000, " ".join(map(str, range(3_000)))])
def test_long_texts_share_what_is_around_a_variable(words: str) -> None:
    parts = learn([f"{words} Ada {words}", f"{words} Grace {words}"])

    assert len(pack(f"{words} Linus {words}", parts)) < 40
