"""Links in texts as they are written, and the URLs that are made of them."""

import pytest

from clarion.content.links import find_links, location


def targets(source: str) -> list[str]:
    return [link.target for link in find_links(source) if link.is_fixed_place]


@pytest.mark.parametrize(
    ("source", "links"),
    [
        ("Look: https://shop.example/sale.", ["https://shop.example/sale"]),
        ("(see http://shop.example/a_(b))", ["http://shop.example/a_(b)"]),
        ("“https://shop.example/a”, new!", ["https://shop.example/a"]),
        ("今すぐhttps://shop.example/x。", ["https://shop.example/x"]),
        ("HTTPS://Shop.example", ["HTTPS://Shop.example"]),
        ("https://a.example https://b.example?x=1&y=2#z", [
            "https://a.example", "https://b.example?x=1&y=2#z"
        ]),
        ("https://a.example/?id={{ contact.id }}&x=1 now", [
            "https://a.example/?id={{ contact.id }}&x=1"
        ]),
        ("https://a.example/{{ contact.name | default('x y') }}.", [
            "https://a.example/{{ contact.name | default('x y') }}"
        ]),
        # Values, and not links of the text.
        ("{{ contact.url | default('https://a.example') }}", []),
        ("{# https://a.example #}{% if x == 'https://b.example' %}", []),
        # Nobody knows where these lead, or where they end.
        ("https://{{ contact.shop }}/a", []),
        ("https://a.example{{ contact.path }}", []),
        ("https://a.example/{% if contact.vip %}vip{% endif %}", []),
        ("ftp://a.example mailto:x@a.example www.a.example https://", []),
        ("https://a.example/" + "x" * 2_000, []),
        # For an app, or for whomever the recipient writes to.
        ("whatsapp://send?text=https://a.example/x", []),
        ("mailto:x@a.example?body=https://a.example&subject=Hi", []),
        ("Shop:https://a.example/x", ["https://a.example/x"]),
    ],
)  # fmt: skip
def test_which_links_are_found(source: str, links: list[str]) -> None:
    assert targets(source) == links


def test_where_a_link_stands() -> None:
    source = "Go to https://a.example/x, now"
    (link,) = find_links(source)
    assert source[link.start : link.end] == "https://a.example/x"


@pytest.mark.parametrize(
    ("target", "values", "url"),
    [
        ("https://a.example", [], "https://a.example"),
        ("https://a.example/%C3%A4?q=a b", [], "https://a.example/%C3%A4?q=a%20b"),
        ("https://bücher.example/ü", [], "https://xn--bcher-kva.example/%C3%BC"),
        ("https://straße.example/a", [], "https://xn--strae-oqa.example/a"),
        ("https://ΒΑΣΟΣ.example", [], "https://xn--mxab4bpb.example"),
        ("https://a.example/?n={{ x }}&m={{ y }}", ["Ann B", "1"], "https://a.example/?n=Ann%20B&m=1"),
        # A header can't be ended by a value, nor another host be reached.
        ("https://a.example/{{ x }}", ["\r\nSet-Cookie: a=b"], "https://a.example/%0D%0ASet-Cookie:%20a=b"),
        ("https://a.example/{{ x }}", ["//evil.example"], "https://a.example///evil.example"),
        ("https://a.example/{{ x }}", ["\\\\evil@x"], "https://a.example/%5C%5Cevil@x"),
        ("https://a.example/{{ x }}", ["\ud800"], "https://a.example/?"),
    ],
)  # fmt: skip
def test_the_url_of_a_target(target: str, values: list[str], url: str) -> None:
    assert location(target, values) == url


def test_values_of_another_link_are_refused() -> None:
    with pytest.raises(ValueError, match="values"):
        location("https://a.example/{{ x }}", [])
