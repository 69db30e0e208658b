"""Tracked links from the broadcast to the message of each person."""

import re

import pytest
from pytest_django.fixtures import Settings

from clarion.broadcasts import launch, live_edits, restarts, singles
from clarion.broadcasts.errors import LaunchError
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.problems import (
    NO_LINK,
    NO_PUBLIC_URL,
    OF_TEMPLATE,
    check,
    content_problems,
)
from clarion.channels.models import Channel
from clarion.channels.registry import kind_class
from clarion.clicks.links import links_of, target_of
from clarion.clicks.tokens import read_token
from clarion.contacts.models import Address
from clarion.content import stories
from clarion.content.links import location
from clarion.engine import reap, snapshot
from clarion.engine.claim import Claimed, claim
from clarion.engine.render import MessageStep, next_step
from support import factory

pytestmark = pytest.mark.django_db
TEXT = "Hello {{ contact.name }}: https://shop.example/?id={{ contact.id }}. Or https://a.example/b"
URL = re.compile(r"https://c\.example/c/([\w-]+)")


@pytest.fixture(autouse=True)
def _public(settings: Settings) -> None:
    settings.CLARION = settings.CLARION.model_copy(update={"public_url": "https://c.example"})


@pytest.fixture
def channel() -> Channel:
    return factory.channel()


@pytest.fixture
def people(channel: Channel) -> list[Address]:
    return factory.people(channel, 2)


def claimed_of(channel: Channel) -> list[Claimed]:
    return claim(channel.pk, reap.register(), 100).messages


def message(claimed: Claimed) -> MessageStep:
    step = next_step(claimed, snapshot.job(claimed.broadcast), kind_class("webhook").limits)
    assert isinstance(step, MessageStep)
    return step


def leads(text: str, claimed: Claimed) -> list[str]:
    """Where the tracked links of a text lead."""
    named = [read_token(token) for token in URL.findall(text)]
    assert {one.delivery for one in named} == {claimed.delivery}
    return [location(target_of(one.link) or "", one.values) for one in named]


def test_i6_each_person_has_links_of_their_own(channel: Channel, people: list[Address]) -> None:
    broadcast = factory.sending([channel], text=TEXT, track_clicks=True)
    for claimed in claimed_of(channel):
        step = message(claimed)
        text = step.outgoing.text
        assert leads(text, claimed) == [
            f"https://shop.example/?id={claimed.to}",
            "https://a.example/b",
        ]
        assert URL.sub("#", text) == f"Hello {claimed.contact['name']}: #. Or #"
        assert step.shown == text  # the record has what was sent
    targets = {link.target for link in links_of([broadcast.pk])}
    assert targets == {"https://shop.example/?id={{ contact.id }}", "https://a.example/b"}


def test_without_the_choice_nothing_changes(channel: Channel, people: list[Address]) -> None:
    broadcast = factory.sending([channel], text=TEXT)
    (claimed, _) = claimed_of(channel)
    assert message(claimed).shown.endswith(
        f"https://shop.example/?id={claimed.to}. Or https://a.example/b"
    )
    assert links_of([broadcast.pk]) == []


def test_buttons_and_captions_of_a_story(channel: Channel, people: list[Address]) -> None:
    blocks = [
        {"kind": "buttons", "text": "https://a.example", "buttons": [
            {"kind": "link", "label": "Shop", "value": "https://shop.example/{{ contact.id }}"},
            {"kind": "reply", "label": "No"},
        ]},
        {"kind": "image", "url": "https://a.example/pic.png", "caption": "At https://b.example"},
    ]  # fmt: skip
    story = stories.create_story(name="Sale", blocks=blocks, by=factory.BY)
    factory.sending([channel], data_type="story", story=story, track_clicks=True)
    (claimed, _) = claimed_of(channel)
    outgoing = message(claimed).outgoing
    assert leads(outgoing.text, claimed) == ["https://a.example"]
    assert leads(outgoing.buttons[0].value, claimed) == [f"https://shop.example/{claimed.to}"]
    assert outgoing.buttons[1].value == "No"


def test_an_unsubscribe_link_is_never_tracked(channel: Channel, people: list[Address]) -> None:
    own = "https://c.example/unsubscribe/1:abc"
    factory.sending([channel], text=f"https://a.example/b {own}", track_clicks=True)
    (claimed, _) = claimed_of(channel)
    step = message(claimed)
    assert own in step.outgoing.text
    assert "/unsubscribe/" in step.outgoing.unsubscribe_url


def test_what_stands_in_the_way(
    channel: Channel, people: list[Address], settings: Settings
) -> None:
    draft = factory.draft([channel], text="No link here", track_clicks=True)
    assert check(draft) == [NO_LINK]
    only_variable = factory.draft([channel], text="https://{{ contact.city }}/", track_clicks=True)
    assert check(only_variable) == [NO_LINK]
    template = {"name": "sale", "language": "en", "variables": []}
    draft = factory.draft([channel], data_type="template", template=template, track_clicks=True)
    assert OF_TEMPLATE in check(draft)
    settings.CLARION = settings.CLARION.model_copy(update={"public_url": ""})
    draft = factory.draft([channel], text=TEXT, track_clicks=True)
    with pytest.raises(LaunchError, match="no public URL"):
        launch.start(draft, by=factory.BY)
    assert check(factory.draft([channel], text=TEXT)) == []
    # It was set when it was launched: the broadcast is paused with the reason, nobody fails.
    draft.track_clicks = True
    assert NO_PUBLIC_URL in content_problems(draft, [channel])
    assert snapshot.job(draft.pk, 99).broken == NO_PUBLIC_URL


def test_a_length_counts_the_tracked_link() -> None:
    telegram = factory.channel("tg", "telegram")
    factory.people(telegram, 1)
    text = "x" * 4_090 + " https://a.example/"
    (sentence,) = check(factory.draft([telegram], text=text))
    assert f"{len(text):,} characters" in sentence
    long = "x" * 4_000 + " https://a.example/" + "y" * 200
    assert "characters" in check(factory.draft([telegram], text=long))[0]
    assert check(factory.draft([telegram], text=long, track_clicks=True)) == []


def test_the_choice_is_kept_by_restarts_live_edits_and_tests(
    channel: Channel, people: list[Address]
) -> None:
    broadcast = factory.sending([channel], text=TEXT, track_clicks=True)
    factory.settle_all(channel, "failed")
    Broadcast.objects.filter(pk=broadcast.pk).update(state="completed")
    broadcast.refresh_from_db()
    assert restarts.restart(broadcast, by=factory.BY).track_clicks
    live = factory.live([channel], type="external", text=TEXT)
    edit = live_edits.begin(live, by=factory.BY)
    edit.track_clicks = True
    edit.save()
    live = launch.start(edit, by=factory.BY)
    assert live.track_clicks
    assert singles.send_test(live, people[0], by=factory.BY).track_clicks
