"""What the tests of the compose page begin with."""

import pytest

from clarion.channels.models import Channel
from clarion.content import stories
from clarion.content.models import Story
from support import factory

BLOCKS = [
    {"kind": "text", "text": "Dear {{ contact.name }}"},
    {
        "kind": "buttons",
        "text": "Well?",
        "buttons": [{"kind": "link", "label": "Shop", "value": "https://shop.example/"}],
    },
    {"kind": "webhook", "url": "https://hook.example/answer"},
]


@pytest.fixture
def channel(db: None) -> Channel:
    """A channel with five people on it."""
    channel = factory.channel("Shop", rate=10)
    factory.people(channel, 5)
    return channel


@pytest.fixture
def story(db: None) -> Story:
    """A text, a button and a webhook."""
    return stories.create_story(name="Welcome", blocks=BLOCKS, by=factory.BY)
