"""A broadcast's own pages (J1 to J5): tabs that the address names, without any script."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from clarion.broadcasts import control
from clarion.broadcasts.models import Broadcast, Event
from clarion.broadcasts.query import Audience
from clarion.channels.manage import pause_channel
from clarion.consents import grants, manage
from clarion.kit import clock
from support import factory
from web.conftest import LogIn
from web.reading import words

pytestmark = pytest.mark.django_db
TABS = ("", "recipients/", "consents/", "analytics/", "activity/")


def page(client: Client, broadcast: Broadcast, tab: str) -> str:
    answer = client.get(f"/broadcasts/{broadcast.pk}/{tab}")
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("tab", TABS)
def test_each_tab_has_an_address_and_leads_to_the_others(
    log_in: LogIn, sending: Broadcast, tab: str
) -> None:
    html = page(log_in("viewer"), sending, tab)

    nav = re.search(r'<nav class="tabs" aria-label="Pages of this.*?</nav>', html, re.DOTALL)
    assert nav is not None
    addresses = [f"/broadcasts/{sending.pk}/{other}" for other in TABS]
    assert re.findall(r'href="(.+?)"', nav[0]) == addresses
    assert re.findall(r'href="(.+?)" aria-current="page"', nav[0]) == [
        f"/broadcasts/{sending.pk}/{tab}"
    ]
    assert re.search(r"<h1[^>]*>\s*Spring", html)


@pytest.mark.parametrize("tab", TABS)
def test_a_tab_of_what_is_not_there(admin: Client, tab: str) -> None:
    assert admin.get(f"/broadcasts/4711/{tab}").status_code == 404


def test_j1_the_workflow_in_one_line(admin: Client, sending: Broadcast) -> None:
    html = page(admin, sending, "")

    flow = re.search(r'<ol class="card-body workflow">.*?</ol>', html, re.DOTALL)
    assert flow is not None
    text = words(flow[0])
    steps = ["Starts", "Audience", "All contacts on the chosen", "Hello", "Channels", "sink"]
    places = [text.index(step) for step in steps]
    assert places == sorted(places)


# J2


def test_j2_recipients_by_channel_and_error(admin: Client, sending: Broadcast) -> None:
    shop, other = sending.channels.get(), factory.channel("Other")
    sending.channels.add(other)
    factory.settle_each(shop, ["failed", "sent"])
    cause = factory.reason("The receiver answered 500 (server error).", "500")
    person = factory.address(other, "x1", "Zoe")
    factory.delivery(sending, person, "skipped", reason=factory.reason("Opted out.", "opted_out"))

    everyone = page(admin, sending, "recipients/")
    failed = admin.get(f"/broadcasts/{sending.pk}/recipients/?reason={cause.pk}")
    on_other = page(admin, sending, f"recipients/?channel={other.pk}")
    export = admin.get(f"/broadcasts/{sending.pk}/recipients.csv?channel={other.pk}")

    assert "The receiver answered 500 (server error). (1)" in words(everyone)
    assert "Opted out. (1)" in words(everyone)
    assert [one.state for one in failed.context["page"].rows] == ["failed"]
    assert "Error: The receiver answered 500" in words(failed.content.decode())
    assert "Zoe" in on_other
    assert "Person 0" not in on_other
    lines = b"".join(export.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert len(lines) == 2
    assert "Zoe" in lines[1]


@pytest.mark.parametrize("query", ["reason=x", "channel=x", "reason=4711", "channel=" + "9" * 30])
def test_j2_damaged_filters_show_something(admin: Client, sending: Broadcast, query: str) -> None:
    assert page(admin, sending, f"recipients/?{query}")


# J3


def test_j3_required_consents(admin: Client) -> None:
    channel = factory.channel()
    people = factory.people(channel, 3)
    news = manage.define(name="News", text="Write me.", by=factory.BY)
    grants.give(news, [people[0].contact_id], how="agent", by=factory.BY)
    audience = Audience(kind="all", consents=["News"])
    draft = factory.draft([channel], audience=audience)
    sent = factory.sending([channel], audience=audience)

    before, after = words(page(admin, draft, "consents/")), page(admin, sent, "consents/")

    for text in (before, words(after)):
        assert "With all required consents 1" in text
        assert "Left out without them 2" in text
        assert "News Write me. 1" in text
    leads_to = re.search(r'id="left-out" href="(.+?)"', after)
    assert leads_to is not None
    left_out = admin.get(leads_to[1].replace("&amp;", "&"))
    assert len(left_out.context["page"].rows) == 2


def test_j3_none_required(admin: Client, sending: Broadcast) -> None:
    assert "No consents required" in page(admin, sending, "consents/")


# J5


def test_j5_who_paused_it_and_why(admin: Client, sending: Broadcast) -> None:
    control.pause(sending, by=factory.agent(name="Grace"), reason="Wrong price.")
    pause_channel(sending.channels.get(), reason="The token is wrong.", by="worker")

    text = words(page(admin, sending, "activity/"))

    assert re.search(r"Paused Wrong price\. Grace", text)
    assert re.search(r"Channel paused sink The token is wrong\. Clarion", text)
    assert re.search(r"Recipients listed 3 recipients", text)


def test_j5_who_received_what(admin: Client, sending: Broadcast) -> None:
    factory.settle_each(sending.channels.get(), ["sent", "failed"])

    html = page(admin, sending, "activity/")

    assert re.search(r"Message sent Person \d Hello Person \d sink", words(html))
    assert re.search(r"Attempt failed Person \d The receiver answered 500", words(html))
    assert len(re.findall(r'href="/records/\d+/"', html)) == 2
    assert len(re.findall(r'href="/contacts/\d+/"', html)) == 2


def test_j5_by_kind_and_time(admin: Client, sending: Broadcast) -> None:
    factory.settle_each(sending.channels.get(), ["sent", "failed"])
    tomorrow = (timezone.localtime() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")

    status = words(page(admin, sending, "activity/?group=status"))
    errors = words(page(admin, sending, "activity/?group=errors"))
    later = words(page(admin, sending, f"activity/?since={tomorrow}"))

    assert "Sending started" in status
    assert "Message sent" not in status
    assert "Attempt failed" in errors
    assert "Sending started" not in errors
    assert "No activity found" in later
    assert "From " in later


def test_j5_a_wrong_moment_is_explained(admin: Client, sending: Broadcast) -> None:
    html = page(admin, sending, "activity/?since=yesterday&group=x&until=")

    assert "“yesterday” is not a date and time." in html
    assert 'href="#f-since"' in html


def test_j5_pages_by_key(admin: Client, sending: Broadcast) -> None:
    Event.objects.bulk_create(
        Event(broadcast=sending, at=clock.now(), kind="resume", actor="Ada") for _ in range(60)
    )

    first = admin.get(f"/broadcasts/{sending.pk}/activity/?group=status")
    second = admin.get(first.context["next_url"])

    assert [len(answer.context["lines"]) for answer in (first, second)] == [50, 13]
    assert 'hx-trigger="every 2s"' in first.content.decode()
    assert 'hx-trigger="every 2s"' not in second.content.decode()  # an older page does not move
    damaged = admin.get(f"/broadcasts/{sending.pk}/activity/?cursor=x")
    assert damaged["Location"] == f"/broadcasts/{sending.pk}/activity/"


def test_j5_followed_live(admin: Client, sending: Broadcast) -> None:
    here = f"/broadcasts/{sending.pk}/activity/live"

    first = admin.get(here)
    same = admin.get(here, headers={"if-none-match": first["ETag"]})
    control.pause(sending, by=factory.agent(name="Grace"))
    moved = admin.get(here, headers={"if-none-match": first["ETag"]})

    assert (first.status_code, same.status_code, moved.status_code) == (200, 304, 200)
    assert "Paused" in moved.content.decode()


def test_j5_others_that_it_names_are_linked_while_they_are_there(admin: Client) -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    broadcast = factory.sending([channel])
    gone = factory.draft([channel])
    Event.objects.create(
        broadcast=broadcast, at=clock.now(), kind="duplicate", detail={"copy": gone.pk}
    )
    there = page(admin, broadcast, "activity/")
    gone.delete()
    after = page(admin, broadcast, "activity/")

    assert f'href="/broadcasts/{gone.pk}/"' not in after
    assert "(deleted)" in after
    assert "(deleted)" not in there


def test_j5_what_people_write_is_shown_as_they_wrote_it(admin: Client, sending: Broadcast) -> None:
    control.pause(sending, by="<b>Eve</b>", reason="<script>alert(1)</script>")

    html = page(admin, sending, "activity/")

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<script>alert" not in html
    assert "&lt;b&gt;Eve" in html
