"""Logs (H1 to H4): every sending operation, its chats, and what each of them was sent."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from clarion.broadcasts import control, history
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.query import Audience
from clarion.contacts import tags
from clarion.engine import lifecycle
from clarion.kit import clock, db
from clarion.records.models import Delivery, Receipt
from support import factory
from web.reading import words

pytestmark = pytest.mark.django_db


def row(html: str, broadcast: Broadcast) -> str:
    found = re.search(rf'<tr id="log-{broadcast.pk}">.*?</tr>', html, re.DOTALL)
    assert found is not None
    return words(found[0])


def test_an_empty_list_leads_on(admin: Client) -> None:
    html = admin.get("/logs/").content.decode()

    assert "No logs yet" in html
    assert 'href="/broadcasts/new/"' in html


def test_h1_every_operation_with_its_numbers(admin: Client, sending: Broadcast) -> None:
    factory.settle_each(sending.channels.get(), ["sent", "failed", "sent"])
    lifecycle.finish()
    running = factory.sending([sending.channels.get()], title="Running")
    factory.draft([sending.channels.get()], title="Not sent")

    html = admin.get("/logs/").content.decode()

    assert re.findall(r'id="log-(\d+)"', html) == [str(running.pk), str(sending.pk)]
    assert "Completed with failures 3 2 1 not reported not reported" in row(html, sending)
    assert "Sending 3 0 0 not reported not reported" in row(html, running)


def test_h1_shares_where_the_channel_reports_them(admin: Client, sending: Broadcast) -> None:
    channel = sending.channels.get()
    factory.settle_each(channel, ["sent", "sent", "sent"])
    one, two, _ = Delivery.objects.order_by("pk")
    for delivery, status in ((one, "delivered"), (two, "read")):
        Receipt.objects.create(
            channel=channel, delivery=delivery, external_id=str(delivery.pk), status=status,
            at=clock.now(), received_at=clock.now(),
        )  # fmt: skip
        db.execute(
            "UPDATE records_tally SET delta = delta - 1 WHERE broadcast_id = %s AND state = 'sent'",
            [sending.pk],
        )
        db.execute(
            "INSERT INTO records_tally (broadcast_id, channel_id, state, delta)"
            " VALUES (%s, %s, %s, 1)",
            [sending.pk, channel.pk, status],
        )

    html = admin.get("/logs/").content.decode()

    assert "3 3 0 66.7 % 33.3 %" in row(html, sending)


def test_h1_what_only_makes_runs_is_no_operation_and_its_runs_are(admin: Client) -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    parent = factory.live(
        [channel], recurrence={"every": "day", "at": "09:00"}, time_zone="UTC", title="Daily"
    )
    Broadcast.objects.filter(pk=parent.pk).update(next_run_at=clock.now() - timedelta(seconds=1))
    lifecycle.spawn_runs()
    run = Broadcast.objects.get(parent=parent)
    Broadcast.objects.filter(pk=run.pk).update(started_at=clock.now(), state="sending")

    assert [one.pk for one in history.operations().broadcasts] == [run.pk]


@pytest.mark.parametrize("q", ["{pk}", "#{pk}", "spring"])
def test_h4_found_by_its_id(admin: Client, sending: Broadcast, q: str) -> None:
    other = factory.sending([sending.channels.get()], title="Other")
    Broadcast.objects.filter(pk=other.pk).update(number=1_000_000)  # not the id of the first one

    html = admin.get("/logs/", {"q": q.format(pk=sending.pk)}).content.decode()

    assert re.findall(r'id="log-(\d+)"', html) == [str(sending.pk)]
    assert "No logs found" in admin.get("/logs/?q=zzz").content.decode()


def test_pages_and_what_moves(admin: Client, sending: Broadcast) -> None:
    first = admin.get("/logs/live")
    same = admin.get("/logs/live", headers={"if-none-match": first["ETag"]})
    Broadcast.objects.bulk_create(
        Broadcast(title=f"Old {n}", state="completed", started_at=clock.now()) for n in range(60)
    )
    page = admin.get("/logs/")
    older = admin.get(page.context["next_url"])

    assert same.status_code == 304
    assert [len(answer.context["rows"]) for answer in (page, older)] == [50, 11]


def test_h2_facts_and_chats_of_one(admin: Client) -> None:
    channel = factory.channel("Shop")
    people = factory.people(channel, 4)
    tags.assign(["customer"], [one.contact_id for one in people], by=factory.BY)
    tags.assign(["vip"], [people.pop().contact_id], by=factory.BY)
    audience = Audience(kind="tags", tags=["customer"], without_tags=["vip"])
    broadcast = factory.sending([channel], audience=audience, rate=30)
    factory.settle_each(channel, ["sent", "failed", "sent"])
    control.stop(broadcast, by=factory.agent(name="Grace"), reason="Recalled.")

    good = admin.get(f"/logs/{broadcast.pk}/").content.decode()
    bad = admin.get(f"/logs/{broadcast.pk}/?list=failed").content.decode()

    text = words(good)
    for fact in (
        f"Broadcast id {broadcast.pk}", "Total 3", "Successful 2", "Failed 1 View errors",
        "At most 30 messages a second", "Channels Shop", "Tags customer", "Excluding tags vip",
        "Open chats Held", "Reason Recalled.", "Delivered not reported",
    ):  # fmt: skip
        assert fact.replace(" ", "") in text.replace(" ", "")
    assert re.search(r"Started ?\d+ \w+, [\d:]+ Stopped ?\d+ \w+, [\d:]+ Duration", text)
    assert "Successful chats 2" in text
    assert "Failed chats 1" in text
    names = [sum(f">{one.contact.name}<" in re.sub(r"\s*([<>])\s*", r"\1", html) for one in people)
             for html in (good, bad)]  # fmt: skip
    assert names == [2, 1]
    assert "The receiver answered 500 (server error)." in bad
    assert len(re.findall(r">Detail</a>", good)) == 2


def test_h2_detail_of_a_chat(admin: Client, sending: Broadcast) -> None:
    channel = sending.channels.get()
    factory.settle_each(channel, ["failed"])
    delivery = Delivery.objects.get(state="failed")
    Receipt.objects.create(
        channel=channel, delivery=delivery, external_id="wamid.7", status="delivered",
        at=clock.now(), received_at=clock.now(),
    )  # fmt: skip
    html = admin.get(f"/logs/{sending.pk}/?list=failed").content.decode()
    leads_to = re.search(r'href="(/logs/\d+/chats/\d+/)"', html)
    assert leads_to is not None

    text = words(admin.get(leads_to[1]).content.decode())

    assert "Attempt 1 Error" in text
    assert "The receiver answered 500 (server error)." in text
    assert re.search(r"Not sent Hello Person \d", text)
    assert "wamid.7" in text
    assert f"Chat number{delivery.address_id}" in text


def test_h2_detail_of_a_chat_that_was_sent_nothing(admin: Client, sending: Broadcast) -> None:
    delivery = Delivery.objects.order_by("pk")[0]

    text = words(admin.get(f"/logs/{sending.pk}/chats/{delivery.pk}/").content.decode())

    assert "Nothing was sent Waiting to be sent." in text


def test_what_is_not_there(admin: Client, sending: Broadcast) -> None:
    other = factory.sending([sending.channels.get()])
    delivery = Delivery.objects.filter(broadcast=other)[0]

    assert admin.get("/logs/4711/").status_code == 404
    assert admin.get(f"/logs/{sending.pk}/chats/{delivery.pk}/").status_code == 404
    assert admin.get(f"/logs/{sending.pk}/?cursor=x")["Location"] == f"/logs/{sending.pk}/"


def test_h3_errors_lead_to_the_people(admin: Client, sending: Broadcast) -> None:
    factory.settle_each(sending.channels.get(), ["failed"])

    html = admin.get("/logs/").content.decode()
    leads_to = re.search(rf'id="log-bad-{sending.pk}" href="(.+?)"', html)

    assert leads_to is not None
    assert len(admin.get(leads_to[1]).context["page"].rows) == 1


def test_h3_the_detail_of_a_failed_chat_says_what_to_do(admin: Client) -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    broadcast = factory.sending([channel])
    gone = {"state": "failed", "reason": "Gone.", "code": "403", "refusal": "unreachable"}
    [claimed] = factory.settle_each(channel, [gone])

    html = admin.get(f"/logs/{broadcast.pk}/chats/{claimed.delivery}/").content.decode()

    assert "Gone." in html
    assert "<strong>Problem with the contact.</strong>" in html
