"""Features on pages that need more than one of them."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from clarion.broadcasts import launch
from clarion.broadcasts.models import Broadcast
from clarion.channels.manage import add_channel
from clarion.engine import lifecycle
from clarion.kit import clock
from support import factory

pytestmark = pytest.mark.django_db(transaction=True)


def test_a1_everyone_on_the_chosen_platforms_or_channels(admin: Client) -> None:
    shop, other = factory.channel("Shop"), factory.channel("Other")
    bot = add_channel(
        name="Bot", kind="telegram", settings={"token": "123456:" + "a" * 35}, by=factory.BY
    )
    factory.people(shop, 5)
    factory.people(other, 3)
    factory.people(bot, 2)
    page = admin.get("/broadcasts/new/").content.decode()
    platforms = re.findall(r'class="platform-name".*?</svg>\s*(\w+)', page, re.DOTALL)
    form = {"title": "Spring", "text": "Hello", "who": "all", "when": "now"}

    def counted(*channels: Any) -> str:
        chosen = {**form, "channels": [channel.pk for channel in channels]}
        return admin.post("/broadcasts/compose/audience", chosen).content.decode()

    assert sorted(platforms) == ["Telegram", "Webhook"]
    assert re.search(r">\s*5\s*</strong>", counted(shop))
    both = counted(shop, bot)
    assert re.search(r">\s*7\s*</strong>", both)
    assert "5 on Shop" in both
    assert "2 on Bot" in both
    assert "on Other" not in both

    assert (
        admin.post("/broadcasts/new/", {**form, "channels": [shop.pk, bot.pk]}).status_code == 302
    )
    sent = Broadcast.objects.get(state="scheduled")
    Broadcast.objects.filter(pk=sent.pk).update(scheduled_at=clock.now())
    lifecycle.start_due()
    sent.refresh_from_db()
    factory.expand(sent)
    assert factory.states(sent) == {"queued": 7}


def test_c6_what_is_too_late_is_missed_and_asks(admin: Client) -> None:
    channel = factory.channel("Shop")
    factory.people(channel, 3)
    at = clock.now() + timedelta(days=1)
    late = launch.start(factory.draft([channel], scheduled_at=at), by=factory.BY)
    Broadcast.objects.filter(pk=late.pk).update(scheduled_at=clock.now() - timedelta(days=2))

    lifecycle.start_due()

    page = admin.get(f"/broadcasts/{late.pk}/").content.decode()
    assert "Missed" in page
    assert "no worker was running. Send it now or delete it." in page
    assert "do-accept" in page
    assert lifecycle.start_due() == 0
    assert factory.states(late) == {}

    admin.post(f"/broadcasts/{late.pk}/do/accept_missed")
    late.refresh_from_db()
    assert late.state == "scheduled"
    assert late.scheduled_at
    assert late.scheduled_at > clock.now()  # it can be undone, as after any Send
