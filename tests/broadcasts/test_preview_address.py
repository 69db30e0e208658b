"""For whom a message is previewed."""

import pytest

from channels.whatsapp.fixtures import CASE as WHATSAPP
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.preview_address import CHUNKS, preview_address
from clarion.broadcasts.query import Audience
from clarion.channels.models import Channel
from clarion.contacts.models import Address, Tag, Tagging
from support import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def channel() -> Channel:
    return factory.channel()


@pytest.fixture
def people(channel: Channel) -> list[Address]:
    return factory.people(channel, 5)


def unsaved(kind: str = "all", **more: object) -> Broadcast:
    return Broadcast(audience=Audience.model_validate({"kind": kind, **more}).model_dump())


def tag(name: str, *who: Address) -> None:
    label = Tag.objects.create(name=name)
    for one in who:
        Tagging.objects.create(tag=label, contact_id=one.contact_id)


def test_the_first_recipient_is_shown(channel: Channel, people: list[Address]) -> None:
    Address.objects.filter(pk=people[0].pk).update(state="opted_out")
    assert preview_address(unsaved(), [channel.pk]) == people[1]


@pytest.mark.parametrize("chunks", [CHUNKS, (1, 1, 1, 1, 1, 1)])
def test_one_recipient_follows_the_other_and_the_first_the_last(
    channel: Channel,
    people: list[Address],
    chunks: tuple[int, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("clarion.broadcasts.preview_address.CHUNKS", chunks)
    Address.objects.filter(pk__in=[people[1].pk, people[2].pk]).update(state="blocked")
    tag("out", people[4])
    broadcast = unsaved(without_tags=["out"])

    following = preview_address(broadcast, [channel.pk], after=people[0].pk)
    again = preview_address(broadcast, [channel.pk], after=people[3].pk)

    assert (following, again) == (people[3], people[0])


def test_only_who_has_the_tag_is_shown(channel: Channel, people: list[Address]) -> None:
    tag("vip", people[2], people[4])
    broadcast = unsaved("tags", tags=["vip"])
    shown = people[0].pk

    assert preview_address(broadcast, [channel.pk], shown=shown) == people[2]
    assert preview_address(broadcast, [channel.pk], shown=people[4].pk) == people[4]
    assert preview_address(broadcast, [channel.pk], after=people[2].pk) == people[4]
    assert preview_address(broadcast, [channel.pk], after=people[4].pk) == people[2]
    assert preview_address(broadcast, [channel.pk], chosen=shown) == people[0]


def test_of_picked_contacts_one_is_shown(channel: Channel, people: list[Address]) -> None:
    audience = Audience(kind="picks", picked_from="hand")
    draft = factory.draft([channel], audience=audience, picks=[people[3].pk, people[4].pk])

    assert preview_address(draft, [channel.pk]) == people[3]
    assert preview_address(draft, [channel.pk], after=people[3].pk) == people[4]
    new = unsaved("picks", picked_from="ids")
    assert preview_address(new, [channel.pk], picks=[people[2].pk]) == people[2]


def test_a_template_is_shown_for_who_has_never_written() -> None:
    channel = factory.channel("shop", "whatsapp", **WHATSAPP.settings)
    address = factory.address(channel, "4915112345678", has_written=False, wrote_at=None)
    broadcast = unsaved()
    assert preview_address(broadcast, [channel.pk]) is None
    broadcast.data_type = Broadcast.DataType.TEMPLATE
    assert preview_address(broadcast, [channel.pk]) == address


def test_where_nobody_is_in_the_audience_nobody_is_shown(
    channel: Channel, people: list[Address]
) -> None:
    assert preview_address(unsaved("tags", tags=["nobody"]), [channel.pk]) is None
    assert preview_address(unsaved("tags", tags=[]), [channel.pk]) is None
    assert preview_address(unsaved(), []) is None
    assert preview_address(Broadcast(), [channel.pk]) is None
    assert preview_address(unsaved(), [channel.pk], chosen=10**9) == people[0]
