"""What a kind refuses before anything leaves, and in which words."""

from dataclasses import replace
from typing import Any

import pytest

from clarion.channels.contract import Limits, Outgoing, Template, Unsendable
from clarion.channels.fitting import ensure_fits, is_address
from clarion.kit.parts import Button, Media

NOTHING = Limits(rate=None, text_length=100, receipts=frozenset())
PICTURES = Limits(None, 100, frozenset(), media=frozenset({"image"}), caption_length=1024)
BARE = replace(PICTURES, bare_media=frozenset({"image"}))
LINKS = Limits(None, 100, frozenset(), buttons=frozenset({"link"}), most_buttons=1)
LINK = Button("link", "Look", "https://x.example/")
PICTURE = Media("image", "https://x.example/a.png")


def message(text: str = "Hello", **parts: Any) -> Outgoing:
    return Outgoing("a", 3, "b", text, **parts)


@pytest.mark.parametrize(
    ("limits", "parts", "sentence"),
    [
        (NOTHING, {"template": Template("a", "en")}, "Fax has no templates. Choose a text or a"),
        (NOTHING, {"media": PICTURE}, "Fax accepts no pictures."),
        (PICTURES, {"media": Media("file", "https://x.example/")}, "Fax accepts no files."),
        (PICTURES, {"media": Media("image")}, "The picture has neither a URL nor content."),
        (PICTURES, {"media": PICTURE, "text": "x" * 1025}, "longer than the 1,024 characters that"),
        (BARE, {"media": PICTURE}, "Fax sends a picture without text. Put the text into"),
        (NOTHING, {"buttons": (LINK,)}, "Fax has no link buttons."),
        (LINKS, {"buttons": (Button("reply", "Yes", "y"),)}, "Fax has no reply buttons."),
        (LINKS, {"buttons": (LINK, LINK)}, "Fax accepts at most 1 buttons under a message."),
        (LINKS, {"buttons": (Button("link", "\x00 \n", LINK.value),)}, "A button has no label."),
    ],
)
def test_sentences(limits: Limits, parts: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Unsendable) as error:
        ensure_fits(message(**parts), limits, "Fax")
    assert sentence in str(error.value)
    assert str(error.value).endswith(".")


def test_what_fits_passes() -> None:
    ensure_fits(message("x" * 1024, media=PICTURE), PICTURES, "Fax")
    ensure_fits(message(buttons=(LINK,)), LINKS, "Fax")
    ensure_fits(message(), NOTHING, "Fax")


@pytest.mark.parametrize(
    ("value", "good"),
    [
        ("https://x.example", True),
        ("http://x.example/ü?a=%20&b#c", True),
        ("https://", False),
        ("HTTPS://x.example", False),
        ("javascript:alert(1)", False),
        ("https://x.example/a b", False),
        ("https://x.example/\u2028", False),
        ("https://x.example/\n", False),
        ('https://x.example/"', False),
        ("https://x.example/<", False),
        ("https://x.example/\ud800", False),
        ("https://x.example/" + "a" * 2048, False),
        ("", False),
    ],
)
def test_addresses(value: str, good: bool) -> None:
    assert is_address(value) is good
