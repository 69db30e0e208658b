"""Names and types of files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clarion.channels.files import LONGEST_NAME, content_type, file_name
from clarion.kit.parts import Media


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("Preisliste für Anna.pdf", "Preisliste für Anna.pdf"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\Users\\x.pdf", "C__Users_x.pdf"),
        ('a"b.png', "a_b.png"),
        ("a\r\nContent-Type: text/html", "aContent-Type_ text_html"),
        ("a\u2028b\x00\x7f.png", "ab.png"),
        ("  a \t b .png ", "a b .png"),
        ("100 %.pdf", "100 _.pdf"),
        ("...", "picture.png"),
        ("", "picture.png"),
        ("\ud800", "picture.png"),
        ("x" * 300 + ".pdf", "x" * 76 + ".pdf"),
        ("x" * 300, "x" * 80),
        ("x" * 70 + "." + "y" * 20, "x" * 70 + "." + "y" * 9),
    ],
)
def test_names(name: str, safe: str) -> None:
    assert file_name(Media("image", "", name, "image/png")) == safe


@pytest.mark.parametrize(
    ("media", "name"),
    [
        (Media("image", "https://x.example/a/Anna%20%C3%BC.png?x=1/y"), "Anna ü.png"),
        (Media("image", "https://x.example/a/%2E%2E%2Fb"), "_b"),
        (Media("image", "https://x.example/"), "picture"),
        (Media("image", "http://["), "picture"),
        (Media("file", "https://x.example/"), "file"),
        (Media("image", "", "", "image/jpeg; charset=x"), "picture.jpg"),
    ],
)
def test_a_file_without_a_name_is_called_after_its_address(media: Media, name: str) -> None:
    assert file_name(media) == name


@given(st.text())
def test_every_name_can_stand_between_quotes(name: str) -> None:
    safe = file_name(Media("file", "", name))
    assert safe
    assert safe.isprintable()
    assert len(safe) <= LONGEST_NAME
    assert not set(safe) & set('"\\/:;')
    safe.encode()


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("image/png", "image/png"),
        ("Image/PNG; q=1", "image/png"),
        ("application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.text"),
        ("", "application/octet-stream"),
        ("png", "application/octet-stream"),
        ("image/png\r\nX-Evil: 1", "application/octet-stream"),
        ("image/ü", "application/octet-stream"),
        ("image/" + "x" * 100, "application/octet-stream"),
    ],
)
def test_types(sent: str, kept: str) -> None:
    assert content_type(Media("image", "", "", sent)) == kept
