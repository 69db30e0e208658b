"""Markdown, HTML and MJML become templates of HTML and text, once for everybody."""

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clarion.content.errors import ContentError
from clarion.content.mail.bodies import DEEPEST, LayoutSource, build_body, links_of
from clarion.content.mail.layouts import built_in
from clarion.content.rendering import compile_html, compile_text

LAYOUT = LayoutSource("<main>{{ content }}</main><footer>{{ footer }}</footer>", "A & B\nBonn")
PLAIN = LayoutSource("<main>{{ content }}</main>", "A & B\nBonn")
MARKDOWN = """# Hello {{ contact.name | default("you") }}

**Only** [today](https://x.example/?id={{ contact.id }}&b=1).

{% if contact.city %}
In {{ contact.city }}.
{% endif %}

- one
- two
"""
MJML = (
    "<mjml><mj-body><mj-section><mj-column>{% if contact.vip %}<mj-text>Hi {{ contact.name }}"
    '</mj-text>{% endif %}<mj-button href="https://x.example/{{ contact.id }}">Go</mj-button>'
    "</mj-column></mj-section></mj-body></mjml>"
)


def test_markdown_in_a_layout() -> None:
    body = build_body(MARKDOWN, "markdown", LAYOUT)
    assert '<h1>Hello {{ contact.name | default("you") }}</h1>' in body.html
    assert "{% if contact.city %}\n<p>In {{ contact.city }}.</p>\n{% endif %}" in body.html
    assert '<a href="https://x.example/?id={{ contact.id }}&amp;b=1">today</a>' in body.html
    assert body.html.index("<main>") < body.html.index("Hello") < body.html.index("</main>")
    assert "A &amp; B<br>\nBonn" in body.html
    assert body.text.startswith(
        'Hello {{ contact.name | default("you") }}\n\nOnly today (https://x'
    )
    assert body.text.endswith("- one\n- two")
    assert body.whole_text.endswith("\n\n-- \nA & B\nBonn\nUnsubscribe: {{ unsubscribe_url }}")
    assert "A & B" not in body.text  # of other channels


@pytest.mark.parametrize("how", ["markdown", "html", "mjml"])
def test_values_are_escaped_in_the_html_and_left_in_the_text(how: str) -> None:
    source = (
        MJML
        if how == "mjml"
        else "Hi {{ contact.name }} <a href='https://x.example/{{ contact.id }}'>x</a>"
    )
    body = build_body(source, how, LAYOUT)
    contact = {"name": '<b onclick="x">&\'', "id": '"><script>', "vip": "yes"}
    html = compile_html(body.html).render(contact, unsubscribe_url="https://c.example/u?a=1&b=2")
    text = compile_text(body.whole_text).render(contact, unsubscribe_url="https://c.example/u")
    assert "&lt;b onclick=&quot;x&quot;&gt;&amp;&#x27;" in html
    assert 'href="https://x.example/&quot;&gt;&lt;script&gt;"' in html
    assert "<script>" not in html
    assert "https://c.example/u?a=1&amp;b=2" in html
    assert '<b onclick="x">&\'' in text


def test_statements_between_rows_stay_there() -> None:
    source = "<table>{% for x in contact.items %}<tr><td>{{ x }}</td></tr>{% endfor %}</table>"
    body = build_body(source, "html", None, can_unsubscribe=False)
    html = compile_html(body.html).render({"items": ["a", "b"]})
    assert re.sub("</?tbody>", "", html).count("<tr><td>") == 2
    assert "<table><tbody>" in html or "<table>\n" in html or "<table>" in html
    assert html.index("<table>") < html.index("a</td>") < html.index("b</td>")


def test_style_sheets_become_attributes_but_for_media_queries() -> None:
    styles = "<style>p { color: red } @media (max-width: 480px) { p { color: blue } }</style>"
    html = build_body(f"{styles}<p>x</p>", "html", None).html
    assert '<p style="color: red;">x</p>' in html
    assert "@media (max-width: 480px)" in html


@pytest.mark.parametrize(
    ("layout", "source", "links", "addresses"),
    [
        (LAYOUT, "Hi", 1, 1),
        (PLAIN, "Hi", 1, 1),
        (PLAIN, 'Hi <a href="{{ unsubscribe_url }}">no</a>', 1, 1),
        (LayoutSource("{{ postal_address }} {{ content }}", "A &amp; B"), "Hi", 1, 1),
        (LAYOUT, "<html><body>Hi</body></html>", 1, 1),
        (None, "Hi", 1, 0),
    ],
)
def test_an_address_and_a_link_to_unsubscribe_are_there_once(
    layout: LayoutSource | None, source: str, links: int, addresses: int
) -> None:
    html = build_body(source, "html", layout).html
    assert html.count("{{ unsubscribe_url }}") == links
    assert html.count("A &amp;") == addresses
    assert html.rstrip().endswith("</body></html>")
    assert "unsubscribe" not in build_body("Hi", "html", layout, can_unsubscribe=False).html.lower()


def test_mjml_is_a_page_of_its_own() -> None:
    body = build_body(MJML, "mjml", LAYOUT)
    assert "<main>" not in body.html
    assert "{% if contact.vip %}" in body.html
    assert "A &amp; B" in body.html
    assert list(links_of(body)) == ["https://x.example/{{ contact.id }}", "{{ unsubscribe_url }}"]
    assert "Go (https://x.example/{{ contact.id }})" in body.text


@pytest.mark.parametrize(
    ("source", "how", "words"),
    [
        ("<mjml><mj-bdy>", "mjml", "The MJML can't be read"),
        ("not mjml", "mjml", "The MJML can't be read"),
        ("<div>" * (DEEPEST + 1), "html", "elements in one another"),
        ("<mjml><mj-body>" + "<mj-wrapper>" * (DEEPEST + 1), "mjml", "elements in one another"),
    ],
)
def test_what_can_not_be_read_is_refused_with_a_sentence(source: str, how: str, words: str) -> None:
    with pytest.raises(ContentError, match=words):
        build_body(source, how, LAYOUT)


def test_a_layout_without_a_place_for_the_content_is_refused() -> None:
    with pytest.raises(ContentError, match="no content"):
        build_body("Hi", "html", LayoutSource("<p>x</p>"))


def test_a_text_of_ones_own_replaces_the_one_that_is_made() -> None:
    body = build_body("<p>Hi</p>", "html", LAYOUT, own_text="Mine")
    assert body.text == "Mine"
    assert body.whole_text.startswith("Mine\n\n-- \nA & B")


def test_links_are_replaced_in_the_html_with_their_variables() -> None:
    targets = []

    def relink(target: str) -> str:
        targets.append(target)
        return 'http://mark/{{ contact.id | default("a") }};'

    source = '<a href="https://x.example/?a=1&amp;b={{ contact.id }}">x</a>'
    body = build_body(source, "html", None, can_unsubscribe=False, relink=relink)
    assert targets == ["https://x.example/?a=1&b={{ contact.id }}"]
    assert 'href="http://mark/{{ contact.id | default("a") }};"' in body.html


def test_the_layout_from_the_beginning_is_for_phones_and_for_the_dark() -> None:
    html = build_body("# Hi", "markdown", built_in()).html
    assert "prefers-color-scheme: dark" in html
    assert "max-width: 480px" in html
    assert '<meta name="viewport"' in html


@given(st.text(max_size=200), st.sampled_from(["markdown", "html"]))
def test_whatever_is_written_becomes_templates_or_a_sentence(source: str, how: str) -> None:
    with suppress(ContentError):
        assert "<main>" in build_body(source, how, LAYOUT).html or _is_page(source)


def _is_page(source: str) -> bool:
    return any(word in source.lower() for word in ("<html", "<body", "<!doctype"))


def test_statements_in_a_link_stay_in_it_where_links_are_tracked() -> None:
    source = (
        '<a href="https://x.example/{% if contact.vip %}a&amp;b{% else %}c{% endif %}">x</a> '
        '<a href="https://y.example/">y</a>'
    )

    def relink(target: str) -> str:
        return "http://mark/1;" if target == "https://y.example/" else target

    for body in (build_body(source, "html", None), build_body(source, "html", None, relink=relink)):
        html = compile_html(body.html).render({"vip": "yes"}, unsubscribe_url="u")
        assert 'href="https://x.example/a&amp;b"' in html
        html = compile_html(body.html).render({}, unsubscribe_url="u")
        assert 'href="https://x.example/c"' in html


def test_a_line_that_begins_and_ends_with_a_statement_is_still_markdown() -> None:
    source = "{% if contact.vip %}**Hello**{% else %}*Hi*{% endif %}"
    body = build_body(f"Dear you\n\n{source}", "markdown", LAYOUT)
    assert "<p>{% if contact.vip %}<strong>Hello</strong>{% else %}<em>Hi</em>{% endif %}</p>" in (
        body.html
    )


def test_many_statements_side_by_side_are_read_at_once() -> None:
    source = "".join(f"{{% if contact.a{n} %}}A{{% endif %}}" for n in range(200))
    assert build_body(f"{source} and so on", "markdown", LAYOUT).html.count("{% endif %}") == 200


@pytest.mark.parametrize("how", ["markdown", "html"])
def test_without_a_layout_a_statement_in_front_is_inside_the_body(how: str) -> None:
    body = build_body("{% if contact.vip %}\n<p>Hi</p>\n{% endif %}\n<p>Bye</p>", how, None)
    assert body.html.startswith("<!DOCTYPE html><html><head></head><body>")
    html = compile_html(body.html).render({}, unsubscribe_url="u")
    assert "<body>" in html
    assert "Hi" not in html


def test_links_of_pictures_stay_apart_in_the_text() -> None:
    icons = "".join(f'<a href="https://{n}.example/"><img src="x"></a>' for n in "ab")
    body = build_body(f"<p>Follow us:{icons}today</p>", "html", None)
    assert "us: https://a.example/ " in body.text
    assert " https://b.example/ today" in body.text


@pytest.mark.parametrize("piece", ["<a ", "<!--", "<style>", "{{ ", "{% ", "a < b <c "])
def test_many_beginnings_without_an_end_are_refused_at_once(piece: str) -> None:
    for source in (piece * 20_000, "x" * 600_000):
        with pytest.raises(ContentError):
            build_body(source, "html", None)


def test_comments_are_no_part_of_the_text() -> None:
    source = (
        "<!-- Header --><p>Hi</p><!--[if !mso]><!-->{% if contact.vip %}<p>you</p>{% endif %}"
        "<!--<![endif]-->"
    )
    body = build_body(source, "html", None)
    assert body.text == "Hi\n\n{% if contact.vip %}\n\nyou\n\n{% endif %}"


def test_very_many_beginnings_of_links_take_no_time_that_grows_with_their_square() -> None:
    many = "://" * 50_000
    body = build_body(f"{many}\n\nhttps://a.example", "markdown", None)
    assert many in body.html
    assert '<a href="https://a.example">' in body.html
