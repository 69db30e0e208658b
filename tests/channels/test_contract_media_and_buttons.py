"""What holds for every channel kind beside texts: pictures, files, buttons, templates, presses.

A new kind adds its own fixtures.py and no test here.
"""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, note, settings
from hypothesis import strategies as st

from channels.cases import CASES
from channels.fixtures import Case, texts_of
from clarion.channels.contract import Inbound, Limits, Outgoing, Request, Template, Unsendable
from clarion.kit.parts import Button, Media
from clarion.transport.head import header_block
from clarion.transport.messages import HttpRequest, SmppRequest
from clarion_simulator import multipart

EACH = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
URL = "https://pictures.example/spring/anna.png"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
MEDIA = {
    "image": Media("image", URL, "anna.png", "image/png"),
    "file": Media("file", URL.replace("png", "pdf"), "anna.pdf", "application/pdf"),
}
BUTTONS = {
    "link": Button("link", "Look", "https://shop.example/look"),
    "reply": Button("reply", "Yes, please", "yes-7"),
}


def rich(case: Case, **parts: Any) -> Outgoing:
    return replace(case.message, **parts)


def sent(case: Case, **parts: Any) -> str:
    """Everything that leaves, as a person could read it."""
    request = case.make().request(rich(case, **parts))
    if isinstance(request, HttpRequest):
        return case.opened(request).decode("utf-8", "replace")
    if isinstance(request, SmppRequest):
        return b"".join(request.parts).decode("latin-1")
    return "\n".join(texts_of(request.whole))


def refusal(case: Case, **parts: Any) -> str:
    with pytest.raises(Unsendable) as error:
        case.make().request(rich(case, **parts))
    return str(error.value)


@EACH
def test_limits_say_what_they_must(case: Case) -> None:
    limits = case.make().limits
    assert limits.media <= {"image", "file"}
    assert limits.bare_media < limits.media or not limits.bare_media
    assert limits.buttons <= {"link", "reply"}
    assert (limits.caption_length > 0) is bool(limits.media)
    assert (limits.most_buttons > 0) is bool(limits.buttons)
    assert limits.caption_length <= limits.text_length


@pytest.mark.parametrize("kind", ["image", "file"])
@EACH
def test_a_picture_or_file_leaves_or_is_refused(case: Case, kind: str) -> None:
    limits = case.make().limits
    if kind in limits.media:
        text, media = "" if kind in limits.bare_media else case.message.text, MEDIA[kind]
        if kind in case.needs_size:
            assert "Upload" in refusal(case, media=media, text=text)
            media = replace(media, unread=4_000)
        assert media.url in sent(case, media=media, text=text)
    else:
        assert refusal(case, media=MEDIA[kind]).endswith(".")


@pytest.mark.parametrize("kind", ["link", "reply"])
@EACH
def test_a_button_leaves_or_is_refused(case: Case, kind: str) -> None:
    button = BUTTONS[kind]
    if kind in case.make().limits.buttons:
        everything = sent(case, buttons=(button,))
        assert button.label in everything
        assert button.value in everything
        assert case.message.text in everything
    else:
        assert refusal(case, buttons=(button,)).endswith(".")


@EACH
def test_a_template_leaves_or_is_refused(case: Case) -> None:
    template = Template("spring_offer", "de_AT", ("Anna", "10 %"))
    if case.make().limits.templates:
        everything = sent(case, text="", template=template)
        assert all(text in everything for text in ("spring_offer", "de_AT", "Anna", "10 %"))
    else:
        assert "template" in refusal(case, template=template)


@EACH
def test_nothing_outside_the_limits_is_left_out_silently(case: Case) -> None:
    limits = case.make().limits
    if limits.media:
        for bare in limits.bare_media:
            assert "without text" in refusal(case, media=MEDIA[bare])
        medium = MEDIA[min(limits.media - limits.bare_media)]
        refusal(case, media=medium, text="x" * (limits.caption_length + 1))
        sent(case, media=medium, text="x" * limits.caption_length)
    if limits.buttons:
        button = BUTTONS[min(limits.buttons)]
        refusal(case, buttons=(button,) * (limits.most_buttons + 1))


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"media": Media("image")}, "public URL|neither a URL nor content|accepts no"),
        ({"media": Media("file", data=b"")}, "public URL|neither a URL nor content|accepts no"),
        ({"media": Media("image", "ftp://x.example/a.png")}, "must begin with https"),
        ({"media": Media("image", "https://x.example/a b.png")}, "must begin with https"),
        ({"buttons": (Button("link", "Look", "javascript:alert(1)"),)}, "must begin with https"),
        ({"buttons": (Button("link", "Look", ""),)}, "must begin with https"),
        ({"buttons": (Button("link", " \n", "https://x.example/"),)}, "no label"),
    ],
)
@EACH
def test_what_can_be_no_picture_and_no_button_is_refused(
    case: Case, parts: dict[str, Any], words: str
) -> None:
    limits = case.make().limits
    if not (limits.media if "media" in parts else limits.buttons):
        words += "|accepts no (picture|file)s|has no link buttons"
    with pytest.raises(Unsendable, match=words):
        case.make().request(rich(case, **parts))


odd = st.text(max_size=60) | st.sampled_from(
    [
        'a".png',
        "a\r\nContent-Type: text/html\r\n\r\n<b>.png",
        "../../etc/passwd",
        "x" * 5000 + ".pdf",
        "é😀.png" * 40,
        "\ud800",
        "--clarion-form-boundary--",
        "=?utf-8?q?a?=",
        "a;b=c",
        " . ",
    ]
)
addresses = st.sampled_from(
    ["", URL, "https://x.example/ü?a=1&b=%20", "https://x.example/<b>", "data:x", "http://["]
)
media = st.builds(
    Media,
    st.sampled_from(["image", "file"]),
    addresses,
    odd,
    odd | st.just("application/zip"),
    st.none() | st.binary(max_size=80) | st.just(PNG),
)
buttons = st.builds(
    Button, st.sampled_from(["link", "reply"]), odd, odd | addresses | st.just("y" * 65)
)
templates = st.builds(Template, odd, odd, st.lists(odd, max_size=3).map(tuple))


@settings(max_examples=200)
@given(
    text=odd,
    medium=st.none() | media,
    keys=st.lists(buttons, max_size=3).map(tuple),
    template=st.none() | templates,
)
@example(text="", medium=Media("image", "", "x", "y", PNG), keys=(), template=None)
@example(text="--clarion-form-boundary", medium=Media("file", data=b"a"), keys=(), template=None)
def test_whatever_is_written_leaves_whole_or_is_refused_in_a_sentence(
    text: str, medium: Media | None, keys: tuple[Button, ...], template: Template | None
) -> None:
    for case in CASES.values():
        note(case.kind)
        message = rich(case, text=text, media=medium, buttons=keys, template=template)
        assert_leaves_whole_or_is_refused(case, message)


def assert_leaves_whole_or_is_refused(case: Case, message: Outgoing) -> None:
    request = attempt(case, message)
    if isinstance(request, Unsendable):
        assert str(request).endswith(".")
        assert str(request).isprintable()
        return
    if isinstance(request, SmppRequest):
        assert request.parts
        assert request == case.make().request(message)
        return
    if not isinstance(request, HttpRequest):
        assert all(len(line) <= 998 for line in request.whole.split(b"\r\n"))
        assert request.whole.count(b"\r\nBcc:") == 0
        return
    again = case.make().request(message)
    assert isinstance(again, HttpRequest)
    assert case.opened(again) == case.opened(request)
    header_block(request.headers)
    kind = dict(request.headers)["Content-Type"]
    if not kind.startswith("multipart/") or case.opened(request) != request.body:
        assert isinstance(json.loads(case.opened(request)), dict)
    else:
        assert message.media is not None
        texts, files = multipart.read(kind.encode(), request.body)
        assert texts["chat_id"] == case.message.to
        assert [file.data for file in files.values()] == [message.media.data]


def attempt(case: Case, message: Outgoing) -> Request | Unsendable:
    try:
        return case.make().request(message)
    except Unsendable as refused:
        return refused


@EACH
def test_a_kind_with_reply_buttons_tells_which_was_pressed(case: Case) -> None:
    if "reply" not in case.make().limits.buttons:
        assert case.pressed is None
        return
    assert case.pressed is not None
    kind = case.make()
    for _ in range(2):
        hook = case.pressed()
        kind.verify(hook)
        (event,) = kind.events(hook)
        assert isinstance(event, Inbound)
        assert (event.button, event.text) == ("yes-7", "Yes, please")
        assert event.sender
        assert event.external_id


def test_the_limits_of_a_kind_that_says_nothing_allow_nothing() -> None:
    limits = Limits(rate=None, text_length=10, receipts=frozenset())
    assert not limits.media
    assert not limits.buttons
    assert not limits.templates
    assert limits.most_buttons == limits.caption_length == 0
