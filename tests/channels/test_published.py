"""All that a kind can send, and its callbacks, against what the provider has published."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from channels.cases import CASES
from channels.fixtures import Case
from channels.published import Documented, Published, all_published, excerpt_of, problems
from clarion.channels.contract import Outgoing, RegistersWebhook, SendsBatches, Unsendable
from clarion.kit.parts import Button, Mail, Media
from clarion.transport.messages import HttpRequest

ALL = all_published()
EACH = pytest.mark.parametrize("published", ALL.values(), ids=ALL.keys())
EXAMPLES = [
    pytest.param(published, example, id=f"{name}: {example.source.rpartition('/')[2]} {number}")
    for name, published in ALL.items()
    for number, example in enumerate(published.documented)
]
URL = "https://pictures.example/spring/anna.png"
LONG_URL = f"https://pictures.example/{'x' * 1_980}.png"
HOOK = "https://clarion.example/hooks/3/Zm9v/"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
LENGTHS = (1, 20, 21, 40, 75, 80, 100, 250, 255, 256, 640, 768, 1_000, 2_000, 2_049)


def media_of(kind: str) -> Iterator[Media]:
    name, sort = ("anna.png", "image/png") if kind == "image" else ("anna.pdf", "application/pdf")
    yield Media(kind, URL, name, sort)  # type: ignore[arg-type]  # the fixed words of Limits
    yield Media(kind, LONG_URL, "n" * 3_000, sort)  # type: ignore[arg-type]
    yield Media(kind, "", "a ü\n.png", sort, PNG)  # type: ignore[arg-type]
    yield Media(kind, URL)  # type: ignore[arg-type]
    yield Media(kind, URL, name, sort, unread=4_000)  # type: ignore[arg-type]


def buttons_of(kinds: frozenset[str], most: int) -> Iterator[tuple[Button, ...]]:
    for kind in sorted(kinds):
        value = URL if kind == "link" else "yes-7"
        for length in LENGTHS:
            yield (Button(kind, "ä" * length, value),)  # type: ignore[arg-type]
            longer = f"{URL}?{'x' * length}" if kind == "link" else "x" * length
            yield (Button(kind, "Look", longer),)  # type: ignore[arg-type]
        for number in sorted({2, 3, 4, 5, 6, 7, 10, 13, most}):
            yield tuple(
                Button(kind, f"{kind} {each}", f"{value}{each}")  # type: ignore[arg-type]
                for each in range(min(number, most))
            )
        yield (Button(kind, "No value", value if kind == "link" else ""),)  # type: ignore[arg-type]
    if len(kinds) == 2:
        yield Button("link", "Look", URL), Button("reply", "Yes, please", "yes-7")


def contents_of(published: Published) -> Iterator[dict[str, Any]]:
    """Every kind of content that the limits name, and each at and beyond its lengths.

    Not a plain text beyond its length: that is checked before anything is sent.
    """
    limits = CASES[published.kind].make().limits
    for text in ("Hello Anna", "x", "😀" * 300, "a & b <c> {{d}}\n*e* \udcff"):
        yield {"text": text}
    for length in (641, 769, 3_001, limits.text_length):
        yield {"text": "x" * min(length, limits.text_length)}
    buttons = list(buttons_of(limits.buttons, limits.most_buttons))
    for each in buttons:
        yield {"buttons": each}
    yield from ({"text": "x" * 700, "buttons": each} for each in buttons[:1])
    for kind in sorted(limits.media):
        for media in media_of(kind):
            yield {"media": media}
            yield {"media": media, "text": ""}
            yield {"media": media, "text": "x" * limits.caption_length}
            yield from ({"media": media, "buttons": each} for each in buttons[-2:])
    if limits.mail:
        yield {"mail": Mail("<p>Hi</p>", "Look inside", 'Müller, "A"', "help@example.org")}
        yield {"name": "Zoë, <b@x.example>", "title": "Frühling 🌷" * 20}
        yield {"unsubscribe_url": "https://clarion.example/unsubscribe/1:x", "title": ""}


def requests_of(published: Published) -> Iterator[tuple[dict[str, Any], HttpRequest]]:
    """What is sent of each content; one that is refused in words sends nothing."""
    case = CASES[published.kind]
    for content in contents_of(published):
        try:
            request = case.make().request(replace(case.message, **content))
        except Unsendable:
            continue
        assert isinstance(request, HttpRequest)
        yield content, request


@EACH
def test_every_message_has_the_published_form(published: Published) -> None:
    limits = CASES[published.kind].make().limits
    sent: set[str] = set()
    for content, request in requests_of(published):
        assert problems(published, published.request(request)) == [], content
        sent |= {"text"} if content.get("text", "x") else set()
        sent |= {content["media"].kind} if "media" in content else set()
        sent |= {each.kind for each in content.get("buttons", ())}
    assert sent == {"text", *limits.media, *limits.buttons}


@EACH
def test_requests_for_several_have_the_published_form(published: Published) -> None:
    case = CASES[published.kind]
    kind = case.make()
    if not isinstance(kind, SendsBatches):
        return
    assert case.rehearsal is not None
    assert case.rehearsal.person is not None
    people = [case.rehearsal.person(number) for number in range(kind.limits.most_recipients)]
    for content in contents_of(published):
        messages = [_for(case, who, content) for who in people]
        if kind.shared(messages[0]) is not None:
            request = kind.batch_request(messages)
            assert isinstance(request, HttpRequest)
            assert problems(published, published.request(request)) == [], content


@EACH
def test_the_webhook_is_registered_in_the_published_form(published: Published) -> None:
    kind = CASES[published.kind].make()
    if isinstance(kind, RegistersWebhook):
        request = kind.register(HOOK)
        assert isinstance(request, HttpRequest)
        assert problems(published, published.request(request)) == []


@EACH
def test_callbacks_of_the_fixtures_have_the_published_form(published: Published) -> None:
    case = CASES[published.kind]
    if published.callback is None:
        return
    hooks = [make() for make in (case.hook, case.pressed, *case.others) if make is not None]
    assert [problems(published, published.callback(hook)) for hook in hooks] == [[]] * len(hooks)


@pytest.mark.parametrize(("published", "example"), EXAMPLES)
def test_documented_callbacks_are_understood(published: Published, example: Documented) -> None:
    assert example.source.startswith("https://")
    assert tuple(CASES[published.kind].make().events(example.hook)) == example.events


@EACH
def test_documented_callbacks_show_all_that_the_kind_reports(published: Published) -> None:
    limits = CASES[published.kind].make().limits
    events = [event for example in published.documented for event in example.events]
    names = {type(event).__name__ for event in events}
    assert {getattr(event, "status", "") for event in events} >= limits.receipts
    assert "Inbound" in names or not limits.inbound
    assert names & {"OptOut", "AddressReport"} or "reported" not in limits.opt_outs


@EACH
def test_an_excerpt_names_its_sources_and_licence(published: Published) -> None:
    excerpt = excerpt_of(published.kind)
    assert excerpt.keys() <= {"source", "licence", "changes", "definitions"}
    assert excerpt["source"]
    assert excerpt["licence"]


def _for(case: Case, who: str, content: dict[str, Any]) -> Outgoing:
    return replace(case.message, to=who, id=f"abc-{who}", **content)
