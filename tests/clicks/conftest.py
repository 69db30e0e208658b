"""A broadcast with two tracked links, sent to three people."""

from dataclasses import dataclass

import pytest

from clarion.broadcasts.models import Broadcast
from clarion.clicks.links import number_links
from clarion.clicks.store import Visit, store
from clarion.records.models import Delivery
from support import factory

MINUTE = 60_000_000  # microseconds


@dataclass
class World:
    """What the tests of clicks need."""

    broadcast: Broadcast
    deliveries: list[Delivery]
    shop: int  # a link
    news: int  # another one

    def click(self, person: int, link: int, at: int = MINUTE, sign: str = "") -> None:
        """A person's link is opened ``at`` microseconds after the broadcast was sent."""
        store([self.visit(person, link, at, sign)])

    def visit(self, person: int, link: int, at: int = MINUTE, sign: str = "") -> Visit:
        """The same, not stored."""
        return Visit(self.deliveries[person].pk, link, factory.START + at, sign)


@pytest.fixture
def world() -> World:
    channel = factory.channel("Shop")
    broadcast = factory.broadcast("Spring")
    broadcast.channels.add(channel)
    deliveries = [factory.delivery(broadcast, address) for address in factory.people(channel, 3)]
    ids = number_links(broadcast.pk, ["https://shop.example/", "https://news.example/{{ x }}"])
    return World(
        broadcast, deliveries, ids["https://shop.example/"], ids["https://news.example/{{ x }}"]
    )
