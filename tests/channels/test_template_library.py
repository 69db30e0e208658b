"""Templates that a provider lists: fetched by a worker, changed by callbacks, checked."""

from datetime import timedelta
from typing import Any

import pytest

from clarion.broadcasts.problems import check
from clarion.channels.contract import Reply, Request
from clarion.channels.errors import ChannelError
from clarion.channels.models import Channel, MessageTemplate
from clarion.channels.templates import library
from clarion.channels.templates.listed import ListedTemplate, TemplateChanged
from clarion.channels.templates.parts import filled, parts_of, places_of, why_not_sendable
from clarion.kit import clock
from clarion.transport.messages import HttpReply
from support import factory

pytestmark = pytest.mark.django_db
SETTINGS = {"phone_number_id": "1", "token": "EAA", "app_secret": "s"}


@pytest.fixture
def channel() -> Channel:
    return factory.channel("shop", "whatsapp", waba_id="102", **SETTINGS)


def template(name: str, status: str = "approved", body: str = "Hi {{1}}") -> ListedTemplate:
    component = {"type": "BODY", "text": body}
    return ListedTemplate(name, "en", status, "marketing", "green", (component,), "9")


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[list[ListedTemplate]]:
    """What the provider lists, page by page; the test fills it in."""
    listed: list[list[ListedTemplate]] = []

    async def ask(request: Request) -> Reply:
        return HttpReply(200, {}, b"")

    def read(self: Any, reply: Reply) -> tuple[list[ListedTemplate], str]:
        page = listed.pop(0)
        return page, "next" if listed else ""

    monkeypatch.setattr(library, "ask", ask)
    monkeypatch.setattr("clarion.channels.whatsapp.kind.WhatsAppKind.listed_templates", read)
    return listed


def stored() -> list[tuple[str, str]]:
    return list(MessageTemplate.objects.order_by("name").values_list("name", "status"))


def test_a_worker_fetches_what_an_agent_orders(channel: Channel, pages: list[Any]) -> None:
    assert not library.run_next(lambda: False)
    library.order_refresh(channel, by=factory.BY)
    assert not library.run_next(lambda: True)
    pages += [[template("spring"), template("old")], [template("summer", "paused")]]
    assert library.run_next(lambda: False)
    assert not library.run_next(lambda: False)
    assert stored() == [("old", "approved"), ("spring", "approved"), ("summer", "paused")]

    pages += [[template("spring", "rejected"), template("summer", "paused")]]
    kept = MessageTemplate.objects.get(name="summer")
    library.order_refresh(channel, by=factory.BY)
    assert library.run_next(lambda: False)
    assert stored() == [("spring", "rejected"), ("summer", "paused")]
    again = MessageTemplate.objects.get(name="summer")
    assert (again.pk, again.changed_at) == (kept.pk, kept.changed_at)
    channel.refresh_from_db()
    assert (channel.templates_problem, channel.templates_asked_at) == ("", None)


def test_a_list_that_cannot_be_fetched_keeps_what_is_stored(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    MessageTemplate.objects.create(channel=channel, name="a", language="en", status="approved")

    async def ask(request: Request) -> Reply:
        return HttpReply(401, {}, b'{"error": {"code": 190, "message": "x"}}')

    monkeypatch.setattr(library, "ask", ask)
    assert "access token" in library.refresh(channel)
    assert (stored(), library.has_library(channel)) == ([("a", "approved")], False)
    assert "access token" in channel.templates_problem


def test_what_a_callback_changed_while_the_list_was_fetched_stays(
    channel: Channel, pages: list[Any]
) -> None:
    pages += [[template("spring"), template("summer")]]
    library.refresh(channel)
    library.note_change(channel, TemplateChanged("spring", "en", status="paused"))
    later = clock.now() + timedelta(minutes=1)  # than the next fetch begins
    MessageTemplate.objects.filter(name="spring").update(changed_at=later)

    pages += [[template("spring"), template("summer", "rejected")]]
    library.refresh(channel)
    assert stored() == [("spring", "paused"), ("summer", "rejected")]


def test_a_refresh_needs_the_account_and_a_kind_with_templates() -> None:
    without = factory.channel("wa", "whatsapp", **SETTINGS)
    with pytest.raises(ChannelError, match="account id"):
        library.order_refresh(without, by=factory.BY)
    with pytest.raises(ChannelError, match="no list of templates"):
        library.order_refresh(factory.channel(), by=factory.BY)


def test_callbacks_change_what_is_stored_or_order_the_list(channel: Channel) -> None:
    MessageTemplate.objects.create(
        channel=channel, name="spring", language="en", status="approved", quality="green"
    )
    library.note_change(channel, TemplateChanged("spring", "en", status="paused"))
    library.note_change(channel, TemplateChanged("spring", "en", quality="red"))
    row = MessageTemplate.objects.get()
    assert (row.status, row.quality) == ("paused", "red")
    library.note_change(channel, TemplateChanged("new", "en", status="approved"))
    channel.refresh_from_db()
    assert channel.templates_asked_at is None  # its list was never fetched
    Channel.objects.update(templates_at=row.changed_at)
    library.note_change(channel, TemplateChanged("new", "en", status="approved"))
    channel.refresh_from_db()
    assert channel.templates_asked_at is not None
    Channel.objects.update(templates_asked_at=None)
    library.note_change(channel, TemplateChanged("spring", "en"))
    channel.refresh_from_db()
    assert channel.templates_asked_at is not None  # the list tells what happened


@pytest.mark.parametrize(
    ("name", "variables", "words"),
    [
        ("spring", ["Ada"], None),
        ("spring", [], "has 1 variable; 0 are filled in"),
        ("plain", ["Ada"], "has no variables; 1 is filled in"),
        ("unknown", [], "has no template “unknown” in en"),
        ("paused", ["Ada"], "is paused by the provider"),
        ("rejected", ["Ada"], "was rejected"),
        ("pending", ["Ada"], "is not approved yet"),
        ("in_appeal", ["Ada"], "its status is “in_appeal”"),
    ],
)
def test_a_template_is_checked_against_the_list(
    channel: Channel, pages: list[Any], name: str, variables: list[str], words: str | None
) -> None:
    factory.people(channel, 1, prefix="4915112345")
    pages += [
        [
            template("spring"),
            template("plain", body="Hi"),
            *(template(status, status) for status in ("paused", "rejected", "pending")),
            template("in_appeal", "in_appeal"),
        ]
    ]
    library.refresh(channel)
    fields = {"name": name, "language": "en", "variables": variables}
    draft = factory.draft([channel], data_type="template", template=fields)
    problems = check(draft)
    assert len(problems) == (words is not None)
    assert words is None or words in problems[0]


def test_without_a_list_any_template_may_be_sent(channel: Channel) -> None:
    factory.people(channel, 1, prefix="4915112345")
    fields = {"name": "unknown", "language": "en", "variables": []}
    assert check(factory.draft([channel], data_type="template", template=fields)) == []


def test_the_parts_of_a_template() -> None:
    parts = parts_of(
        [
            {"type": "HEADER", "format": "IMAGE", "example": {}},
            {"type": "BODY", "text": "{{2}} for {{1}}, {{2}}"},
            {"type": "FOOTER", "text": "Bye"},
            {"type": "BUTTONS", "buttons": [
                {"type": "URL", "text": "Look", "url": "https://x.example/{{1}}"},
                {"type": "URL", "text": "Home", "url": "https://x.example"},
                {"type": "COPY_CODE", "text": "Copy"}, {"type": "FLOW"}, 7,
            ]},
            {"type": "SPARKLES"}, 7,
        ]  # type: ignore[list-item]
    )  # fmt: skip
    assert (parts.body_variables, parts.header_media, parts.footer) == (["1", "2"], "image", "Bye")
    assert [(b.kind, b.variable) for b in parts.buttons] == [
        ("url", True), ("url", False), ("copy_code", True), ("other", False),
    ]  # fmt: skip
    assert places_of(parts) == (
        "header:image", "body", "body", "button:0:url", "button:2:copy_code",
    )  # fmt: skip
    assert why_not_sendable(parts).startswith("has a button that opens a form, which can't be sent")
    assert filled("{{2}} for {{1}}, {{3}}", {"1": "Ada", "2": "Cake"}) == "Cake for Ada, {{3}}"
    named = parts_of([{"type": "BODY", "text": "Hi {{first_name}}"}])
    assert (named.body_variables, named.is_named) == (["first_name"], True)
    assert places_of(named) == ("body=first_name",)
    assert why_not_sendable(named) == ""
    assert "has a location" in why_not_sendable(
        parts_of([{"type": "HEADER", "format": "LOCATION"}])
    )
    assert parts_of([]) == parts_of([{"type": "BODY"}])


@pytest.mark.parametrize(
    ("component", "words"),
    [
        ({"type": "CAROUSEL", "cards": []}, "has cards to swipe through"),
        ({"type": "LIMITED_TIME_OFFER"}, "has an offer that expires"),
        ({"type": "BUTTONS", "buttons": [{"type": "CATALOG"}]}, "opens a catalog"),
        ({"type": "BUTTONS", "buttons": [{"type": "MPM"}]}, "opens a list of products"),
        ({"type": "BUTTONS", "buttons": [{"type": "ORDER_DETAILS"}]}, "to pay an order"),
        ({"type": "SPARKLES"}, "has a part “sparkles”"),
        ({"type": "BUTTONS", "buttons": [{"type": "VOICE_CALL"}]}, ""),
        ({"type": "FOOTER", "text": "Bye"}, ""),
    ],
)
def test_what_variables_can_not_fill_is_refused_in_words(
    component: dict[str, Any], words: str
) -> None:
    reason = why_not_sendable(parts_of([{"type": "BODY", "text": "Hi"}, component]))
    assert words in reason
    assert bool(words) == bool(reason)


def test_a_template_for_one_time_codes_has_the_code_in_its_button_too() -> None:
    button = {"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy code"}
    body = {"type": "BODY", "text": "*{{1}}* is your code."}
    parts = parts_of([body, {"type": "BUTTONS", "buttons": [button]}])
    assert places_of(parts) == ("body", "button:0:url")
    assert why_not_sendable(parts) == ""


def test_a_carousel_is_refused_before_sending(channel: Channel) -> None:
    channel.templates_at = clock.now()
    channel.save()
    MessageTemplate.objects.create(
        channel=channel, name="cards", language="en", status="approved",
        components=[{"type": "BODY", "text": "Hi"}, {"type": "CAROUSEL", "cards": []}],
    )  # fmt: skip
    factory.people(channel, 1, prefix="4915112345")
    fields = {"name": "cards", "language": "en", "variables": []}
    (problem,) = check(factory.draft([channel], data_type="template", template=fields))
    assert "has cards to swipe through" in str(problem)
