"""The first page: steps before the first broadcast, then what is sent, what is wrong, numbers."""

import pytest
from django.test import Client

from clarion.broadcasts import control
from clarion.broadcasts.models import Broadcast
from clarion.channels.manage import pause_channel
from clarion.channels.models import Channel
from clarion.codes.pools import Rules, create
from support import factory
from web.conftest import LogIn
from web.reading import words

pytestmark = pytest.mark.django_db
PARTS = ("now", "numbers", "broadcasts")


def test_before_the_first_broadcast_there_are_the_steps(admin: Client) -> None:
    html = admin.get("/").content.decode()

    assert "Send your first broadcast" in html
    assert "data-chart" not in html
    assert "echarts" not in html  # only pages with a chart load it
    factory.draft([factory.channel()])
    assert "Send your first broadcast" in admin.get("/").content.decode()


def test_what_is_being_sent_is_shown_with_its_numbers(admin: Client, sending: Broadcast) -> None:
    assert "No worker is running" in words(admin.get("/").content.decode())
    factory.settle_each(Channel.objects.get(), ["sent", "failed"])

    text = words(admin.get("/").content.decode())
    assert "Being sent now" in text
    assert "1 of 3 completed" in text
    assert "1 failed" in text
    assert "No worker is running" not in text


def test_k3_the_numbers_open_the_records_behind_them(admin: Client, sending: Broadcast) -> None:
    factory.settle_each(Channel.objects.get(), ["sent", "sent", "failed"])

    numbers = {one["name"]: one for one in admin.get("/").context["numbers"]}

    assert (numbers["sent"]["now"], numbers["failed"]["now"]) == (2, 1)
    for name, count in (("sent", 2), ("failed", 1)):
        rows = admin.get(numbers[name]["url"]).context["page"].rows
        assert len(rows) == count
    assert numbers["delivered"]["now"] is None
    assert "not reported" in words(admin.get("/dashboard/numbers").content.decode())


def test_a_range_that_is_not_there_is_the_usual_one(admin: Client, sending: Broadcast) -> None:
    for given, used in (("30d", "30d"), ("", "7d"), ("1e9", "7d")):
        page = admin.get("/", {"range": given})
        assert page.context["range"].name == used
        assert len(page.context["range"].spans.starts) == int(used[:-1])


@pytest.mark.parametrize("part", PARTS)
def test_the_page_and_its_moving_parts_are_the_same(
    admin: Client, sending: Broadcast, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clarion.web.current_rate.rate", lambda *_: 2.0)
    page = admin.get("/").content.decode()
    first = admin.get(f"/dashboard/{part}?range=7d")
    again = admin.get(f"/dashboard/{part}?range=7d", headers={"If-None-Match": first["ETag"]})

    assert first.content.decode().strip() in page
    assert (again.status_code, again.content) == (304, b"")


def test_concerns_lead_to_the_page_where_something_is_done(
    admin: Client, sending: Broadcast
) -> None:
    channel = Channel.objects.get()
    factory.settle_each(channel, ["in_doubt"])
    control.pause(sending, by="engine", reason="Its text can't be made.")
    pool = create(Rules(name="Spring codes", pattern="SPRING-####", low_at=10), by=factory.BY)

    shown = {one["kind"]: one for one in admin.get("/").context["concerns"]}

    assert shown["channel"]["url"] == f"/channels/{channel.pk}/"
    assert shown["paused"]["url"] == f"/broadcasts/{sending.pk}/"
    assert shown["codes"]["url"] == f"/codes/{pool.pk}/"
    assert shown["in_doubt"]["url"] == f"/broadcasts/{sending.pk}/recipients/?state=in_doubt"
    for one in shown.values():
        assert admin.get(one["url"]).status_code == 200


def test_a_paused_channel_is_told_once(admin: Client, sending: Broadcast) -> None:
    pause_channel(Channel.objects.get(), reason="The token is wrong.", by="engine")

    assert words(admin.get("/").content.decode()).count("The token is wrong.") == 1


def test_errors_lead_to_the_records_of_the_channel(admin: Client) -> None:
    channel = factory.channel("A & B")
    factory.people(channel, 25)
    factory.sending([channel])
    factory.settle_all(channel, "failed")

    shown = {one["kind"]: one for one in admin.get("/").context["concerns"]}

    page = admin.get(shown["errors"]["url"])
    assert len(page.context["page"].rows) == 25


def test_k2_the_table_has_what_can_be_done(log_in: LogIn, sending: Broadcast) -> None:
    html = log_in("sender").get("/").content.decode()

    assert f"/broadcasts/{sending.pk}/do/pause" in html
    assert f'href="/broadcasts/{sending.pk}/"' in html
    assert 'href="/broadcasts/"' in html
