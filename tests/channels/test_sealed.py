"""A channel whose credentials can't be decrypted: the others work on, and it can be repaired."""

import pytest
from django.db import connection
from django.test import Client

from clarion.channels import manage
from clarion.channels.models import Channel
from clarion.channels.registry import adapter
from clarion.engine import callbacks, inbox, snapshot
from clarion.engine.models import Callback
from clarion.kit import clock, vault
from clarion.kit.vault import SealedError
from support import factory
from support.listener import Listener

pytestmark = pytest.mark.django_db
BODY = b'{"type": "message.received", "data": {"from": "u1", "id": "1", "text": "Hi"}}'


def seal_with_another_key(channel: Channel) -> None:
    """As after a restored backup whose key is lost."""
    lost = vault._box(("a key that nobody has",)).encrypt(b"{}").decode()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE channels_channel SET config = %s WHERE id = %s", [lost, channel.pk])
    channel.refresh_from_db()


@pytest.fixture
def sealed() -> Channel:
    channel = factory.channel("Lost")
    seal_with_another_key(channel)
    return channel


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


def test_its_pages_open_and_new_settings_repair_it(admin: Client, sealed: Channel) -> None:
    assert admin.get("/channels/").status_code == 200
    page = admin.get(f"/channels/{sealed.pk}/").content.decode()
    assert "Or enter the settings of this channel again." in page
    with Listener() as listener:
        manage.update_channel(
            sealed, settings={"url": f"{listener.url}/hook", "allow_private": "true"}, by="test"
        )
    sealed.refresh_from_db()
    assert adapter(sealed).kind == "webhook"
    assert "enter the settings" not in admin.get(f"/channels/{sealed.pk}/").content.decode()


def test_saving_something_else_leaves_what_is_sealed_as_it_is(sealed: Channel) -> None:
    before = Channel.objects.values_list("config", flat=True).get(pk=sealed.pk)
    sealed.name = "Renamed"
    sealed.save()
    assert Channel.objects.values_list("config", flat=True).get(pk=sealed.pk) == before
