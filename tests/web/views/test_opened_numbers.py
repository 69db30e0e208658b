"""Every number of recipients opens a list with exactly as many of them."""

import re

import pytest
from django.test import Client

from clarion.broadcasts.models import Broadcast
from clarion.records import measures
from support import factory
from web.reading import words

pytestmark = pytest.mark.django_db
STATES = {
    "sent": 1, "delivered": 2, "read": 3, "failed": 4, "held": 2, "in_doubt": 1, "unsent": 3,
    "skipped": 2,
}  # fmt: skip


@pytest.fixture
def broadcast(db: None) -> Broadcast:
    """One that has recipients in every final state; one of each kind of sent ones recovered.

    One of those that failed had recovered before: a later receipt said that it failed.
    """
    broadcast = factory.broadcast("Spring")
    channel = factory.channel()
    number = 0
    for state, count in STATES.items():
        for nth in range(count):
            number += 1
            recovered = nth == 0 and state in {"sent", "delivered", "read", "failed"}
            to = factory.address(channel, f"u{number}")
            delivery = factory.delivery(broadcast, to, state, recovered=recovered)
    factory.receipt(delivery, "delivered")  # the channel reports what becomes of messages
    broadcast.channels.set([channel])
    Broadcast.objects.filter(pk=broadcast.pk).update(
        state="stopped", type="broadcast", started_at=broadcast.scheduled_at,
        finished_at=broadcast.scheduled_at, total=number,
    )  # fmt: skip
    measures.fold()
    return broadcast


def opened(admin: Client, html: str, link_id: str) -> tuple[int, str]:
    """How many recipients the list behind a link has, and what the link says."""
    match = re.search(rf'<a\b[^>]*id="{link_id}"[^>]*>.*?</a>', html, re.DOTALL)
    assert match, link_id
    href = re.search(r'href="([^"]+)"', match[0])
    assert href
    page = admin.get(href[1].replace("&amp;", "&")).context["page"]
    assert page.next_cursor is None
    return len(page.rows), words(match[0])


def test_in_analytics(admin: Client, broadcast: Broadcast) -> None:
    html = admin.get(f"/broadcasts/{broadcast.pk}/analytics/").content.decode()
    expected = {"sent": 6, "delivered": 5, "read": 3, "failed": 4, "recovered": 3}
    for name, count in expected.items():
        assert opened(admin, html, f"n-{name}") == (count, str(count)), name
    filtered = admin.get(f"/broadcasts/{broadcast.pk}/analytics/?since=2020-01-01T00:00")
    assert '<span class="num" id="n-sent">6</span>' in filtered.content.decode()
    assert "?list=successful" not in filtered.content.decode()


def test_in_logs(admin: Client, broadcast: Broadcast) -> None:
    html = admin.get("/logs/").content.decode()
    for name, count in {"all": 18, "good": 6, "bad": 4, "delivered": 5, "read": 3}.items():
        assert opened(admin, html, f"log-{name}-{broadcast.pk}")[0] == count, name
    html = admin.get(f"/logs/{broadcast.pk}/").content.decode()
    facts = {"total": 18, "successful": 6, "delivered": 5, "read": 3}
    facts |= {state: STATES[state] for state in ("held", "in_doubt", "unsent", "skipped")}
    for name, count in facts.items():
        assert opened(admin, html, f"fact-{name}") == (count, str(count)), name


def test_in_details(admin: Client, broadcast: Broadcast) -> None:
    html = admin.get(f"/broadcasts/{broadcast.pk}/").content.decode()
    for state, count in STATES.items():
        listed, text = opened(admin, html, f"state-{state}")
        assert (listed, f" {count} " in f" {text} ") == (count, True), state


@pytest.mark.parametrize("state", ["failed", "in_doubt", "held", "unsent"])
def test_in_the_list_of_broadcasts(admin: Client, state: str) -> None:
    """The list shows one of them, what matters most."""
    broadcast = factory.broadcast("Spring")
    channel = factory.channel()
    for number in range(2):
        factory.delivery(broadcast, factory.address(channel, f"u{number}"), state)
    Broadcast.objects.filter(pk=broadcast.pk).update(
        state="stopped", type="broadcast", started_at=broadcast.scheduled_at, total=2
    )
    html = admin.get("/broadcasts/?section=completed").content.decode()
    link = {"failed": "errors", "in_doubt": "in-doubt"}.get(state, state)
    count, text = opened(admin, html, f"{link}-{broadcast.pk}")
    assert (count, text.startswith("2 ")) == (2, True)
