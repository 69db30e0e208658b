"""J4: a broadcast in numbers over time, each leading to the people behind it."""

import re

import pytest
from django.test import Client

from clarion.broadcasts.models import Broadcast
from clarion.clicks.links import count_opens, number_links
from clarion.clicks.models import OPENED
from clarion.clicks.scanners import PRIVACY, PROXY
from clarion.clicks.store import Visit, store
from clarion.contacts.models import Address
from clarion.kit import clock
from clarion.records import kept_latency
from clarion.records.models import Delivery
from support import factory
from web.reading import words

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(sending: Broadcast) -> Broadcast:
    """One of three failed, one is sent, and one is sent after an attempt had failed."""
    channel = sending.channels.get()
    factory.settle_each(channel, ["sent", "failed"])
    factory.settle_each(channel, [{"state": "sent", "attempts": 2, "recovered": True}])
    return sending


def page(client: Client, broadcast: Broadcast, query: str = "") -> str:
    return client.get(f"/broadcasts/{broadcast.pk}/analytics/{query}").content.decode()


def test_j4_numbers_equal_rows_and_lead_to_the_people(admin: Client, sent: Broadcast) -> None:
    html = page(admin, sent)

    links = dict(re.findall(r'id="n-(\w+)" href="(.+?)"', html))
    shown = dict(re.findall(r'id="n-(\w+)" href=".+?">([\d,]+)<', html))
    rows = Delivery.objects.filter(broadcast=sent)
    assert int(shown["sent"]) == rows.filter(state="sent").count() == 2
    assert int(shown["failed"]) == rows.filter(state="failed").count() == 1
    assert int(shown["recovered"]) == rows.filter(recovered=True).count() == 1
    for name, href in links.items():
        people = admin.get(href.replace("&amp;", "&")).context["page"].rows
        assert len(people) == int(shown[name])


def test_j4_what_no_channel_reports_is_not_0(admin: Client, sent: Broadcast) -> None:
    text = words(page(admin, sent))

    assert re.search(r"Delivered ?not reported", text)
    assert re.search(r"Read ?not reported", text)


def test_j4_charts_over_time_and_by_channel(admin: Client, sent: Broadcast) -> None:
    html = page(admin, sent)

    assert 'id="chart-all"' in html
    assert 'id="chart-channels-sent"' in html
    assert 'id="chart-channels-failed"' in html


def test_j4_a_time_range(admin: Client, sent: Broadcast) -> None:
    before = page(admin, sent, "?until=2020-01-01T00:00")
    wrong = page(admin, sent, "?since=yesterday")

    assert "Nothing in this time range" in before
    assert "“yesterday” is not a date and time." in wrong
    assert 'id="chart-all"' in page(admin, sent, "?since=2020-01-01T00:00")


def test_j4_latency(admin: Client, sent: Broadcast) -> None:
    text = words(admin.get(f"/broadcasts/{sent.pk}/analytics/latency").content.decode())

    assert "Until accepted From the scheduled time" in text
    assert "50 % 90 % 99 % All" in text


def test_j4_nothing_sent_yet(admin: Client) -> None:
    draft = factory.draft([])

    assert "No numbers yet" in page(admin, draft)
    assert "No message has been sent yet." in admin.get(
        f"/broadcasts/{draft.pk}/analytics/latency"
    ).content.decode()  # fmt: skip


def test_i6_clicks_in_all_and_by_link(admin: Client, sent: Broadcast) -> None:
    Broadcast.objects.filter(pk=sent.pk).update(track_clicks=True)
    ids = number_links(sent.pk, ["https://a.example/", "https://b.example/{{ contact.id }}"])
    first, second, third = Delivery.objects.filter(broadcast=sent).order_by("pk")
    now = clock.now_us()
    link, other = ids["https://a.example/"], ids["https://b.example/{{ contact.id }}"]
    store([Visit(first.pk, link, now), Visit(first.pk, link, now + 1), Visit(second.pk, link, now)])
    store([Visit(third.pk, other, now, "head")])

    html = page(admin, sent)

    links = dict(re.findall(r'<a[^>]*href="(/clicks/[^"]+)">\s*(\d+)</a>', html))
    assert sorted(links.values()) == ["0", "0", "0", "1", "2", "2", "3"]
    for href, count in links.items():
        clicks = admin.get(href.replace("&amp;", "&")).context["page"].rows
        assert len(clicks) == int(count), href
    assert html.index("https://a.example/") < html.index("https://b.example/")
    details = admin.get(f"/broadcasts/{sent.pk}/details").content.decode()
    assert re.search(r'id="n-clicked"[^>]*>\s*2</a>\s*<span class="quiet">100 %\s+of 2<', details)
    listed = admin.get("/broadcasts/").content.decode()
    assert "<dt>Clicked</dt><dd>100 %" in listed  # of the two to whom it was sent
    dashboard = admin.get("/").content.decode()
    assert re.search(r'href="/clicks/\?first=yes[^"]+">2</a>', dashboard)


def test_i6_clicks_of_all_runs(admin: Client, sent: Broadcast) -> None:
    hook = factory.live_row("Hook", type="external", track_clicks=True)
    [delivery, *_] = Delivery.objects.filter(broadcast=sent).order_by("pk")
    person = Address.objects.get(pk=delivery.address_id)
    for number in range(2):
        run = factory.broadcast(f"Run {number}")
        Broadcast.objects.filter(pk=run.pk).update(parent=hook, track_clicks=True)
        link = number_links(run.pk, ["https://a.example/"])["https://a.example/"]
        own = factory.delivery(run, person)
        store([Visit(own.pk, link, clock.now_us() + extra) for extra in range(2)])

    details = words(admin.get(f"/broadcasts/{hook.pk}/details").content.decode())
    assert "Contacts who clicked 2 in all runs" in details
    assert "Clicks 4" in details
    assert "https://a.example/ 2 4 0" in words(page(admin, hook))


def test_i6_opens_are_a_number_of_their_own(admin: Client, sent: Broadcast) -> None:
    assert "Opened" not in page(admin, sent)
    Broadcast.objects.filter(pk=sent.pk).update(track_opens=True)
    count_opens(sent.pk)
    first, second, third = Delivery.objects.filter(broadcast=sent).order_by("pk")
    now = clock.now_us() + 10 * clock.SECOND
    store([Visit(first.pk, OPENED, now), Visit(first.pk, OPENED, now + 1)])
    store([Visit(second.pk, OPENED, now, PROXY), Visit(third.pk, OPENED, now, PRIVACY)])

    analytics = page(admin, sent)
    details = admin.get(f"/broadcasts/{sent.pk}/details").content.decode()
    listed = admin.get("/broadcasts/").content.decode()

    for html in (analytics, details):
        (url,) = re.findall(r'id="n-opened"\s+href="([^"]+)">\s*2</a>', html)
        shown = admin.get(url.replace("&amp;", "&")).content.decode()
        assert shown.count('<tr id="click-') == 2
    assert "Opened by channel" in analytics
    assert "By Apple Mail and scanners 1 not counted as opens" in words(details)
    assert re.search(r"<dt>Opened</dt><dd>100 %", listed)
    for wanted, count in (("", 4), ("&clicked_by=person", 3), ("&first=yes", 2)):
        html = admin.get(f"/clicks/?event=open&broadcast={sent.pk}{wanted}").content.decode()
        assert html.count('<tr id="click-') == count, wanted
    assert "Opens are unreliable" in words(html)
    assert "Event: E-mail opened" in words(html)
    assert "Opened" in words(admin.get("/").content.decode())


def test_j4_kept_latency_says_until_when(
    admin: Client, sent: Broadcast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_latency, "KEPT_FROM", 1)
    kept_latency.keep()
    url = f"/broadcasts/{sent.pk}/analytics/latency"
    assert "sent or delivered until" not in words(admin.get(url).content.decode())

    channel = sent.channels.get()
    factory.delivery(sent, factory.address(channel, "one more"))

    text = words(admin.get(url).content.decode())
    assert "Messages sent or delivered until" in text
    assert "Until accepted" in text
