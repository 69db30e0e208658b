"""Formatted texts of chats: read as Telegram reads them, escaped, shown, and made plain."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clarion.kit.markup.escaping import ESCAPES
from clarion.kit.markup.pieces import MarkupError, as_page, shown_text
from clarion.kit.markup.reading import FORMATS, check_template, plain_of, read

HOSTILE = [
    "<b>", "</b>", "a & b < c > d", '" onload="', "&lt;", "_*[", "]()", "\\", "`", "```", "||",
    "#1", "> quoted", "!", "1.5-2=3", "{x}", "~", "*", "__", "a\nb", "", "Anna (“A.”)", "😀",
]  # fmt: skip
AROUND = {
    "chat_html": (
        "<b>Hi {}</b>!", '<a href="https://a.example/?x={}">x</a>', "<pre>{}</pre>", "{}",
        "<blockquote>{}</blockquote>",
    ),
    "markdownv2": (
        "*Hi {}*\\!", "_{}_", "__{}__", "[{}](https://a.example/?x={})", "`{}`", "```\n{}```", "{}",
        "||{}||", ">{}", "~{}~",
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", FORMATS)
@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_is_shown_as_it_is_wherever_it_is_written(how: str, value: str) -> None:
    for around in AROUND[how]:
        shown = shown_text(read(around.replace("{}", ESCAPES[how](value)), how))
        words = shown_text(read(around.replace("{}", ESCAPES[how]("x")), how))
        if around.startswith(">") and "\n" in value:
            continue  # the second line is outside the quotation, as it is when one types it
        assert shown == words.replace("x", value) or "href" in around


@pytest.mark.parametrize("how", FORMATS)
@given(value=st.text(max_size=30))
def test_no_value_changes_the_markup_around_it(how: str, value: str) -> None:
    value = value.replace("\r", "").replace("\n", "")
    for around in AROUND[how]:
        pieces = read(around.replace("{}", ESCAPES[how](value)), how)
        expected = read(around.replace("{}", "x"), how)
        sorts = [getattr(piece, "sort", None) for piece in pieces if not isinstance(piece, str)]
        assert sorts == [
            getattr(piece, "sort", None) for piece in expected if not isinstance(piece, str)
        ]


@pytest.mark.parametrize(
    ("source", "plain", "page"),
    [
        ("<b>Hi</b> <i>you</i>", "Hi you", "<b>Hi</b> <i>you</i>"),
        ("<STRONG>x</STRONG>", "x", "<b>x</b>"),
        ("1 &lt; 2 &amp; 3 &copy; &#8364;", "1 < 2 & 3 &copy; €", "1 &lt; 2 &amp; 3 &amp;copy; €"),
        ('<a href="https://a.example/?x=1&amp;y=2">shop</a>', "shop (https://a.example/?x=1&y=2)",
         '<a href="https://a.example/?x=1&amp;y=2" rel="noopener noreferrer">shop</a>'),
        ('<a href="javascript:alert(1)">x</a>', "x", "x"),
        ('<span class="tg-spoiler">x</span>', "x", "<mark>x</mark>"),
        ('<pre><code class="language-py">a=1</code></pre>', "a=1", "<pre><code>a=1</code></pre>"),
        ("<blockquote expandable>x\ny</blockquote>", "x\ny", "<blockquote>x\ny</blockquote>"),
        ("a\nb > c", "a\nb > c", "a\nb &gt; c"),
    ],
)  # fmt: skip
def test_html_of_chats(source: str, plain: str, page: str) -> None:
    assert plain_of(source, "chat_html") == plain
    assert as_page(read(source, "chat_html")) == page


@pytest.mark.parametrize(
    ("source", "plain", "page"),
    [
        ("*Hi* _you_ __u__ ~s~ ||p||", "Hi you u s p",
         "<b>Hi</b> <i>you</i> <u>u</u> <s>s</s> <mark>p</mark>"),
        ("*a _b_ c*", "a b c", "<b>a <i>b</i> c</b>"),
        ("1\\.5 \\- \\!", "1.5 - !", "1.5 - !"),
        ("[shop](https://a.example/a\\)b)", "shop (https://a.example/a)b)",
         '<a href="https://a.example/a)b" rel="noopener noreferrer">shop</a>'),
        ("`a_b*c`", "a_b*c", "<code>a_b*c</code>"),
        ("```python\na = 1\n```", "a = 1\n", "<pre>a = 1\n</pre>"),
        (">one\n>two\nthree", "one\ntwo\nthree", "<blockquote>one\ntwo</blockquote>\nthree"),
        ("![👍](tg://emoji?id=1)", "👍", "👍"),
        ("![👍](TG:emoji/?a=2&id=-1#b)", "👍", "👍"),
        ("_\r_", "", "<i></i>"),
    ],
)  # fmt: skip
def test_markdown_v2(source: str, plain: str, page: str) -> None:
    assert plain_of(source, "markdownv2") == plain
    assert as_page(read(source, "markdownv2")) == page


@pytest.mark.parametrize(
    ("how", "source", "words"),
    [
        ("chat_html", "Hi\n<b>you", "Line 2, character 1: <b> is never closed. Add </b>."),
        ("chat_html", "x</i>", "Line 1, character 2: </i> closes nothing."),
        ("chat_html", "<b><i>x</b></i>", "Line 1, character 8: </b> is written where </i>"),
        ("chat_html", "<p>x</p>", "<p> is not supported in chats"),
        ("chat_html", "1 < 2", "“<” begins no tag. Write &lt; to show it."),
        ("chat_html", "<a href=x>y</a>", "an attribute of <a> can't be read"),
        ("chat_html", "<span>x</span>", 'needs class="tg-spoiler"'),
        (
            "markdownv2",
            "Hello.",
            "Line 1, character 6: “.” has a meaning in MarkdownV2. Write \\. to",
        ),
        ("markdownv2", "*x", "Line 1, character 1: “*” is never closed"),
        ("markdownv2", "a\n*x _y* z_", "never closed"),
        ("markdownv2", "[x](https://a.example", "the URL of a link never ends"),
        ("markdownv2", "![x]", "an emoji needs an address"),
        ("markdownv2", "![x](https://a.example/?id=1)", "an emoji needs an address"),
        ("markdownv2", "![x](tg://emoji?id=025)", "an emoji needs an address"),
        ("chat_html", "<tg-emoji>x</tg-emoji>", "needs an emoji-id"),
        ("chat_html", '<tg-emoji emoji-id="gold">x</tg-emoji>', "needs an emoji-id"),
        ("chat_html", '<tg-emoji emoji-id="0">x</tg-emoji>', "needs an emoji-id"),
        ("chat_html", '<tg-emoji emoji-id="9999999999999999999">x</tg-emoji>', "needs an emoji-id"),
        ("markdownv2", "```a `b`` ```", "has to be written as"),
        ("markdownv2", "a | b", "“|” has a meaning"),
        ("markdownv2", "x > y", "“>” has a meaning"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(how: str, source: str, words: str) -> None:
    with pytest.raises(MarkupError) as refused:
        read(source, how)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("how", "source"),
    [
        (
            "chat_html",
            '<b>{{ contact.name }}</b> <a href="https://a.example/{{ contact.id }}">x</a>',
        ),
        ("chat_html", "{% if contact.vip %}<b>Hi</b>{% else %}<i>Hi</i>{% endif %}"),
        ("markdownv2", "*{{ contact.name | default('you') }}*{# note #} \\!"),
        ("markdownv2", "[x](https://a.example/{{ contact.id }})"),
        ("chat_html", '<tg-emoji emoji-id="{{ contact.emoji }}">x</tg-emoji>'),
        ("markdownv2", "![x](tg://emoji?id={{ contact.emoji }})"),
        ("markdownv2", "![x]({{ contact.emoji }})"),
    ],
)
def test_variables_are_no_markup(how: str, source: str) -> None:
    check_template(source, how)


@pytest.mark.parametrize(
    ("how", "source", "words"),
    [
        ("chat_html", "<a href={{ contact.url }}>x</a>", "Write it as name="),
        ("chat_html", "<b {{ contact.name }}>x</b>", "can't be read"),
        ("chat_html", "<{{ contact.tag }}>x", "is not supported"),
        ("chat_html", "{{ contact.name }}\n<b>x", "Line 2, character 1"),
        ("markdownv2", "{{ contact.name }}.", "Line 1, character 19"),
        ("chat_html", '<tg-emoji emoji-id="gold">{{ contact.name }}</tg-emoji>', "a whole number"),
    ],
)
def test_a_template_is_checked_around_its_variables(how: str, source: str, words: str) -> None:
    with pytest.raises(MarkupError) as refused:
        check_template(source, how)
    assert words in str(refused.value)


def test_a_plain_text_has_nothing_of_an_emojis_id() -> None:
    assert plain_of('<tg-emoji emoji-id="gold">x</tg-emoji>', "chat_html") == "x"


@pytest.mark.parametrize("how", FORMATS)
@given(text=st.text(alphabet=" ab<>&/\"'=_*[]()~`#+-|{}.!\\\n", max_size=60))
def test_any_text_is_read_or_refused_with_a_sentence(how: str, text: str) -> None:
    refused = ""
    try:
        as_page(read(text, how))
    except MarkupError as error:
        refused = str(error)
    assert not refused or refused.startswith("Line ")


def test_a_text_that_begins_many_variables_is_checked_in_one_pass() -> None:
    began = time.monotonic()
    check_template("{# " + "{{" * 30_000 + " #}<b>x</b>", "chat_html")
    assert time.monotonic() - began < 5
    with pytest.raises(MarkupError, match=r"^Line 1, character 20: <b> is never closed"):
        check_template("{# {{ #}{{ name }}{<b>", "chat_html")
