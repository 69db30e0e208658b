"""When a draft is sent: now, later, again, or when something happens; and how fast."""

import re
from typing import Any

import pytest
from django.test import Client

from clarion.broadcasts import problems
from clarion.channels.models import Channel
from clarion.consents.models import Consent
from clarion.contacts.models import Tag
from clarion.content.models import Story
from clarion.engine import reap
from support import factory
from web.composing import autosave, compose_form, seen, the_draft
from web.reading import words

pytestmark = pytest.mark.django_db


def test_c1_it_leaves_after_the_undo_time_and_can_be_taken_back(
    admin: Client, channel: Channel
) -> None:
    admin.post("/broadcasts/new/", compose_form(channel))
    assert the_draft().state == "scheduled"

    taken = admin.post(f"/broadcasts/{the_draft().pk}/edit/", follow=True)

    assert the_draft().state == "draft"
    assert "Undone: nothing was sent. It is a draft again." in taken.content.decode()


def test_c2_a_chosen_time_is_still_there_after_taking_it_back(
    admin: Client, channel: Channel
) -> None:
    admin.post(
        "/broadcasts/new/",
        compose_form(channel, when="scheduled", at="2100-06-01T09:00", time_zone="Asia/Tokyo"),
    )
    html = admin.post(f"/broadcasts/{the_draft().pk}/edit/", follow=True).content.decode()

    assert 'value="2100-06-01T09:00"' in html
    assert re.search(r'<option value="Asia/Tokyo"\s+selected', html)
    assert "1 Jun 2100, 09:00" in html


def test_c3_it_repeats_and_the_next_runs_are_shown(admin: Client, channel: Channel) -> None:
    reap.register()
    repeat = {"when": "periodic", "every": "week", "clock": "09:00", "days": ["0", "3"]}
    form = compose_form(channel, **repeat, time_zone="Europe/Berlin")

    html = autosave(admin, form, "when")
    admin.post("/broadcasts/new/", {**form, **seen()})

    assert "Every Monday and Thursday at 09:00, Europe/Berlin" in html
    assert len(re.findall(r"<li>(?:Monday|Thursday), \d+ \w+ \d{4}, 09:00</li>", html)) == 3
    live = the_draft()
    assert live.state == "live"
    assert live.next_run_at is not None


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"every": "week", "clock": "09:00"}, "Choose the days of the week"),
        ({"every": "cron", "cron": "0 9 * *"}, "five"),
        ({"every": "cron", "cron": "0 9 31 2 *"}, "never runs"),
        ({"every": "day", "clock": ""}, "time of day"),
        ({"every": "day", "clock": "09:00", "time_zone": "Mars/Base"}, "There is no time zone"),
    ],
)
def test_c3_what_can_not_repeat_is_told_and_nothing_starts(
    admin: Client, channel: Channel, fields: dict[str, str], says: str
) -> None:
    form = compose_form(channel, when="periodic", **fields)
    response = admin.post("/broadcasts/new/", form)

    assert response.status_code == 422
    assert says in response.content.decode()
    assert the_draft().state == "draft"
    assert problems.check(the_draft())  # nor from anywhere else


def test_c4_it_waits_for_a_tag(admin: Client, channel: Channel) -> None:
    conditions = {
        "condition_of": ["city", "#tag", ""],
        "condition_is": ["equals", "not", "equals"],
        "condition_value": ["Berlin", "tired", ""],
    }
    fields = {"on": "tag", "tag": "vip", "delay": "2", "delay_unit": "hours", "again": "yes"}
    form = compose_form(channel, when="trigger", **fields, **conditions)

    html = autosave(admin, form, "when")
    admin.post("/broadcasts/new/", {**form, **seen()})

    assert "2 hours after the tag “vip” is assigned" in html
    live = the_draft()
    assert (live.state, live.type) == ("live", "trigger")
    assert live.trigger["delay"] == 7_200
    assert live.trigger["conditions"] == [
        {"attribute": "city", "tag": "", "is": "equals", "value": "Berlin"},
        {"attribute": "", "tag": "tired", "is": "has_not", "value": ""},
    ]
    assert Tag.objects.filter(name="vip").exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"on": "tag", "tag": ""},
        {"on": "event", "event": "paid", "delay": "soon"},
        {"on": "event", "event": "paid", "delay": "0"},
        {"on": "event", "event": "paid", "condition_of": ["#tag"], "condition_is": ["contains"],
         "condition_value": ["x"]},
    ],
)  # fmt: skip
def test_c4_a_trigger_that_can_not_be_is_told(
    admin: Client, channel: Channel, fields: dict[str, Any]
) -> None:
    response = admin.post("/broadcasts/new/", compose_form(channel, when="trigger", **fields))

    assert response.status_code == 422
    assert response.context["form"].problems["trigger"]
    assert the_draft().state == "draft"


def test_c5_it_waits_for_a_call_that_brings_data(admin: Client, channel: Channel) -> None:
    form = compose_form(channel, text="Order {{ data.number }} is ready")
    refused = admin.post("/broadcasts/new/", form)
    admin.post("/broadcasts/new/", {**form, **seen(), "when": "external"})

    assert "“data.number” exists only with an external call" in refused.content.decode()
    live = the_draft()
    assert (live.state, live.type) == ("live", "external")
    assert live.secret["token"]


def test_g1_a7_and_f5_the_options_are_saved(admin: Client, channel: Channel) -> None:
    Consent.objects.create(name="News")
    options = {"end_open_chats": "yes", "rate": "2,5", "consents": ["News"]}

    html = autosave(admin, compose_form(channel, **options))
    page = admin.get(f"/broadcasts/{the_draft().pk}/edit/").content.decode()

    draft = the_draft()
    assert (draft.end_open_chats, draft.rate) == (True, 2.5)
    assert draft.audience["consents"] == ["News"]
    assert "have not given all required consents" in html
    assert re.search(r'name="end_open_chats" value="yes"\s+checked', page)
    assert 'value="2,5"' in page


def test_f6_the_percentages_that_it_pauses_at_are_kept(admin: Client, channel: Channel) -> None:
    autosave(admin, compose_form(channel, pause_rejected="7", pause_unreachable="0"))
    page = admin.get(f"/broadcasts/{the_draft().pk}/edit/").content.decode()
    draft = the_draft()
    assert (draft.pause_rejected, draft.pause_unreachable) == (7, 0)
    assert re.search(r'name="pause_rejected" inputmode="numeric"\s+value="7"', page)

    wrong = autosave(admin, {**compose_form(channel, pause_rejected="all"), **seen()})
    assert "The percentage must be a whole number from 0 to 100" in wrong
    page = admin.get(f"/broadcasts/{the_draft().pk}/edit/").content.decode()
    assert re.search(r'name="pause_rejected" inputmode="numeric"\s+value="all"', page)


@pytest.mark.parametrize("rate", ["fast", "0", "nan", "1e99"])
def test_a_speed_that_is_none_is_told_and_kept(admin: Client, channel: Channel, rate: str) -> None:
    response = admin.post("/broadcasts/new/", compose_form(channel, rate=rate))

    assert response.status_code == 422
    assert "The send rate is a number of messages a second" in response.content.decode()
    assert f'value="{rate}"' in response.content.decode()
    assert the_draft().state == "draft"


def test_by_when_it_is_finished(admin: Client, channel: Channel, story: Story) -> None:
    other = factory.channel("Slow", rate=0.1)
    factory.people(other, 60, prefix="s")
    both = {"channels": [channel.pk, other.pk]}

    html = autosave(admin, compose_form(**both))
    assert "after about 10 min · Slow takes longest" in words(html)
    counted = re.search(r'name="counted" id="counted" value="([^"]*)"', html)
    assert counted is not None
    assert counted[1] == f"{channel.pk}:5,{other.pk}:60"

    kept = {**seen(), "counted": counted[1]}
    twice = compose_form(**both, **kept, data_type="story", story=story.pk)
    assert "after about 20 min" in autosave(admin, twice, "text")
    slower = compose_form(**both, **{**kept, **seen()}, rate="0.01")
    assert "after about 1 h 48 min" in autosave(admin, slower, "when")
    free = factory.channel("Free")
    factory.people(free, 1, prefix="f")
    assert "no send rate is set" in autosave(admin, compose_form(free, **seen()))
