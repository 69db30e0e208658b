"""How many SMS a text takes, where it is cut, and its bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clarion.channels import sms_text

# 3GPP TS 23.038, 6.2.1: some characters in each row of the table, and the whole extension table.
CODES = [
    ("@", "00"), ("£", "01"), ("è", "04"), ("Ç", "09"), ("\n", "0a"), ("\r", "0d"), ("å", "0f"),
    ("Δ", "10"), ("_", "11"), ("Ξ", "1a"), ("Æ", "1c"), ("É", "1f"), (" ", "20"), ("¤", "24"),
    ("'", "27"), ("0", "30"), ("?", "3f"), ("¡", "40"), ("A", "41"), ("Z", "5a"), ("Ä", "5b"),
    ("§", "5f"), ("¿", "60"), ("a", "61"), ("z", "7a"), ("ä", "7b"), ("à", "7f"),
    ("\f", "1b0a"), ("^", "1b14"), ("{", "1b28"), ("}", "1b29"), ("\\", "1b2f"), ("[", "1b3c"),
    ("~", "1b3d"), ("]", "1b3e"), ("|", "1b40"), ("€", "1b65"),
]  # fmt: skip
GSM = "".join(character for character, _ in CODES)
texts = st.one_of(
    st.text(max_size=500),
    st.text(alphabet=GSM, min_size=140, max_size=500),
    st.text(alphabet="abc😀é語", min_size=60, max_size=250),
)


@pytest.mark.parametrize(("character", "code"), CODES)
def test_codes_of_the_alphabet(character: str, code: str) -> None:
    assert sms_text.encode(character, "gsm7").hex() == code
    assert sms_text.decode(bytes.fromhex(code), "gsm7") == character


@pytest.mark.parametrize(
    ("text", "encoding", "lengths"),
    [
        ("", "gsm7", ()),
        ("a" * 160, "gsm7", (160,)),
        ("a" * 161, "gsm7", (153, 8)),
        ("a" * 306, "gsm7", (153, 153)),
        ("a" * 307, "gsm7", (153, 153, 1)),
        ("€" * 80, "gsm7", (160,)),
        ("€" * 81, "gsm7", (152, 10)),
        ("a" * 152 + "€" + "b" * 20, "gsm7", (152, 22)),
        ("я" * 70, "ucs2", (70,)),
        ("я" * 71, "ucs2", (67, 4)),
        ("😀" * 35, "ucs2", (70,)),
        ("😀" * 36, "ucs2", (66, 6)),
        ("ç" * 70, "ucs2", (70,)),
        # Beside a character that is not in the alphabet, those of the extension count once.
        ("€" * 69 + "я", "ucs2", (70,)),
    ],
)
def test_number_of_messages(text: str, encoding: str, lengths: tuple[int, ...]) -> None:
    size = sms_text.size_of(text)
    assert (size.encoding, size.lengths) == (encoding, lengths)
    assert size.segments == len(lengths)


@pytest.mark.parametrize(
    ("text", "room"), [("", 160), ("abc", 157), ("a" * 161, 145), ("я", 69), ("я" * 134, 0)]
)
def test_room_that_is_left(text: str, room: int) -> None:
    assert sms_text.size_of(text).room == room


@given(texts)
def test_pieces_make_up_the_text_and_fit(text: str) -> None:
    size, pieces = sms_text.size_of(text), sms_text.split(text)
    assert "".join(pieces) == text
    octets = 1 if size.encoding == "gsm7" else 2
    encoded = [sms_text.encode(piece, size.encoding) for piece in pieces]
    assert tuple(len(each) // octets for each in encoded) == size.lengths
    single, part = (160, 153) if size.encoding == "gsm7" else (70, 67)
    assert all(length <= (single if len(pieces) == 1 else part) for length in size.lengths)
    # Nothing is cut in two: each piece is a text of its own, and no part is wasted.
    assert [sms_text.decode(each, size.encoding) for each in encoded] == list(pieces)
    assert all(length >= part - 1 for length in size.lengths[:-1])


@given(st.text(alphabet=st.characters(categories=["Cs", "So", "L"]), max_size=100))
def test_every_text_has_bytes(text: str) -> None:
    size = sms_text.size_of(text)
    octets = sms_text.encode(text, size.encoding)
    assert len(octets) == sum(size.lengths) * (1 if size.encoding == "gsm7" else 2)


@given(st.binary(max_size=200), st.sampled_from(["gsm7", "ucs2"]))
def test_any_bytes_are_read(octets: bytes, encoding: sms_text.Encoding) -> None:
    assert isinstance(sms_text.decode(octets, encoding), str)


def test_an_unknown_escape_is_read_as_the_basic_character() -> None:
    assert sms_text.decode(b"a\x1bb\x1b\x1bc\x1b", "gsm7") == "ab c "
    assert sms_text.decode(b"\x80\xff", "gsm7") == "\ufffd\ufffd"


def test_what_the_alphabet_lacks_has_no_bytes() -> None:
    with pytest.raises(ValueError, match="is not in the GSM alphabet"):
        sms_text.encode("я", "gsm7")
    with pytest.raises(ValueError, match="is not in the GSM alphabet"):
        sms_text.encode("\x1b", "gsm7")


def test_half_a_character_becomes_a_question_mark() -> None:
    assert sms_text.encode("a\ud83d", "ucs2") == b"\0a\0?"


def test_characters_that_cost_room() -> None:
    assert sms_text.forcing("Füße – “für” ç") == ("–", "“", "”", "ç")
    assert sms_text.forcing("12 € [ok]") == ()
    assert sms_text.counted_twice("12 € [ok]") == ("€", "[", "]")
    assert sms_text.counted_twice("12 € я 😀😀") == ("😀",)


@pytest.mark.parametrize(
    ("text", "simple"),
    [
        ("“Don’t – wait…”", '"Don\'t - wait..."'),
        ("10\u00a0€\u200b", "10 €"),
        ("u\u0308ber", "über"),
        ("“Привет”", "“Привет”"),
        ("Wait… 😀", "Wait… 😀"),
        ("ça", "ça"),
        ("plain", "plain"),
    ],
)
def test_look_alikes_are_replaced_where_that_is_enough(text: str, simple: str) -> None:
    assert sms_text.simplified(text) == simple


def test_the_preview_names_what_is_replaced() -> None:
    assert sms_text.replacements("“a” – “b”…") == (
        ("“", '"'), ("”", '"'), ("–", "-"), ("…", "..."),
    )  # fmt: skip
    assert sms_text.replacements("“я”") == ()


@given(st.text(max_size=200))
def test_replacing_never_needs_more_messages_than_ucs2_and_is_final(text: str) -> None:
    simple = sms_text.simplified(text)
    assert sms_text.simplified(simple) == simple
    if simple != text:
        assert sms_text.encoding_of(simple) == "gsm7"
        assert sms_text.replacements(text) or max(text) >= "\u0300"
