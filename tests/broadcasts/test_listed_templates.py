"""A template that its provider lists: its variables by place, before and while sending."""

import pytest

from clarion.broadcasts.preview import preview
from clarion.broadcasts.problems import check
from clarion.broadcasts.template_fit import places
from clarion.channels.models import Channel, MessageTemplate
from clarion.channels.registry import kind_class
from clarion.engine import reap, snapshot
from clarion.engine.claim import claim
from clarion.engine.render import MessageStep, next_step
from clarion.kit import clock
from support import factory

pytestmark = pytest.mark.django_db
NEW = {"name": "new", "language": "en"}
VALUES = ["https://x.example/{{ contact.name }}.png", "{{ contact.name }}", "spring", "SPRING10"]
PLACES = ("header:image", "body", "button:0:url", "button:1:copy_code")
COMPONENTS = [
    {"type": "HEADER", "format": "IMAGE"},
    {"type": "BODY", "text": "{{1}}, it is here."},
    {"type": "FOOTER", "text": "Reply STOP"},
    {"type": "BUTTONS", "buttons": [
        {"type": "URL", "text": "Look", "url": "https://x.example/{{1}}"},
        {"type": "COPY_CODE", "text": "Copy code"},
        {"type": "QUICK_REPLY", "text": "No more"},
    ]},
]  # fmt: skip


@pytest.fixture
def shop() -> Channel:
    settings = {"phone_number_id": "1", "token": "EAA", "app_secret": "s", "waba_id": "102"}
    channel = factory.channel("shop", "whatsapp", **settings)
    MessageTemplate.objects.create(channel=channel, status="approved", components=COMPONENTS, **NEW)
    Channel.objects.update(templates_at=clock.now())
    channel.refresh_from_db()
    return channel


def test_each_variable_is_sent_in_its_place(shop: Channel) -> None:
    factory.address(shop, "4915112345678", "Ada")
    template = {**NEW, "variables": VALUES}
    broadcast = factory.sending([shop], data_type="template", template=template)
    (claimed,) = claim(shop.pk, reap.register(), 5).messages
    step = next_step(claimed, snapshot.job(broadcast.pk), kind_class("webhook").limits)
    assert isinstance(step, MessageStep)
    assert step.outgoing.template is not None
    assert step.outgoing.template.places == PLACES
    assert step.outgoing.template.variables[:2] == ("https://x.example/Ada.png", "Ada")
    assert step.shown.splitlines()[0] == "new (en)"


def test_what_lacks_a_value_or_can_never_be_sent_is_refused(shop: Channel) -> None:
    factory.address(shop, "4915112345678", "Ada")
    fields = {"data_type": "template", "template": {**NEW, "variables": VALUES[:3]}}
    (problem,) = check(factory.draft([shop], **fields))
    assert "has 4 variables; 3 are filled in" in problem
    fields["template"] = {**NEW, "variables": ["picture.png", *VALUES[1:]]}
    (problem,) = check(factory.draft([shop], **fields))
    assert "needs the URL of a picture" in problem


def test_the_preview_shows_the_template_as_it_is_listed(shop: Channel) -> None:
    ada = factory.address(shop, "4915112345678", "Ada")
    template = {**NEW, "variables": VALUES}
    draft = factory.draft([shop], data_type="template", template=template)
    (shown,) = preview(draft, ada)
    assert shown.message is not None
    assert shown.message.text.splitlines() == [
        "[image: https://x.example/Ada.png]", "Ada, it is here.", "Reply STOP",
    ]  # fmt: skip
    assert [(b.kind, b.label, b.value) for b in shown.message.buttons] == [
        ("link", "Look", "https://x.example/spring"),
        ("reply", "Copy code", "SPRING10"),
        ("reply", "No more", ""),
    ]


def test_without_a_list_all_variables_are_in_the_body() -> None:
    assert places(NEW, [factory.channel()]) == ()
