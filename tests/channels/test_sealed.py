"""A channel whose credentials can't be decrypted: the others work on, and it can be repaired."""

import pytest

from clarion.channels.models import Channel
from clarion.channels.registry import adapter
from clarion.engine import callbacks, inbox, snapshot
from clarion.engine.models import Callback
from clarion.kit import clock
from clarion.kit.vault import SealedError
from support import factory

pytestmark = pytest.mark.django_db
BODY = b'{"type": "message.received", "data": {"from": "u1", "id": "1", "text": "Hi"}}'


@pytest.fixture
def sealed() -> Channel:
    return factory.sealed(factory.channel("Lost"))


def test_the_other_channels_of_a_snapshot_are_read(sealed: Channel) -> None:
    good = factory.channel("Good")
    factory.people(good, 1)
    factory.people(sealed, 1)
    factory.sending([sealed, good])

    taken = snapshot.take()

    assert set(taken.channels) == {good.pk}
    assert "CLARION_SECRET_KEY" in taken.broken[sealed.pk]
    with pytest.raises(SealedError):
        adapter(sealed)


def test_the_callbacks_of_the_other_channels_are_applied(sealed: Channel) -> None:
    good = factory.channel("Good")
    for channel in (sealed, good):
        hook = callbacks.HookRequest({}, "", BODY, clock.now())
        callbacks.store([callbacks.Verified(channel.pk, hook, "people")])

    inbox.apply_waiting()

    assert [row.channel_id for row in Callback.objects.all()] == [sealed.pk]
    assert Callback.objects.get().state == "dropped"
    assert "CLARION_SECRET_KEY" in Callback.objects.get().error


def test_saving_something_else_leaves_what_is_sealed_as_it_is(sealed: Channel) -> None:
    before = Channel.objects.values_list("config", flat=True).get(pk=sealed.pk)
    sealed.name = "Renamed"
    sealed.save()
    assert Channel.objects.values_list("config", flat=True).get(pk=sealed.pk) == before
