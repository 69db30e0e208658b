"""Pictures, files and buttons in e-mail, read back with the standard library's own parser."""

import email
import email.policy
from dataclasses import replace
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.fixtures import CASE
from clarion.channels.contract import Outgoing, Template, Unsendable
from clarion.channels.email.config import EmailConfig
from clarion.channels.email.kind import EmailKind
from clarion.kit.parts import Button, Media

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 3
URL = "https://pictures.example/anna.png?a=1&b=2"
LINK = "https://clarion.example/unsubscribe/17:abc"
MESSAGE = Outgoing("abc-17", 3, "anna@example.org", "Hello Anna", "Spring")


def raw(**changes: Any) -> bytes:
    kind = EmailKind(EmailConfig.model_validate(CASE.settings))
    return kind.request(replace(MESSAGE, **changes)).whole


def read(**changes: Any) -> EmailMessage:
    data = raw(**changes)
    mail = email.message_from_bytes(data, policy=email.policy.SMTPUTF8)
    assert isinstance(mail, EmailMessage)
    assert all(not part.defects for part in mail.walk())
    assert all(len(line) <= 998 for line in data.split(b"\r\n"))
    assert b"\n" not in data.replace(b"\r\n", b"")
    return mail


def bodies(mail: EmailMessage) -> tuple[str, str]:
    plain, rich = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert rich is not None
    return (
        plain.get_content().replace("\r\n", "\n"),
        rich.get_content().replace("\r\n", "\n"),
    )


def attributes(rich: str) -> list[str]:
    """Every attribute that a reader of the HTML finds, after the name of its element."""
    urls: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert tag in {"html", "head", "meta", "body", "p", "br", "img", "a"}
            urls.extend(f"{tag} {name}" for name, _ in attrs)

    Reader().feed(rich)
    return urls


def test_b2_buttons_are_links_in_text_and_html() -> None:
    mail = read(
        buttons=(
            Button("link", "Look <here> & there", "https://shop.example/?a=1&b=ü"),
            Button("link", "Two\r\nlines", "https://shop.example/2"),
        )
    )
    plain, rich = bodies(mail)
    assert plain == (
        "Hello Anna\n\nLook <here> & there: https://shop.example/?a=1&b=ü\n"
        "Two lines: https://shop.example/2\n"
    )
    assert '<a href="https://shop.example/?a=1&amp;b=ü" style="' in rich
    assert ">Look &lt;here&gt; &amp; there</a>" in rich
    assert mail.get_content_type() == "multipart/alternative"


def test_reply_buttons_and_templates_are_not_possible() -> None:
    with pytest.raises(Unsendable, match="E-mail has no reply buttons"):
        raw(buttons=(Button("reply", "Yes", "y"),))
    with pytest.raises(Unsendable, match="E-mail has no templates"):
        raw(template=Template("spring", "en"))


@pytest.mark.parametrize("data", [None, PNG])
def test_b2_a_picture_with_an_address_is_fetched_by_the_reader(data: bytes | None) -> None:
    mail = read(media=Media("image", URL, 'a "big" <one>.png', "image/png", data))
    plain, rich = bodies(mail)
    assert (
        '<p><img src="https://pictures.example/anna.png?a=1&amp;b=2" '
        'alt="a &quot;big&quot; &lt;one&gt;.png"' in rich
    )
    assert rich.index("<img") < rich.index("Hello Anna")
    assert plain == f"Hello Anna\n\n{URL}\n"
    assert mail.get_content_type() == "multipart/alternative"


def test_b2_an_uploaded_picture_lies_in_the_message() -> None:
    mail = read(media=Media("image", "", "Frühling 🌷.png", "image/png", PNG))
    assert mail.get_content_type() == "multipart/related"
    body, picture = mail.iter_parts()
    assert body.get_content_type() == mail.get_param("type") == "multipart/alternative"
    assert picture.get_content() == PNG
    assert picture.get_content_type() == "image/png"
    assert picture.get_filename() == "Frühling 🌷.png"
    assert picture.get_content_disposition() == "inline"
    content_id = picture["Content-ID"].strip("<>")
    assert f'<img src="cid:{content_id}"' in bodies(mail)[1]
    assert bodies(mail)[0] == "Hello Anna\n"


def test_b2_an_uploaded_file_is_attached() -> None:
    data = bytes(range(256)) * 50
    media = Media("file", "https://x.example/p.pdf", "p.pdf", "application/pdf", data)
    mail = read(media=media, buttons=(Button("link", "Look", "https://shop.example/"),))
    assert mail.get_content_type() == "multipart/mixed"
    (file,) = mail.iter_attachments()
    assert (file.get_filename(), file.get_content_type()) == ("p.pdf", "application/pdf")
    assert file.get_content() == data
    assert "Look: https://shop.example/" in bodies(mail)[0]


def test_a_large_message_may_take_longer() -> None:
    kind = EmailKind(EmailConfig.model_validate(CASE.settings))
    large = replace(MESSAGE, media=Media("file", "", "a.pdf", "", bytes(1_000_000)))
    assert kind.request(MESSAGE).timeout < kind.request(large).timeout


def test_a_file_with_nothing_but_an_address_is_a_link() -> None:
    plain, rich = bodies(read(media=Media("file", "https://x.example/p.pdf?a&b", "<p>.pdf")))
    assert plain == "Hello Anna\n\n_p_.pdf: https://x.example/p.pdf?a&b\n"
    assert '<p><a href="https://x.example/p.pdf?a&amp;b">_p_.pdf</a></p>' in rich


def test_a_picture_alone_is_a_message_too() -> None:
    plain, rich = bodies(read(text="", media=Media("image", URL)))
    assert plain == f"{URL}\n"
    assert rich.count("<p>") == 1


def test_the_unsubscribe_link_stays_last_and_is_not_said_twice() -> None:
    button = Button("link", "Look", "https://shop.example/")
    plain, rich = bodies(read(buttons=(button,), unsubscribe_url=LINK))
    assert plain.endswith(f"Look: https://shop.example/\n\n-- \nUnsubscribe: {LINK}\n")
    assert rich.index("shop.example") < rich.index("Unsubscribe")
    plain, rich = bodies(read(buttons=(Button("link", "Leave", LINK),), unsubscribe_url=LINK))
    assert plain.count(LINK) == rich.count(LINK) == 1


@given(
    name=st.text(max_size=200) | st.just("😀" * 200),
    kind=st.text(max_size=40),
    label=st.text().map("Look {}".format),
    media=st.sampled_from(["image", "file"]),
)
def test_nothing_that_people_write_leaves_its_place(
    name: str, kind: str, label: str, media: Any
) -> None:
    mail = read(
        media=Media(media, "", name, kind, b"x"),
        buttons=(Button("link", label, "https://shop.example/"),),
    )
    (file,) = (part for part in mail.walk() if part.get_content_disposition())
    assert set(file.keys()) <= {
        "Content-Type", "Content-Transfer-Encoding", "Content-ID", "Content-Disposition",
    }  # fmt: skip
    assert file.get_filename()
    assert file.get_payload(decode=True) == b"x"
    picture = ["img src", "img alt", "img style"] if media == "image" else []
    rich = bodies(mail)[1]
    assert attributes(rich) == ["meta charset", *picture, "p dir", "a href", "a style"]


def test_the_address_of_a_button_cannot_break_out_of_the_html() -> None:
    for value in (
        'https://x.example/"onclick="x',
        "https://x.example/<script>",
        "data:text/html,x",
    ):
        with pytest.raises(Unsendable, match="must begin with https"):
            raw(buttons=(Button("link", "Look", value),))
