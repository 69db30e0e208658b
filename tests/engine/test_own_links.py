"""The links of a recipient's own in a text: their preferences, and unsubscribing."""

import pytest
from pytest_django.fixtures import Settings

from clarion.broadcasts.preview import preview
from clarion.broadcasts.problems import check, content_problems
from clarion.channels.registry import kind_class
from clarion.consents.preferences import PREFERENCES
from clarion.contacts.unsubscribe import make_token
from clarion.engine import reap, snapshot
from clarion.engine.claim import claim
from clarion.engine.render import MessageStep, next_step
from engine.stories import story, text
from support import factory

pytestmark = pytest.mark.django_db
TEXT = "{{ preferences_url }} {{ unsubscribe_url }}"


@pytest.fixture
def _public(settings: Settings) -> None:
    settings.CLARION = settings.CLARION.model_copy(update={"public_url": "https://c.example"})


@pytest.mark.usefixtures("_public")
@pytest.mark.parametrize("as_story", [False, True])
def test_each_recipient_gets_their_own(as_story: bool) -> None:
    channel = factory.channel()
    factory.people(channel, 2)
    told = {"data_type": "story", "story": story(text(TEXT)).story} if as_story else {"text": TEXT}
    factory.sending([channel], **told)
    claimed = claim(channel.pk, reap.register(), 10).messages
    assert len(claimed) == 2
    for one in claimed:
        step = next_step(one, snapshot.job(one.broadcast), kind_class("webhook").limits)
        assert isinstance(step, MessageStep)
        assert step.outgoing.text == (
            f"https://c.example/preferences/{PREFERENCES.token(one.address)} "
            f"https://c.example/unsubscribe/{make_token(one.address)}"
        )


@pytest.mark.usefixtures("_public")
def test_the_preview_names_them_and_nothing_is_wrong() -> None:
    channel = factory.channel()
    [address] = factory.people(channel, 1)
    draft = factory.draft([channel], text=TEXT)
    assert check(draft) == []
    [shown] = preview(draft, address)
    assert shown.message is not None
    assert shown.message.text == "‹preferences_url› ‹unsubscribe_url›"
    assert not snapshot.job(factory.draft([channel], text="Hi").pk).links


def test_without_a_public_address_they_are_refused() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    draft = factory.draft([channel], text="Choose: {{ preferences_url }}")
    [problem] = content_problems(draft, [channel])
    assert problem.startswith("{{ preferences_url }} needs the public address of this server.")
