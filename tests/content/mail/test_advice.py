"""What is unwise about an e-mail."""

import pytest

from clarion.content.mail.advice import CLIPPED, advice_on_body, advice_on_head
from clarion.content.mail.bodies import build_body

GOOD = "A preheader of forty or more characters for lists"


@pytest.mark.parametrize(
    ("subject", "preheader", "words"),
    [
        ("Spring is here, {{ contact.name }}", GOOD, ""),
        ("SPRING SALE {{ contact.name }}", GOOD, "capital letters"),
        ("春の大売り出しのお知らせです", GOOD, ""),
        ("Sale!!", GOOD, "exclamation"),
        ("Now? Really? Yes!", GOOD, "exclamation"),
        ("x" * 71, GOOD, "71 characters"),
        ("", GOOD, "no subject"),
        ("Spring", "", "no preheader"),
        ("Spring", "Short", "short"),
        ("Spring", "{{ contact.offer }}", ""),
        ("Spring", "x" * 131, "131 characters"),
    ],
)
def test_subject_and_preheader(subject: str, preheader: str, words: str) -> None:
    advice = list(advice_on_head(subject, preheader))
    assert words in advice[0] if words else advice == [], advice


def on(source: str, how: str = "html", *, is_public: bool = True, has_address: bool = True) -> str:
    body = build_body(source, how, None, can_unsubscribe=is_public)
    return "\n".join(advice_on_body(body, has_address=has_address, can_unsubscribe=is_public))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ('<p>Hi <img src="a.png" alt=""></p>', ""),
        ('<p>Hi <img src="a.png"></p>', "A picture has no alternative text: a.png."),
        ("<p>Hi</p><script>1</script>", "remove <script>"),
        ('<img src="a.png" alt="">', "plain-text version is empty"),
        ("x" * CLIPPED, "Gmail"),
        ('<a href="">x</a>', "A link leads nowhere: (empty)."),
        ('<a href="http://">x</a><a href="shop.example">y</a>', "2 links lead nowhere"),
        ('<a href="https://shop.example/a b">x</a>', "leads nowhere"),
        ('<a href="#">x</a>', "leads nowhere"),
        ('<a href="https://shop.example/{{ contact.id }}?a b">x</a>', "leads nowhere"),
        ('<a href="https://shop.example/{{ contact.id | default(0) }}">x</a>', ""),
        ('<a href="{{ contact.url }}">x</a><a href="mailto:a@x.example">y</a>', ""),
        ('<a href="https://{{ contact.host }}/x">x</a><a href="#top">y</a>', ""),
    ],
)
def test_bodies(source: str, words: str) -> None:
    advice = on(source)
    assert words in advice if words else advice == "", advice


def test_address_and_link_to_unsubscribe() -> None:
    assert "postal address" in on("<p>Hi</p>", has_address=False)
    assert "no public URL" in on("<p>Hi</p>", is_public=False)
