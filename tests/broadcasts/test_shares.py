"""What the numbers of a broadcast are shares of, on channels that report different things."""

import re

import pytest
from django.test import Client

from clarion.broadcasts import history
from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from clarion.clicks import tallies as click_tallies
from clarion.clicks.models import ANY_LINK, OPENED
from clarion.clicks.tallies import Counts
from clarion.kit import clock
from support import factory

pytestmark = pytest.mark.django_db
SHARES = ("delivered", "read", "opened", "clicked")


@pytest.fixture
def mixed() -> Broadcast:
    """4 e-mails, 1 failed; 10 on a channel that reports, of which 6 arrived; 6 on neither."""
    mail, shop, silent = (
        factory.channel("Mail", "email"),
        factory.channel("Shop"),
        factory.channel("Bot", "telegram"),
    )
    broadcast = factory.broadcast("Spring")
    broadcast.channels.add(mail, shop, silent)
    Broadcast.objects.filter(pk=broadcast.pk).update(track_opens=True, track_clicks=True)
    add(broadcast, mail, "sent", 3)
    add(broadcast, mail, "failed", 1)
    add(broadcast, shop, "delivered", 4)
    add(broadcast, shop, "read", 2)
    add(broadcast, shop, "skipped", 4)
    add(broadcast, silent, "sent", 6)
    click_tallies.add(
        {
            (broadcast.pk, mail.pk, OPENED): Counts(people=2, clicks=5),
            (broadcast.pk, shop.pk, ANY_LINK): Counts(people=3, clicks=3),
        }
    )
    broadcast.refresh_from_db()
    return broadcast


def add(broadcast: Broadcast, channel: Channel, state: str, count: int) -> None:
    for address in factory.people(channel, count, prefix=f"{broadcast.pk} {state} "):
        delivery = factory.delivery(broadcast, address, state)
        if state in {"delivered", "read"}:
            factory.receipt(delivery, state, external_id=f"{address.pk}")


def test_a_number_is_a_share_of_those_of_whom_it_can_be_known(mixed: Broadcast) -> None:
    facts = history.facts([mixed])[0]
    assert facts["total"] == 20
    assert [facts[f"{name}_of"] for name in SHARES] == [10, 10, 3, 15]
    assert [facts[f"{name}_percent"] for name in SHARES] == [60.0, 20.0, 66.7, 20.0]


def test_a_channel_that_was_taken_off_or_deleted_still_counts(mixed: Broadcast) -> None:
    mixed.channels.clear()
    facts = history.facts([mixed])[0]
    assert [facts[f"{name}_of"] for name in SHARES] == [10, 10, 3, 15]


def test_what_no_channel_reports_is_not_reported(mixed: Broadcast) -> None:
    telegram = Channel.objects.get(kind="telegram")
    quiet = factory.broadcast("Quiet")
    quiet.channels.add(telegram)
    add(quiet, telegram, "sent", 2)
    facts = history.facts([quiet])[0]
    assert [facts[f"{name}_of"] for name in SHARES] == [None] * 4
    assert [facts[f"{name}_percent"] for name in SHARES] == [None] * 4
    assert not facts["reports_delivered"]


def test_who_opened_a_mail_that_failed_later_makes_no_more_than_all(mixed: Broadcast) -> None:
    mail = Channel.objects.get(kind="email")
    click_tallies.add({(mixed.pk, mail.pk, OPENED): Counts(people=2)})
    facts = history.facts([mixed])[0]
    assert (facts["opened"], facts["opened_of"], facts["opened_percent"]) == (4, 4, 100.0)


def test_every_page_shows_the_same_shares(mixed: Broadcast, client: Client) -> None:
    client.force_login(factory.agent())
    Broadcast.objects.filter(pk=mixed.pk).update(
        state="completed", started_at=clock.now(), finished_at=clock.now(), number=1
    )
    shown = {
        path: " ".join(
            re.sub(r"<[^>]+>", " ", client.get(path, follow=True).content.decode()).split()
        )
        for path in (
            f"/broadcasts/{mixed.pk}/details",
            f"/broadcasts/{mixed.pk}/analytics",
            f"/logs/{mixed.pk}",
        )
    }
    details, analytics, log = shown.values()
    assert "Contacts who clicked 3 20.0 % of 15" in details
    assert "Contacts who opened it 2 66.7 % of 3" in details
    assert "Delivered 6 60.0 % of 10 Read 2 20.0 % of 10" in log
    assert "Delivered 6 60.0 % of 10 Read 2 20.0 % of 10" in analytics
    listed = client.get("/broadcasts/").content.decode()
    for name, share in (("Delivered", "60.0"), ("Read", "20.0"), ("Opened", "66.7")):
        assert re.search(rf"<dt>{name}</dt>\s*<dd>\s*{share} %", listed), name
    logs = client.get("/logs/").content.decode()
    assert re.search(r'title="6 / 10">60\.0 %', logs)
