"""Messages are read back with the standard library's own parser."""

import email
import email.policy
import re
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clarion.channels.contract import Outgoing, Unsendable
from clarion.channels.mailing.building import build, html, mailbox_header, subject
from clarion.channels.mailing.mailboxes import Sender, sender_of
from clarion.kit import clock
from clarion.kit.parts import Mail

LINK = "https://clarion.example/unsubscribe/17:abc"
SENDER = sender_of("News <news@example.org>")
HEADERS = {"From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"}


def raw(
    text: str = "Hello",
    title: str = "",
    link: str = "",
    *,
    message_id: str = "abc-17",
    sender: Sender = SENDER,
    to: str = "anna@example.org",
) -> bytes:
    message = Outgoing(message_id, 3, to, text, title, "Anna", link)
    return build(message, sender, to).whole


def read(data: bytes) -> EmailMessage:
    mail = email.message_from_bytes(data, policy=email.policy.SMTPUTF8)
    assert isinstance(mail, EmailMessage)
    assert not mail.defects
    return mail


def bodies(mail: EmailMessage) -> tuple[str, str]:
    plain, rich = mail.iter_parts()
    assert isinstance(plain, EmailMessage)
    assert isinstance(rich, EmailMessage)
    assert (plain.get_content_type(), rich.get_content_type()) == ("text/plain", "text/html")
    assert not plain.defects
    assert not rich.defects
    return plain.get_content().replace("\r\n", "\n"), rich.get_content().replace("\r\n", "\n")


def test_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, 22, 12, 0, 5, tzinfo=UTC))
    mail = read(raw(title="Spring is here"))
    assert set(mail.keys()) == HEADERS
    assert mail["From"] == "News <news@example.org>"
    assert mail["To"] == "Anna <anna@example.org>"
    assert mail["Subject"] == "Spring is here"
    assert mail["Date"] == "Sun, 22 Nov 2026 12:00:05 +0000"
    assert mail["Message-ID"] == "<abc-17@example.org>"
    assert mail.get_content_type() == "multipart/alternative"


def test_a_retry_carries_the_same_message_id() -> None:
    assert read(raw("a"))["Message-ID"] == read(raw("b"))["Message-ID"]


@pytest.mark.parametrize("message_id", ["a b", "a>b", "x" * 65, "ü", "a\r\nBcc: x@example.org", ""])
def test_a_strange_id_becomes_a_plain_one(message_id: str) -> None:
    assert re.fullmatch(
        r"<[0-9a-f]{32}@example\.org>", read(raw(message_id=message_id))["Message-ID"]
    )


def test_one_click_unsubscribing() -> None:
    mail = read(raw(link=LINK))
    assert mail["List-Unsubscribe"] == f"<{LINK}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    plain, rich = bodies(mail)
    assert plain.endswith(f"-- \nUnsubscribe: {LINK}\n")
    assert f'<a href="{LINK}">Unsubscribe</a>' in rich


def test_one_click_is_for_https_only() -> None:
    mail = read(raw(link=LINK.replace("https", "http")))
    assert mail["List-Unsubscribe"]
    assert mail["List-Unsubscribe-Post"] is None


def test_a_text_with_its_own_link_gets_no_second_one() -> None:
    plain, rich = bodies(read(raw(f"Bye: {LINK}", link=LINK)))
    assert plain.count(LINK) == 1
    assert rich.count("<a ") == 1


@pytest.mark.parametrize(
    "link", ["https://x.example/>\r\nBcc: y", "javascript:alert(1)", "https://x y"]
)
def test_a_broken_link_is_left_out(link: str) -> None:
    assert "List-Unsubscribe" not in read(raw(link=link))


@given(text=st.text(), title=st.text(), name=st.text(max_size=30))
@example(text=".\n..\nFrom me", title="=?utf-8?q?trick?=", name="x")
@example(text="a\r\n.\r\nb", title="x\r\nBcc: evil@example.org", name="Bcc: x")
@example(text="--=_clarion--\n" * 3, title="a\x0b\x0cb\x85c\u2028d", name="")
@example(text="ö" * 2000, title="ö" * 300, name="")
@example(text="word " * 500, title="word " * 60, name="")
def test_nothing_that_people_write_leaves_its_place(text: str, title: str, name: str) -> None:
    data = raw(text, title)
    mail = read(data)
    assert set(mail.keys()) == HEADERS
    assert all(len(line) <= 998 for line in data.split(b"\r\n"))
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert b"\r" not in data.replace(b"\r\n", b"")
    assert data.isascii()
    plain, rich = bodies(mail)
    if text.isprintable():
        assert plain.rstrip("\n") == text
    assert "<script" not in rich
    assert mail["Subject"] == subject(Outgoing("a", 3, "b", text, title))


def test_every_line_of_the_text_arrives() -> None:
    text = "Hello Anna,\n\n  indented\ttab \n.\n..dots\n=3D stays\nlast “ü” €"
    assert bodies(read(raw(text)))[0] == text + "\n"
    assert bodies(read(raw(text.replace("\n", "\r\n"))))[0] == text + "\n"
    assert bodies(read(raw(text.replace("\n", "\r"))))[0] == text + "\n"


def test_foreign_letters_go_as_base64_others_readably() -> None:
    assert b"Content-Transfer-Encoding: base64" in raw("Привет, Анна")
    assert b"Content-Transfer-Encoding: quoted-printable\r\n\r\nHello =C3=BC\r\n" in raw("Hello ü")


@pytest.mark.parametrize(
    ("title", "text", "line"),
    [
        ("Spring", "Hello", "Spring"),
        ("", "Hello Anna\nhow are you", "Hello Anna"),
        ("", "\n\n  Hello\t Anna \n", "Hello Anna"),
        ("two\nlines", "Hello", "two"),
        ("x" * 201, "Hello", "x" * 199 + "…"),
        ("", "", ""),
    ],
)
def test_the_subject_is_the_title_or_the_first_line(title: str, text: str, line: str) -> None:
    assert subject(Outgoing("a", 3, "b", text, title)) == line


@pytest.mark.parametrize(
    "sender",
    [
        "news@example.org",
        "Büro für alles <news@example.org>",
        '"News, and more" <news@example.org>',
        "=?utf-8?q?trick?= <news@example.org>",
        f"{'Ein langer Name, der gefaltet wird: äöü' * 2} <news@example.org>",
    ],
)
def test_senders(sender: str) -> None:
    expected = sender_of(sender)
    written, _, address = f" {mailbox_header('From', expected)[6:]}".rpartition(" ")
    assert str(make_header(decode_header(written.strip()))).strip('"') == expected.name
    assert address.strip("<>") == expected.address
    (parsed,) = read(raw(sender=expected))["From"].addresses
    assert parsed.addr_spec == expected.address


def test_a_sender_with_foreign_letters_is_written_as_it_is() -> None:
    data = raw(sender=sender_of("News <änna@büro.example>"))
    assert data.startswith("From: =?utf-8?q?News?=\r\n <änna@xn--bro-hoa.example>\r\n".encode())


def test_a_recipient_with_foreign_letters_is_written_as_it_is() -> None:
    assert "\r\n <änna@example.org>\r\n".encode() in raw(to="änna@example.org")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Anna Berg", "Anna Berg"),
        ("Müller, Änna", "Müller, Änna"),
        ('Berg, Anna "Nan"', 'Berg, Anna "Nan"'),
        ("x@evil.example, Anna", "x@evil.example, Anna"),
        ("Anna\r\nBcc: all@example.org", "Anna Bcc: all@example.org"),
        ("=?utf-8?q?trick?=", "=?utf-8?q?trick?="),
        ("北京", "北京"),
        ("x" * 300, "x" * 100),
        (" \t ", ""),
        ("", ""),
    ],
)
def test_the_recipient_is_called_by_name(name: str, shown: str) -> None:
    message = Outgoing("a", 3, "anna@example.org", "Hello", name=name)
    data = build(message, SENDER, "anna@example.org").whole
    (parsed,) = read(data)["To"].addresses
    assert (parsed.display_name, parsed.addr_spec) == (shown, "anna@example.org")
    assert all(len(line) <= 998 for line in data.split(b"\r\n"))


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ('"News, and more" <n@example.org>', "News, and more"),
        (r'"Bob \"The Builder\"" <n@example.org>', 'Bob "The Builder"'),
        ('Bob "The Builder" <n@example.org>', 'Bob "The Builder"'),
        ("<n@example.org>", ""),
    ],
)
def test_a_senders_name_may_have_quotes(written: str, name: str) -> None:
    assert sender_of(written) == Sender(name, "n@example.org")


def test_html_is_the_text_escaped_with_paragraphs_breaks_and_links() -> None:
    page = html(
        "Hi <b>Anna</b> & co,\nsee https://x.example/a?b=1&c=2, or\n\nbye (https://y.example)."
    )
    assert '<p dir="auto">Hi &lt;b&gt;Anna&lt;/b&gt; &amp; co,<br>\nsee ' in page
    assert (
        '<a href="https://x.example/a?b=1&amp;c=2">https://x.example/a?b=1&amp;c=2</a>, or</p>'
        in page
    )
    assert '<p dir="auto">bye (<a href="https://y.example">https://y.example</a>).</p>' in page


@pytest.mark.parametrize(
    "text", ["https://", "http://.", "javascript:alert(1)", 'https://"onclick="x']
)
def test_what_is_no_link_does_not_become_one(text: str) -> None:
    assert "<a " not in html(text)


def with_head(channels_reply_to: str = "", **head: Any) -> EmailMessage:
    message = Outgoing("abc-17", 3, "anna@example.org", "Hello", "Spring", mail=Mail(**head))
    return read(build(message, SENDER, "anna@example.org", channels_reply_to).whole)


def test_the_senders_name_and_the_reply_to_of_a_broadcast_go_before_the_channels() -> None:
    mail = with_head("office@example.org", from_name="Zoë", reply_to="help@example.org")
    assert mail["From"].addresses[0].display_name == "Zoë"
    assert mail["From"].addresses[0].addr_spec == "news@example.org"
    assert mail["Reply-To"] == "help@example.org"
    assert with_head("office@example.org")["Reply-To"] == "office@example.org"
    assert with_head()["Reply-To"] is None
    assert with_head(preheader="x")["From"] == "News <news@example.org>"


def test_nothing_in_a_head_begins_a_header_of_its_own() -> None:
    mail = with_head(from_name="A\r\nBcc: x@example.org", preheader="B\r\nBcc: x@example.org")
    assert mail["Bcc"] is None
    assert mail["From"].addresses[0].addr_spec == "news@example.org"
    with pytest.raises(Unsendable, match="reply-to"):
        with_head(reply_to="a@example.org\r\nBcc: x@example.org")


def test_a_preheader_is_hidden_in_the_html_and_not_in_the_text() -> None:
    plain, rich = bodies(with_head(preheader="20 % <b> off"))
    assert plain.strip() == "Hello"
    (hidden,) = re.findall(r'<body>\s*<div style="display:none[^"]*">(.*?)</div>', rich)
    assert hidden.startswith("20 % &lt;b&gt; off&#847;")
    assert "&#847;" not in bodies(with_head(preheader="x" * 200))[1]


def page_of(page: str, language: str = "", link: str = "", preheader: str = "") -> str:
    message = Outgoing("abc-17", 3, "anna@example.org", "Hello", "Spring", "", link)
    message.language, message.mail = language, Mail(page, preheader=preheader)
    return bodies(read(build(message, SENDER, "anna@example.org").whole))[1]


def test_a_page_that_is_html_already_has_language_preheader_and_a_link_to_unsubscribe() -> None:
    page = "<!DOCTYPE html><html><head></head><body class=x><p>Hi</p></body></html>"
    rich = page_of(page, "ar", LINK, "Soon")
    assert '<html lang="ar" dir="rtl"><head>' in rich
    assert re.search(r"<body class=x>\s*<div style=.display:none[^>]*>Soon&#847;", rich)
    assert rich.rstrip().endswith(f'<a href="{LINK}">Unsubscribe</a></p></body></html>')
    assert page_of(page).strip() == page
    linked = page.replace("Hi", f'<a href="{LINK}">No</a>')
    assert page_of(linked, link=LINK).strip() == linked
    assert "lang='de'" in page_of("<html lang='de'><body>x", "fr")


def test_a_broadcast_names_its_list_and_an_automatic_answer_says_so() -> None:
    message = Outgoing("abc-17", 3, "anna@example.org", "Hello", unsubscribe_url=LINK)
    sender = sender_of("News+x <news+x@mail.example.org>")
    mail = read(build(message, sender, "anna@example.org").whole)
    assert mail["List-Id"] == "<news-x.mail.example.org>"
    assert mail["Feedback-ID"] == "b3:broadcast:clarion:mailexampleorg"
    assert mail["Auto-Submitted"] is None
    message.purpose = "automatic"
    mail = read(build(message, SENDER, "anna@example.org").whole)
    assert mail["Auto-Submitted"] == "auto-replied"
    assert mail["List-Id"] is mail["Feedback-ID"] is None
    message.purpose = "single"
    mail = read(build(message, SENDER, "anna@example.org").whole)
    assert mail["Auto-Submitted"] is mail["List-Id"] is None
    assert mail["List-Unsubscribe"] == f"<{LINK}>"
