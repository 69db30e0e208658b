"""Tracked links in the place of those that are written."""

import re

import pytest
from pytest_django.fixtures import Settings

from clarion.clicks.tokens import read_token
from clarion.clicks.tracking import Tracking, as_sent, links_in, sources_in
from clarion.content.links import location
from clarion.content.messages import Message
from clarion.content.rendering import compile_text
from clarion.kit.parts import Button

URL = re.compile(r"https://c\.example/c/([\w-]+)")


@pytest.fixture(autouse=True)
def _public(settings: Settings) -> None:
    settings.CLARION = settings.CLARION.model_copy(update={"public_url": "https://c.example/"})


def sent(source: str, **contact: str) -> tuple[str, list[str]]:
    """The text as delivery 9 gets it, and where its tracked links lead."""
    targets = sorted({link.target for link in links_in([source])})
    tracking = Tracking({target: number for number, target in enumerate(targets, 1)})
    text = tracking.fill(compile_text(tracking.mark(source)).render(contact), 9)
    named = [read_token(token) for token in URL.findall(text)]
    assert {one.delivery for one in named} <= {9}
    return text, [location(targets[one.link - 1], one.values) for one in named]


def test_each_link_leads_where_it_was_written_to() -> None:
    text, leads = sent("A https://a.example/x, b https://b.example. Again: https://a.example/x")
    assert leads == ["https://a.example/x", "https://b.example", "https://a.example/x"]
    assert URL.sub("#", text) == "A #, b #. Again: #"


def test_variables_are_filled_in_and_carried_along() -> None:
    text, leads = sent("https://a.example/?n={{ contact.name }}&x=1!", name="Ann & Bo; C")
    assert leads == ["https://a.example/?n=Ann%20&%20Bo;%20C&x=1"]
    assert URL.sub("#", text) == "#!"


def test_a_value_that_begins_with_a_semicolon_ends_no_link() -> None:
    source = "https://a.example/?a={{ contact.a }}&b={{ contact.b }}"
    text, leads = sent(source, a=",", b=";,x;")
    assert leads == ["https://a.example/?a=,&b=;,x;"]
    assert URL.sub("#", text) == "#"


def test_what_a_person_has_written_is_never_taken_for_a_link_of_ours() -> None:
    text, leads = sent("Hi {{ contact.name }}: https://a.example", name="http://abc/1; https://b.x")
    assert leads == ["https://a.example"]
    assert "http://abc/1; https://b.x" in text


def test_links_to_this_server_are_left_alone() -> None:
    source = "https://c.example/unsubscribe/1:abc https://c.example https://c.example.evil.example/"
    assert [link.target for link in links_in([source])] == ["https://c.example.evil.example/"]


def test_a_link_too_long_for_a_header_is_sent_as_it_is() -> None:
    name = "x" * 3_000
    text, leads = sent("https://a.example/{{ contact.name }}", name=name)
    assert (text, leads) == (f"https://a.example/{name}", [])


def test_blocks_of_a_story() -> None:
    blocks = [
        {"kind": "image", "url": "https://a.example/pic.png", "caption": "https://a.example"},
        {"kind": "buttons", "text": "T", "buttons": [
            {"kind": "link", "label": "L", "value": "https://b.example/{{ contact.id }}"},
            {"kind": "reply", "label": "https://r.example", "value": "https://r.example"},
        ]},
        {"kind": "webhook", "url": "https://hook.example"},
    ]  # fmt: skip
    targets = [link.target for link in links_in(sources_in(blocks))]
    assert targets == ["https://a.example", "https://b.example/{{ contact.id }}"]
    tracking = Tracking({target: number for number, target in enumerate(targets, 1)})
    image, buttons, webhook = tracking.mark_blocks(blocks)
    assert image["url"] == "https://a.example/pic.png"
    assert webhook == blocks[2]
    assert buttons["buttons"][1] == blocks[1]["buttons"][1]  # type: ignore[index]
    value = compile_text(buttons["buttons"][0]["value"]).render({"id": "7"})
    message = Message(image["caption"], None, (Button("link", "L", value),))
    filled = tracking.fill_message(message, 9)
    for text, link, values in ((filled.text, 1, ()), (filled.buttons[0].value, 2, ("7",))):
        match = URL.fullmatch(text)
        assert match
        named = read_token(match[1])
        assert (named.delivery, named.link, named.values) == (9, link, values)


def test_a_length_is_told_before_sending() -> None:
    assert len(as_sent("https://a.example/" + "x" * 500)) < 60
    assert as_sent("No link") == "No link"


@pytest.mark.parametrize(
    ("value", "is_tracked"),
    [
        ("https://a.example/Inc.", True),
        ("https://a.example/wow!", True),
        ("https://a.example/{{ contact.name }}_", True),
        ("https://a.example/„x“", False),
        ("https://a.example/x|y", False),
        ("whatsapp://send?text=https://a.example", False),
    ],
)
def test_the_address_of_a_button_is_one_link_as_a_whole(value: str, is_tracked: bool) -> None:
    blocks = [{"kind": "buttons", "buttons": [{"kind": "link", "label": "Go", "value": value}]}]
    targets = [link.target for link in links_in(sources_in(blocks))]
    assert targets == ([value] if is_tracked else [])
    tracking = Tracking({target: number for number, target in enumerate(targets, 1)})
    marked = tracking.mark_blocks(blocks)[0]["buttons"][0]["value"]
    url = tracking.fill(compile_text(marked).render({"name": "Ann"}), 9)
    assert (URL.fullmatch(url) is not None) == is_tracked
    assert is_tracked or url == value
