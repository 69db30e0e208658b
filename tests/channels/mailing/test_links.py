"""Links in the HTML of an e-mail: which they are, and that nothing breaks out of it."""

from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clarion.channels.mailing.building import html
from clarion.channels.mailing.links import linked


class Page(HTMLParser):
    """The text that is seen, the links, and every tag with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.links: list[str | None] = []
        self.tags: set[tuple[str, tuple[str, ...]]] = set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add((tag, tuple(name for name, _ in attrs)))
        self.links += [dict(attrs)["href"]] if tag == "a" else []

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("see https://x.example/a(b)c_(d) now", ["https://x.example/a(b)c_(d)"]),
        ("(https://x.example/a)", ["https://x.example/a"]),
        ("https://x.example/[x]?a[]=1&b=2", ["https://x.example/[x]?a[]=1&b=2"]),
        ("„https://x.example/a“ und", ["https://x.example/a"]),
        ("“https://x.example/a”.", ["https://x.example/a"]),
        ("«https://x.example/a»", ["https://x.example/a"]),
        ("‘https://x.example/a’", ["https://x.example/a"]),
        ("https://x.example/a。次は", ["https://x.example/a"]),
        ("《https://x.example/a》、", ["https://x.example/a"]),
        ("詳細はhttps://x.example/a。", ["https://x.example/a"]),
        ("https://x.example/a…", ["https://x.example/a"]),
        ("https://x.example/a,b. And", ["https://x.example/a,b"]),
        ("HTTPS://X.EXAMPLE/A", ["HTTPS://X.EXAMPLE/A"]),
        ("https://münchen.example/straße", ["https://münchen.example/straße"]),
        ("https://例え.jp/パス?x=1#y", ["https://例え.jp/パス?x=1#y"]),
        ("http://localhost:8000/x", ["http://localhost:8000/x"]),
        ("https://x.example/\u200bmore", ["https://x.example/"]),
        ("ask help@firm.berlin, please", ["mailto:help@firm.berlin"]),
        ("https://a.example https://b.example", ["https://a.example", "https://b.example"]),
        ("readme.md, 1.5, www, a@b, //x.example, ftp://x.example", []),
        ("javascript:alert(1) data:text/html,x", []),
    ],
)
def test_what_is_a_link(text: str, links: list[str]) -> None:
    page = Page(linked(text))
    assert page.links == links
    assert page.text == text


_ODD = st.sampled_from(
    ["https://", "HTTP://", "x.example", "/", "?", "#", "a", "é", "例", "@", ".", ":", "<", ">",
     '"', "'", "&", "&amp;", "&#x22;", "<script>", "</a>", "onclick=", "(", ")", "[", "]", "“", "”",
     "。", " ", "\n", "\u200b", "\u202e", "mailto:", "javascript:", "-->", "<!--", "]]>"]
)  # fmt: skip


@given(st.one_of(st.lists(_ODD, max_size=30).map("".join), st.text(max_size=80)))
@example("https://x.example/" + "(" * 3_000)
@example("a@" * 3_000)
@example('https://x.example/"onmouseover="alert(1)')
def test_nothing_breaks_out_of_the_html_and_nothing_is_lost(text: str) -> None:
    text = text.replace("\r", "").replace("\x00", "")
    page = Page(linked(text))
    assert page.tags <= {("a", ("href",)), ("br", ())}
    assert page.text == text
    for link in page.links:
        assert link is not None
        assert link.lower().startswith(("https://", "http://", "mailto:"))
        assert link.removeprefix("mailto:") in text


@pytest.mark.parametrize(
    ("language", "begins"),
    [
        ("de", '<html lang="de" dir="ltr">'),
        ("pt-BR", '<html lang="pt-BR" dir="ltr">'),
        ("ar", '<html lang="ar" dir="rtl">'),
        ("fa-IR", '<html lang="fa-IR" dir="rtl">'),
        ("az-Arab", '<html lang="az-Arab" dir="rtl">'),
        ("arn", '<html lang="arn" dir="ltr">'),
        ("", "<html>"),
        ('de" onload="x', "<html>"),
    ],
)
def test_the_page_says_in_which_language_it_is(language: str, begins: str) -> None:
    page = html("Hello", language=language)
    assert page.splitlines()[1].startswith(begins)
    assert '<p dir="auto">Hello</p>' in page


@pytest.mark.parametrize("piece", ["http://a.b/", "http://", "x@y.example/"])
def test_a_word_of_very_many_links_is_none_and_its_neighbours_are(piece: str) -> None:
    # A time that grows with the square of the length would be minutes.
    many = piece * 20_000
    shown = linked(f"https://a.example {many} https://b.example")
    assert shown == (
        '<a href="https://a.example">https://a.example</a> '
        f'{many} <a href="https://b.example">https://b.example</a>'
    )
