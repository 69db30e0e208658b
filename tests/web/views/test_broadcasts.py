"""Broadcasts: sections, one of them, control."""

import re
from collections import Counter
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from clarion.accounts import audit
from clarion.accounts.models import Agent, Role
from clarion.broadcasts import control, launch, restarts, singles, waits
from clarion.broadcasts.models import Broadcast, ExternalCall, Firing
from clarion.channels.manage import pause_channel
from clarion.contacts.models import Contact
from clarion.content import stories
from clarion.engine import lifecycle, reap
from clarion.kit import clock
from clarion.records import tallies
from clarion.records.deliveries import hold
from support import factory
from web.conftest import LogIn
from web.reading import words

pytestmark = pytest.mark.django_db


def test_an_empty_list_leads_on(admin: Client) -> None:
    html = admin.get("/broadcasts/").content.decode()

    assert "Send your first broadcast" in html
    assert 'href="/channels/add/"' in html
    assert "Add a channel first" in admin.get("/broadcasts/new/").content.decode()


def test_e1_sections_and_their_sizes(admin: Client, sending: Broadcast) -> None:
    factory.draft([], title="Later")

    active = admin.get("/broadcasts/")
    drafts = admin.get("/broadcasts/?section=drafts")

    assert [tab["size"] for tab in active.context["tabs"]] == [1, 0, 0, 0, 1]
    assert [row["name"] for row in active.context["rows"]] == ["Spring"]
    assert [row["name"] for row in drafts.context["rows"]] == ["Later"]


def test_the_first_section_that_has_something_is_shown(admin: Client) -> None:
    factory.draft([], title="Later")

    assert admin.get("/broadcasts/").context["section"] == "drafts"


def test_e4_search(admin: Client, sending: Broadcast) -> None:
    assert len(admin.get(f"/broadcasts/?q={sending.pk}").context["rows"]) == 1
    assert len(admin.get("/broadcasts/?q=spri").context["rows"]) == 1
    assert "No broadcasts found" in admin.get("/broadcasts/?q=zzz").content.decode()


@pytest.mark.parametrize("query", ["section=x", "after=x", "after=" + "9" * 30, "q=%00"])
def test_damaged_addresses_show_something(admin: Client, sending: Broadcast, query: str) -> None:
    assert admin.get(f"/broadcasts/?{query}").status_code == 200


def test_the_page_of_a_broadcast(admin: Client, sending: Broadcast) -> None:
    factory.settle_all(sending.channels.get(), "failed")

    page = admin.get(f"/broadcasts/{sending.pk}/").content.decode()
    errors = admin.get(f"/broadcasts/{sending.pk}/errors").content.decode()

    assert "0</strong>" in page
    assert "of 3 completed" in page
    assert "All contacts on the chosen channels" in page
    assert "The receiver answered 500 (server error)." in errors
    assert f"?broadcast={sending.pk}&amp;cause=" in errors


@pytest.mark.parametrize(
    ("states", "word"),
    [
        (["sent", "delivered", "read"], "Completed"),
        (["sent", "failed", "read"], "Completed with failures"),
        (["failed", "failed", "failed"], "All failed"),
        (["failed", "failed", "in_doubt"], "Completed with failures"),
        (["sent", "sent", "in_doubt"], "Some in doubt"),
        (["skipped", "skipped", "sent"], "Completed"),
    ],
)
def test_a_completed_one_is_shown_by_how_it_went(
    admin: Client, sending: Broadcast, states: list[str], word: str
) -> None:
    channel = sending.channels.get()
    numbers = Counter((sending.pk, channel.pk, state) for state in ["queued"] * 3)
    tallies.add({key: -count for key, count in numbers.items()})
    tallies.add(Counter((sending.pk, channel.pk, state) for state in states))
    Broadcast.objects.filter(pk=sending.pk).update(state="completed", finished_at=timezone.now())

    assert f">{word}</span>" in admin.get("/broadcasts/?section=completed").content.decode()
    assert f">{word}</span>" in admin.get(f"/broadcasts/{sending.pk}/").content.decode()


def test_one_without_recipients_is_shown_as_such(admin: Client, sending: Broadcast) -> None:
    Broadcast.objects.filter(pk=sending.pk).update(state="completed", total=0)

    html = admin.get(f"/broadcasts/{sending.pk}/").content.decode()

    assert ">No recipients</span>" in html


def test_one_whose_channels_are_all_paused_is_waiting(admin: Client, sending: Broadcast) -> None:
    pause_channel(sending.channels.get(), reason="No password.", by="engine")

    page = admin.get(f"/broadcasts/{sending.pk}/").content.decode()

    assert ">Waiting</span>" in page
    assert "No password." in page
    assert "messages a second" not in admin.get("/broadcasts/?section=active").content.decode()


def test_the_title_of_the_page_has_the_progress(admin: Client, sending: Broadcast) -> None:
    factory.settle_all(sending.channels.get(), "failed")

    page = admin.get(f"/broadcasts/{sending.pk}/").content.decode()
    live = admin.get(f"/broadcasts/{sending.pk}/live").content.decode()

    assert "<title>100 % · Spring · Clarion</title>" in page
    assert "<title>100 % · Spring · Clarion</title>" in live
    Broadcast.objects.filter(pk=sending.pk).update(state="completed", finished_at=timezone.now())
    assert (
        "<title>Spring · Clarion</title>"
        in admin.get(f"/broadcasts/{sending.pk}/").content.decode()
    )


def test_first_steps_lead_to_the_first_broadcast(admin: Client, log_in: LogIn) -> None:
    def next_step(browser: Client) -> tuple[str, bool]:
        (step,) = [one for one in browser.get("/broadcasts/").context["steps"] if one.is_next]
        return step.title, step.may

    assert next_step(admin) == ("Add a channel", True)
    assert next_step(log_in(Role.VIEWER)) == ("Add a channel", False)
    channel = factory.channel()
    assert next_step(admin) == ("Import contacts", True)
    (address,) = factory.people(channel, 1)
    assert next_step(admin) == ("Send yourself a test", True)
    singles.send_single(address, by=Agent.objects.filter(role="admin").get(), text="Test")
    assert next_step(admin) == ("Send the broadcast", True)
    factory.draft([channel])
    assert next_step(admin) == ("Send the broadcast", True)
    factory.sending([channel])
    assert admin.get("/broadcasts/").context["steps"] == []


def test_a_condition_of_the_list_is_taken_away_by_its_chip(
    admin: Client, sending: Broadcast
) -> None:
    page = admin.get("/broadcasts/?section=active&type=broadcast&since=2020-01-02&q=spr")

    chips = {chip["text"]: chip["without"] for chip in page.context["chips"]}

    assert list(chips) == ["Broadcasts", "Started from: 2 Jan 2020"]
    assert chips["Broadcasts"] == "/broadcasts/?section=active&q=spr&since=2020-01-02"
    assert "since" not in chips["Started from: 2 Jan 2020"]


def test_f6_why_it_paused_by_itself_is_shown_in_the_list_and_on_its_page(
    admin: Client, sending: Broadcast
) -> None:
    control.pause(sending, by=audit.WORKER, reason="50 of the last 200 messages were rejected.")

    listed = admin.get("/broadcasts/").content.decode()
    page = admin.get(f"/broadcasts/{sending.pk}/").content.decode()

    assert "50 of the last 200 messages were rejected." in listed
    assert "Paused by itself:" in page
    assert "50 of the last 200 messages were rejected." in page
    assert "if 20% of the last messages are rejected" in " ".join(page.split())
    assert 'id="do-resume"' in page
    assert re.search(r"Paused by\s*</dt>\s*<dd dir=\"auto\">Clarion, ", page)
    agent = Agent.objects.get()
    control.stop(sending, by=agent)
    page = admin.get(f"/broadcasts/{sending.pk}/").content.decode()
    assert re.search(rf"Stopped by\s*</dt>\s*<dd dir=\"auto\">{agent.name}, ", page)


def test_f2_f4_pause_resume_stop(admin: Client, sending: Broadcast) -> None:
    def act(name: str) -> str:
        response = admin.post(f"/broadcasts/{sending.pk}/do/{name}")
        assert response["Location"] == f"/broadcasts/{sending.pk}/"
        sending.refresh_from_db()
        return str(sending.state)

    assert act("pause") == "paused"
    assert act("resume") == "sending"
    assert act("stop") == "stopped"


def test_what_the_state_does_not_allow_is_explained(admin: Client, sending: Broadcast) -> None:
    response = admin.post(f"/broadcasts/{sending.pk}/do/delete", follow=True)

    assert "Only a broadcast that has not been sent can be deleted." in response.content.decode()
    assert Broadcast.objects.filter(pk=sending.pk).exists()


def test_acts_that_are_none(admin: Client, sending: Broadcast) -> None:
    assert admin.post(f"/broadcasts/{sending.pk}/do/explode").status_code == 404
    assert admin.get(f"/broadcasts/{sending.pk}/do/stop").status_code == 405
    assert admin.post(f"/broadcasts/{sending.pk + 1}/do/stop").status_code == 404


def test_c1_undo_makes_it_a_draft_to_edit(admin: Client) -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    broadcast = launch.start(factory.draft([channel]), by="test", undo_seconds=60)
    page = admin.get(f"/broadcasts/{broadcast.pk}/").content.decode()
    assert "data-until=" in page
    assert "do-undo" in page

    response = admin.post(f"/broadcasts/{broadcast.pk}/do/undo")

    broadcast.refresh_from_db()
    assert broadcast.state == "draft"
    assert response["Location"] == f"/broadcasts/{broadcast.pk}/edit/"


def test_no_engine_is_said(admin: Client, sending: Broadcast) -> None:
    assert b"No worker is running" in admin.get(f"/broadcasts/{sending.pk}/").content
    reap.register()
    assert b"No worker is running" not in admin.get(f"/broadcasts/{sending.pk}/live").content


def test_f3_restart(admin: Client, sending: Broadcast) -> None:
    factory.settle_all(sending.channels.get(), "failed")
    Broadcast.objects.filter(pk=sending.pk).update(state="completed", finished_at=timezone.now())
    assert b"do-restart" in admin.get(f"/broadcasts/{sending.pk}/").content

    response = admin.post(f"/broadcasts/{sending.pk}/restart")

    fresh = Broadcast.objects.get(restart_of=sending)
    assert response["Location"] == f"/broadcasts/{fresh.pk}/"
    assert fresh.picks.count() == 3


def test_a_restart_without_anybody_left_is_explained(admin: Client, sending: Broadcast) -> None:
    factory.settle_all(sending.channels.get())
    Broadcast.objects.filter(pk=sending.pk).update(state="completed")

    response = admin.post(f"/broadcasts/{sending.pk}/restart", follow=True)

    assert "There are no recipients to send to" in response.content.decode()


def test_recipients_by_state_and_export(admin: Client, sending: Broadcast) -> None:
    everyone = admin.get(f"/broadcasts/{sending.pk}/recipients/")
    failed = admin.get(f"/broadcasts/{sending.pk}/recipients/?state=failed").content.decode()
    export = admin.get(f"/broadcasts/{sending.pk}/recipients.csv?state=queued")

    assert len(everyone.context["page"].rows) == 3
    assert "No recipients in this state" in failed
    assert len(export.getvalue().splitlines()) == 4
    damaged = admin.get(f"/broadcasts/{sending.pk}/recipients/?cursor=x")
    assert damaged["Location"] == f"/broadcasts/{sending.pk}/recipients/"


def test_f1_delete_a_draft(admin: Client) -> None:
    broadcast = factory.draft([])

    response = admin.post(f"/broadcasts/{broadcast.pk}/do/delete", follow=True)

    assert "“Spring” is deleted." in response.content.decode()
    assert not Broadcast.objects.exists()


DAILY = {"recurrence": {"every": "day", "at": "09:00"}, "time_zone": "UTC"}
WELCOME = {
    "on": "tag", "tag": "vip", "delay": 7200, "conditions": [
        {"attribute": "city", "is": "equals", "value": "Bonn"}
    ],
}  # fmt: skip


def listed(browser: Client, query: str) -> list[str]:
    return [row["name"] for row in browser.get(f"/broadcasts/?{query}").context["rows"]]


def test_e1_types_are_ticked_in_active_and_completed(admin: Client, sending: Broadcast) -> None:
    factory.live_row("Hook", type="external")
    factory.live_row("Welcome", type="trigger", trigger=WELCOME)
    factory.live_row("Daily", **DAILY)
    Broadcast.objects.create(title="Reply", type="single", state="sending")

    assert listed(admin, "section=active") == ["Welcome", "Hook", "Spring"]
    assert listed(admin, "section=active&type=external") == ["Hook"]
    assert listed(admin, "section=active&type=trigger&type=external") == ["Welcome", "Hook"]
    assert listed(admin, "section=active&type=single") == ["Welcome", "Hook", "Spring"]
    assert listed(admin, "section=periodic&type=external") == ["Daily"]
    page = admin.get("/broadcasts/?section=active&type=external")
    assert [one["value"] for one in page.context["types"] if one["ticked"]] == ["external"]
    assert [chip["text"] for chip in page.context["chips"]] == ["External"]
    assert "type=" not in page.context["chips"][0]["without"]
    assert "type=external" in page.context["live_url"]
    assert b'name="type"' not in admin.get("/broadcasts/?section=periodic").content
    # A number on a tab says what stands there without check boxes.
    assert [tab["size"] for tab in page.context["tabs"]] == [3, 0, 1, 0, 0]


def test_e2_a_row_has_every_fact(admin: Client, sending: Broadcast) -> None:
    factory.settle_all(sending.channels.get(), "failed")
    html = admin.get("/broadcasts/live?section=active").content.decode()
    facts = (
        "Spring",
        "{{ contact.name }}",
        "sink",
        "Sending",
        "Created",
        "Started",
        "0 of 3",
        "3 failed",
    )
    plain = " ".join(re.sub("<[^>]+>", " ", html).split())
    for fact in facts:
        assert fact in plain or fact in html, fact
    for word in ("Total", "Completed", "Delivered", "Read", "Failed", "Agent", "Scheduled"):
        assert f"<dt>{word}</dt>" in html, word
    assert f'href="/broadcasts/{sending.pk}/recipients/?state=failed"' in html


def test_e2_a_trigger_is_told_with_its_conditions(admin: Client, db: None) -> None:
    factory.live_row("Welcome", type="trigger", trigger=WELCOME)
    html = admin.get("/broadcasts/?section=active").content.decode()
    assert "2 hours after the tag “vip” is assigned, if city is “Bonn”, once per contact" in html


def test_e2_the_message_of_a_story_or_template_is_its_name(admin: Client, db: None) -> None:
    story = stories.create_story(
        name="Welcome aboard", blocks=[{"kind": "text", "text": "Hi there"}], by="test"
    )
    told = factory.draft([], title="")
    Broadcast.objects.filter(pk=told.pk).update(data_type="story", story=story)
    sent = factory.draft([], title="Order")
    template = {"name": "order_ready", "language": "en", "variables": ["{{ contact.name }}"]}
    Broadcast.objects.filter(pk=sent.pk).update(data_type="template", template=template)

    html = admin.get("/broadcasts/?section=drafts").content.decode()
    assert "Welcome aboard" in html
    assert "order_ready" in html
    assert listed(admin, "section=drafts&q=aboard") == ["Welcome aboard"]
    assert listed(admin, "section=drafts&q=order_r") == ["Order"]
    page = admin.get(f"/broadcasts/{told.pk}/").content.decode()
    assert "Hi there" in page
    assert "version 1" in page
    assert "{{ contact.name }}" in admin.get(f"/broadcasts/{sent.pk}/").content.decode()
    assert ">name</span>" in admin.get(f"/broadcasts/{sent.pk}/").content.decode()


def test_e3_a_row_offers_what_its_state_allows(admin: Client, sending: Broadcast) -> None:
    row = admin.get("/broadcasts/?section=active").content.decode()
    assert f"/broadcasts/{sending.pk}/do/pause" in row
    assert f"/broadcasts/{sending.pk}/ask/stop/" in row
    assert f"/broadcasts/{sending.pk}/do/duplicate" in row
    for no in ("do/resume", "ask/delete", "ask/restart", "do/edit"):
        assert f"/broadcasts/{sending.pk}/{no}" not in row

    back = {"back": "/broadcasts/?section=active"}
    assert admin.post(f"/broadcasts/{sending.pk}/do/pause", back)["Location"] == back["back"]
    assert (
        f"/broadcasts/{sending.pk}/do/resume"
        in admin.get("/broadcasts/?section=active").content.decode()
    )


def test_e3_a_viewer_sees_no_actions(log_in: LogIn, sending: Broadcast) -> None:
    viewer = log_in(Role.VIEWER)
    row = viewer.get("/broadcasts/?section=active").content.decode()
    assert "/do/" not in row
    assert "/ask/" not in row
    for path in ("do/pause", "restart", "rate", "release"):
        assert viewer.post(f"/broadcasts/{sending.pk}/{path}").status_code == 403
    assert viewer.get(f"/broadcasts/{sending.pk}/ask/stop/").status_code == 403


def test_e3_questions_come_before_what_can_not_be_undone(admin: Client, sending: Broadcast) -> None:
    page = admin.get(f"/broadcasts/{sending.pk}/ask/stop/?back=/broadcasts/%3Fsection%3Dactive")
    html = page.content.decode()
    assert "Stop this broadcast?" in html
    assert 'href="/broadcasts/?section=active"' in html
    assert Broadcast.objects.get().state == "sending"
    assert admin.get(f"/broadcasts/{sending.pk}/ask/explode/").status_code == 404
    gone = admin.get(f"/broadcasts/{sending.pk}/ask/delete/", follow=True)
    assert "This is no longer possible" in gone.content.decode()


@pytest.mark.parametrize("back", ["javascript:alert(1)", "//evil.example", "https://evil.example"])
def test_nobody_is_led_elsewhere(admin: Client, sending: Broadcast, back: str) -> None:
    html = admin.get(f"/broadcasts/{sending.pk}/ask/stop/", {"back": back}).content.decode()
    assert back not in html
    response = admin.post(f"/broadcasts/{sending.pk}/do/pause", {"back": back})
    assert response["Location"] == f"/broadcasts/{sending.pk}/"


def test_e3_editing_a_scheduled_one_undoes_it_first(admin: Client) -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    at = clock.now() + timedelta(days=1)
    broadcast = launch.start(factory.draft([channel], scheduled_at=at), by="test")
    response = admin.post(f"/broadcasts/{broadcast.pk}/do/edit")

    assert response["Location"] == f"/broadcasts/{broadcast.pk}/edit/"
    broadcast.refresh_from_db()
    assert broadcast.state == "draft"


def test_e2_a_scheduled_one_shows_its_own_zone_and_its_recipients(admin: Client) -> None:
    channel = factory.channel()
    factory.people(channel, 1_204)
    at = clock.parse_moment("2999-12-24T09:30", "Asia/Tokyo")
    draft = factory.draft([channel], scheduled_at=at, time_zone="Asia/Tokyo")
    broadcast = launch.start(draft, by="test")

    listed = words(admin.get("/broadcasts/?section=scheduled").content.decode())
    one = words(admin.get(f"/broadcasts/{broadcast.pk}/").content.decode())

    assert "(09:30 Asia/Tokyo)" in listed
    assert "1,204" in listed
    assert one.count("(09:30 Asia/Tokyo)") == 2  # when it starts, and in the timeline
    assert "24 Dec 2999, 00:30" in one


def test_e2_a_periodic_one_shows_its_next_run_in_its_own_zone(admin: Client) -> None:
    rule = {"every": "day", "at": "09:00"}
    live = factory.live([factory.channel()], recurrence=rule, time_zone="Asia/Tokyo")

    for page in ("/broadcasts/?section=periodic", f"/broadcasts/{live.pk}/"):
        assert "(09:00 Asia/Tokyo)" in words(admin.get(page).content.decode())


def test_a_broadcast_that_waits_for_its_webhook_says_so_and_is_tried_by_hand(
    admin: Client, sending: Broadcast
) -> None:
    waits.wait(sending.pk, "The story's webhook answered 503.")

    listed = words(admin.get("/").content.decode())
    one = admin.get(f"/broadcasts/{sending.pk}/").content.decode()
    admin.post(f"/broadcasts/{sending.pk}/do/end_wait")

    assert "Waiting" in listed
    assert "The broadcast is waiting for its story's webhook." in words(one)
    assert "The story&#x27;s webhook answered 503." in one
    assert 'id="do-end-wait"' in one
    sending.refresh_from_db()
    assert (sending.state, sending.waits_until, sending.waits_reason) == ("sending", None, "")


def test_e3_duplicate(admin: Client, sending: Broadcast) -> None:
    response = admin.post(f"/broadcasts/{sending.pk}/do/duplicate", {"back": "/"})

    copy = Broadcast.objects.exclude(pk=sending.pk).get()
    assert response["Location"] == f"/broadcasts/{copy.pk}/edit/"
    assert (copy.state, copy.text) == ("draft", sending.text)


def test_e4_a_date_range_in_the_agents_zone(admin: Client, sending: Broadcast) -> None:
    noon = clock.parse_moment("2026-03-02T12:00", "UTC")
    Broadcast.objects.update(state="completed", finished_at=noon)

    def matches(query: str) -> int:
        return len(listed(admin, f"section=completed&{query}"))

    assert matches("since=2026-03-02&until=2026-03-02") == 1
    assert matches("since=2026-03-03") == 0
    assert matches("until=2026-03-01") == 0
    assert matches("since=2026-02-30&until=x") == 1  # no such day: not filtered by it
    assert matches("until=9999-12-31") == 1
    assert (
        "“2026-02-30” is not a date." in admin.get("/broadcasts/?since=2026-02-30").content.decode()
    )
    swapped = admin.get("/broadcasts/?since=2026-03-03&until=2026-03-02").content.decode()
    assert "The first date is after the last one" in swapped
    page = admin.get("/broadcasts/?section=completed&since=2026-03-02").content.decode()
    assert "Finished from" in page
    assert 'value="2026-03-02"' in page


def test_e5_the_list_says_what_will_go(admin: Client, sending: Broadcast) -> None:
    factory.settle_all(sending.channels.get())
    finished = clock.now() - timedelta(days=80)
    Broadcast.objects.update(state="completed", finished_at=finished)

    html = admin.get("/broadcasts/?section=completed").content.decode()

    assert "1 broadcast with 3 records will be deleted by" in " ".join(html.split())
    assert 'href="/broadcasts/retention/"' in html
    assert b"will be deleted" not in admin.get("/broadcasts/?section=drafts").content


def test_f1_one_that_lives_on_is_deleted_from_its_page(admin: Client, sending: Broadcast) -> None:
    daily = factory.live_row("Daily", **DAILY)
    Broadcast.objects.filter(pk=sending.pk).update(parent=daily)
    assert (
        "Its runs and their records are kept."
        in admin.get(f"/broadcasts/{daily.pk}/ask/delete/").content.decode()
    )

    admin.post(f"/broadcasts/{daily.pk}/do/delete")

    assert admin.get(f"/broadcasts/{daily.pk}/").status_code == 404
    assert listed(admin, "section=periodic") == []
    page = admin.get(f"/broadcasts/{sending.pk}/").content.decode()
    assert f"Broadcast {daily.pk} (deleted)" in page


def test_f3_the_question_has_the_numbers(admin: Client, sending: Broadcast) -> None:
    factory.settle_all(sending.channels.get(), "in_doubt")
    Broadcast.objects.filter(pk=sending.pk).update(state="completed", finished_at=timezone.now())

    for path in ("ask/restart/", "left"):
        html = admin.get(f"/broadcasts/{sending.pk}/{path}").content.decode()
        assert "Failed: 0" in html
        assert "Also send to 3 recipients in doubt" in html
        assert "required" in html

    admin.post(f"/broadcasts/{sending.pk}/restart", {"in_doubt": "on"})
    fresh = Broadcast.objects.get(restart_of=sending)
    page = admin.get(f"/broadcasts/{fresh.pk}/").content.decode()
    assert f'<a href="/broadcasts/{sending.pk}/">#{sending.pk}</a>' in page
    assert f'<strong aria-current="true">#{fresh.pk}</strong>' in page


def test_f5_the_speed_is_changed_on_its_page(admin: Client, sending: Broadcast) -> None:
    assert "Change send rate" in admin.get(f"/broadcasts/{sending.pk}/").content.decode()

    def change(rate: str) -> str:
        page = admin.post(f"/broadcasts/{sending.pk}/rate", {"rate": rate}, follow=True)
        sending.refresh_from_db()
        return page.content.decode()

    assert "at most 20 messages a second" in change("20")
    assert "at most 2.5 messages a second" in change("2,5")
    assert sending.rate == 2.5
    assert "at most 2.5 a second." in admin.get(f"/broadcasts/{sending.pk}/live").content.decode()
    assert "from 0.01 to 1,000,000" in change("fast")
    assert "from 0.01" in change("0")
    assert sending.rate == 2.5
    assert "no limit other than that of the channels" in change("")
    assert sending.rate is None
    assert admin.get(f"/broadcasts/{sending.pk}/ask/rate/").status_code == 200


def test_g2_who_is_held_is_shown_and_released(admin: Client, sending: Broadcast) -> None:
    numbers = list(Contact.objects.values_list("addresses", flat=True).order_by("pk"))
    for number in numbers:
        hold.hold(number, [sending.pk])
    page = admin.get(f"/broadcasts/{sending.pk}/live").content.decode()
    assert "3 recipients are held" in page
    assert "the first since" in page
    held = f"/broadcasts/{sending.pk}/recipients/?state=held"
    assert admin.get(held).content.decode().count('name="chat"') == 3

    release = f"/broadcasts/{sending.pk}/release"
    released = admin.post(release, {"chat": numbers[0], "back": held}, follow=True)
    assert "1 recipient released." in released.content.decode()
    assert released.content.decode().count('name="chat"') == 2
    assert (
        "receive the broadcast during that chat"
        in admin.get(f"/broadcasts/{sending.pk}/ask/release/").content.decode()
    )
    assert admin.post(release, {"chat": "x"}).status_code == 404  # and nobody else is released
    assert "2 recipients released." in admin.post(release, follow=True).content.decode()
    assert "No recipients are held any more." in admin.post(release, follow=True).content.decode()


def test_c3_the_page_of_a_periodic_one(admin: Client, sending: Broadcast) -> None:
    tomorrow = clock.now() + timedelta(days=1)
    daily = factory.live_row("Daily", next_run_at=tomorrow, **DAILY)
    Broadcast.objects.filter(pk=sending.pk).update(parent=daily)

    page = admin.get(f"/broadcasts/{daily.pk}/").content.decode()
    details = admin.get(f"/broadcasts/{daily.pk}/details").content.decode()
    runs = admin.get(f"/broadcasts/{daily.pk}/runs/")

    assert "Every day at 09:00, UTC" in page
    assert "Next run:" in page
    assert "Live" in page
    assert "Latest runs" in details
    assert [row["name"] for row in runs.context["rows"]] == ["Spring"]
    assert "No runs yet" in admin.get(f"/broadcasts/{sending.pk}/runs/").content.decode()
    run = admin.get(f"/broadcasts/{sending.pk}/").content.decode()
    assert f'<a href="/broadcasts/{daily.pk}/">Daily</a>' in run


def test_c4_the_page_of_a_trigger_says_who_waits(admin: Client, sending: Broadcast) -> None:
    welcome = factory.live_row("Welcome", type="trigger", trigger=WELCOME)
    for contact in Contact.objects.all()[:2]:
        Firing.objects.create(
            broadcast=welcome, contact=contact, happened_at=clock.now(), due_at=clock.now()
        )

    details = admin.get(f"/broadcasts/{welcome.pk}/details").content.decode()

    assert "2 contacts have triggered it and are waiting for the delay to end." in details
    assert "No contacts are waiting" not in details


def test_c5_the_page_of_an_external_one(admin: Client, log_in: LogIn, sending: Broadcast) -> None:
    hook = factory.live_row("Hook", type="external", secret={"token": "s3cret"})
    hook.channels.set(sending.channels.all())
    ExternalCall.objects.create(
        broadcast=hook, run=sending, key="A-17", answer={"known": 3, "unknown": 1}
    )
    page = admin.get(f"/broadcasts/{hook.pk}/").content.decode()
    details = admin.get(f"/broadcasts/{hook.pk}/details").content.decode()
    url = f"http://testserver/hooks/external/{hook.pk}/s3cret"
    assert f'data-copy="{url}"' in page
    assert f"curl -X POST &#x27;{url}&#x27;" in page
    assert "A-17" in details
    assert "known: 3, unknown: 1" in " ".join(details.split())
    assert b"s3cret" not in log_in(Role.VIEWER).get(f"/broadcasts/{hook.pk}/").content

    assert b"Create a new URL?" in admin.get(f"/broadcasts/{hook.pk}/ask/rotate/").content
    admin.post(f"/broadcasts/{hook.pk}/do/rotate")
    assert b"s3cret" not in admin.get(f"/broadcasts/{hook.pk}/").content


def test_f4_one_that_lives_on_pauses_and_resumes(admin: Client, db: None) -> None:
    for fields in (DAILY, {"type": "external"}, {"type": "trigger", "trigger": WELCOME}):
        broadcast = factory.live_row("Live", **fields)
        for act, state in (("pause", "paused"), ("resume", "live"), ("stop", "stopped")):
            admin.post(f"/broadcasts/{broadcast.pk}/do/{act}")
            broadcast.refresh_from_db()
            assert broadcast.state == state


def test_the_page_of_one_that_was_deleted_meanwhile_leads_to_the_list(
    admin: Client, sending: Broadcast
) -> None:
    draft = factory.draft(list(sending.channels.all()))
    live = f"/broadcasts/{draft.pk}/live"
    assert "HX-Redirect" not in admin.get(live).headers
    admin.post(f"/broadcasts/{draft.pk}/do/delete")
    assert admin.get(live)["HX-Redirect"] == "/broadcasts/"


def test_h3_the_number_of_errors_is_that_of_the_list_behind_its_link(
    admin: Client, sending: Broadcast
) -> None:
    channel = sending.channels.get()
    factory.settle_each(channel, ["failed", {"state": "queued", "reason": "Busy."}, "sent"])
    factory.settle_all(channel)  # the retry is accepted

    html = " ".join(admin.get(f"/broadcasts/{sending.pk}/errors").content.decode().split())
    plain = re.sub("<[^>]+>", " ", html)

    # One person failed in the end; two attempts did.
    assert "View errors: 1 failed recipient " in plain
    assert "View 2 failed attempts" in plain
    failed = admin.get(f"/broadcasts/{sending.pk}/recipients/?state=failed")
    attempts = admin.get(f"/records/?broadcast={sending.pk}&status=error")
    assert len(failed.context["page"].rows) == 1
    assert len(attempts.context["page"].rows) == 2


@pytest.mark.parametrize(
    ("states", "words"),
    [
        (("sent", "sent", "sent"), "Completed"),
        (("sent", "failed", "sent"), "Completed with failures"),
        (("failed", "failed", "failed"), "All failed"),
    ],
)
def test_what_has_completed_says_how_it_went_also_to_screen_readers(
    admin: Client, sending: Broadcast, states: tuple[str, ...], words: str
) -> None:
    factory.settle_each(sending.channels.get(), states)
    lifecycle.finish()

    bar = f"{states.count('sent')} of 3 completed"
    if failed := states.count("failed"):
        bar += f", {failed} failed"
    for page in ("/broadcasts/?section=completed", f"/broadcasts/{sending.pk}/"):
        html = admin.get(page).content.decode()
        assert f">{words}</span>" in html
        assert f'aria-label="{bar}"' in html


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


def test_f7_a_manager_deletes_a_finished_broadcast_after_a_question_that_says_what_goes(
    admin: Client, sending: Broadcast, log_in: LogIn
) -> None:
    factory.settle_each(sending.channels.get(), ["sent"] * 3)
    lifecycle.finish()
    page = f"/broadcasts/{sending.pk}/"
    sender = log_in("sender")
    assert "Delete with records" not in sender.get(page).content.decode()
    assert "Delete with records" in admin.get(page).content.decode()
    assert "Delete with records…" in admin.get("/broadcasts/?section=completed").content.decode()

    asked = " ".join(admin.get(f"{page}ask/remove/").content.decode().split())
    for part in ("1 broadcast is deleted for good", "3 recipients", "3 records", "undone"):
        assert part in asked, part
    refused = sender.post(f"{page}do/remove", follow=True).content.decode()
    assert "Only a manager can delete" in refused
    gone = admin.post(f"{page}do/remove", follow=True).content.decode()
    assert "is deleted." in gone
    assert admin.get(page).status_code == 404


def test_e3_a_live_broadcast_is_edited_and_a_restart_keeps_its_audience(
    admin: Client, sending: Broadcast
) -> None:
    live = factory.live([sending.channels.get()], type="external")
    assert 'id="do-edit"' in admin.get(f"/broadcasts/{live.pk}/").content.decode()
    edited = admin.post(f"/broadcasts/{live.pk}/do/edit", follow=True)
    html = edited.content.decode()
    assert "You are editing a live broadcast." in html
    assert "Apply changes" in html
    assert edited.context["closed_ways"] == ["now", "scheduled", "periodic", "trigger"]

    control.stop(sending, by=factory.BY)
    fresh = restarts.restart(sending, by=factory.BY)
    html = admin.post(f"/broadcasts/{fresh.pk}/do/undo", follow=True).content.decode()
    assert "Its audience is fixed" in html
    assert 'type="checkbox" name="channels"' not in html


@pytest.mark.parametrize("what", ["external", "trigger"])
def test_f3_a_stopped_live_broadcast_offers_its_restart(
    admin: Client, sending: Broadcast, what: str
) -> None:
    rule = {"on": "event", "event": "paid", "delay": 60} if what == "trigger" else {}
    live = factory.live([sending.channels.get()], type=what, trigger=rule)
    control.stop(live, by=factory.BY)

    assert 'id="do-restart"' in admin.get(f"/broadcasts/{live.pk}/").content.decode()
    assert "It goes live again" in admin.get(f"/broadcasts/{live.pk}/ask/restart/").content.decode()
    page = admin.post(f"/broadcasts/{live.pk}/restart", follow=True)
    assert page.redirect_chain[-1][0] == f"/broadcasts/{live.pk}/"
    live.refresh_from_db()
    assert live.state == "live"
