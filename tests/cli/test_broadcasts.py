"""``clarion broadcasts``."""

import re
import socket
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from clarion.broadcasts import control, waits
from clarion.broadcasts.models import Broadcast, Pick
from clarion.broadcasts.states import BroadcastState as S
from clarion.channels.models import Channel
from clarion.contacts.models import Address
from clarion.engine import lifecycle
from clarion.kit import clock
from clarion.records.deliveries import hold
from clarion.records.models import Delivery, Reason, Tally
from support import factory

pytestmark = pytest.mark.django_db
COUNTS = (
    "total", "queued", "held", "sending", "sent", "delivered", "read", "failed", "skipped",
    "unsent", "in_doubt",
)  # fmt: skip
CONTRACT = {
    "id", "title", "type", "state", "total", "queued", "held", "sending", "sent", "delivered",
    "read", "failed", "skipped", "unsent", "in_doubt", "created_at", "scheduled_at", "started_at",
    "finished_at",
}  # fmt: skip


@pytest.fixture
def sent(people: str, ok_json: Callable[..., Any]) -> str:
    """The number of a broadcast that is scheduled."""
    return str(
        ok_json("send", "--channel", people, "--all", "--text", "Hello", "--title", "T")["id"]
    )


@pytest.fixture
def running(sent: str) -> str:
    """The same as the engine has expanded it: one sent, one failed, one queued."""
    broadcast = Broadcast.objects.get(pk=sent)
    states = ("sent", "failed", "queued")
    for address, state in zip(Address.objects.order_by("pk"), states, strict=True):
        delivery = factory.delivery(broadcast, address, state)
        if state != "queued":
            because = factory.reason("It broke.", "500") if state == "failed" else None
            factory.record(delivery, because=because)
    now = clock.now()
    Broadcast.objects.filter(pk=sent).update(state=S.SENDING, started_at=now, expanded_at=now)
    return sent


def test_show_has_what_the_contract_names(running: str, ok_json: Callable[..., Any]) -> None:
    shown = ok_json("broadcasts", "show", running)
    assert shown.keys() >= CONTRACT
    counts = ("total", "queued", "sent", "failed", "completed", "in_doubt")
    assert [shown[name] for name in counts] == [3, 1, 1, 1, 1, 0]
    assert shown["started_at"].endswith("+00:00")


def test_show_in_words(running: str, ok: Callable[..., str]) -> None:
    lines = [line.split() for line in ok("broadcasts", "show", running).splitlines()]
    assert ["state", "sending"] in lines
    assert ["total", "3"] in lines
    assert ["failed", "1"] in lines
    assert ["agent", socket.gethostname(), "(command", "line)"] in lines
    assert not any(line[0] == "held" for line in lines)


def test_f6_why_it_paused_by_itself_is_shown(running: str, clarion: Callable[..., Any]) -> None:
    control.pause(Broadcast.objects.get(pk=running), by="Ada", reason="Too many failed.")
    shown = clarion("broadcasts", "show", running).stdout
    assert "paused – Too many failed." in shown
    assert re.search(r"halted by +Ada", shown)
    assert f"{running} is paused: Too many failed." in clarion("broadcasts", "list").stderr


def test_h3_errors_are_explained_and_their_people_restarted(
    running: str, ok: Callable[..., str], ok_json: Callable[..., Any]
) -> None:
    Delivery.objects.filter(state="failed").update(reason=Reason.objects.get(text="It broke."))
    [cause] = ok_json("broadcasts", "show", running)["causes"]
    assert (cause["error"], cause["about"], cause["recipients"]) == ("It broke.", "unknown", 1)
    assert f"cause {cause['cause']}. Unknown problem: " in ok("broadcasts", "show", running)
    Delivery.objects.filter(state="queued").update(state="unsent")
    Broadcast.objects.filter(pk=running).update(state="stopped", finished_at=clock.now())
    Tally.objects.filter(state="queued").update(state="unsent")
    ok("broadcasts", "restart", running, "--cause", str(cause["cause"]))

    assert Pick.objects.filter(broadcast__restart_of=running).count() == 1


def test_list(sent: str, ok: Callable[..., str], ok_json: Callable[..., Any]) -> None:
    assert ok("broadcasts", "list").splitlines()[1].split()[:5] == [
        sent, "–", "T", "scheduled", "news",
    ]  # fmt: skip
    listed = ok_json("broadcasts", "list")
    assert [one["id"] for one in listed] == [int(sent)]
    assert listed[0].keys() >= CONTRACT
    assert ok_json("broadcasts", "list", "--section", "active") == []
    assert len(ok_json("broadcasts", "list", "--section", "scheduled")) == 1
    assert ok_json("broadcasts", "list", "--search", "nothing like it") == []
    assert ok("broadcasts", "list", "--section", "drafts") == "No broadcasts match.\n"


def test_list_is_bounded(people: str, clarion: Callable[..., Any]) -> None:
    for number in range(3):
        clarion("send", "--channel", people, "--all", "--text", f"n{number}")
    result = clarion("broadcasts", "list", "--limit", "2")
    assert result.stdout.count("scheduled") == 2
    assert "Only the first 2 are shown." in result.stderr


def test_an_empty_list(db: None, ok: Callable[..., str]) -> None:
    assert ok("broadcasts", "list") == "There are no broadcasts yet.\n"


def test_f2_pause_resume_stop(
    running: str, ok: Callable[..., str], ok_json: Callable[..., Any]
) -> None:
    assert ok("broadcasts", "pause", running) == f"Broadcast {running} is paused.\n"
    assert ok("broadcasts", "resume", running) == f"Broadcast {running} is sending.\n"
    assert ok_json("broadcasts", "pause", running)["state"] == "paused"
    assert ok_json("broadcasts", "stop", running)["state"] == "stopped"


@pytest.mark.parametrize("command", ["pause", "resume", "stop", "restart"])
def test_what_the_state_does_not_allow(
    sent: str, refused: Callable[..., str], command: str
) -> None:
    said = refused("broadcasts", command, sent)
    assert "\n" not in said
    assert Broadcast.objects.get().state == S.SCHEDULED


def test_f1_delete(sent: str, ok: Callable[..., str], refused: Callable[..., str]) -> None:
    assert ok("broadcasts", "delete", sent) == f"Broadcast {sent} is deleted.\n"
    assert f"There is no broadcast {sent}." in refused("broadcasts", "delete", sent)


def test_delete_as_json(sent: str, ok_json: Callable[..., Any]) -> None:
    assert ok_json("broadcasts", "delete", sent) == {"id": int(sent), "deleted": True}


def test_what_has_left_can_not_be_deleted(running: str, refused: Callable[..., str]) -> None:
    assert "You can stop this one." in refused("broadcasts", "delete", running)
    assert Broadcast.objects.exists()


def test_f3_restart_goes_to_those_who_were_not_reached(
    running: str, ok: Callable[..., str], ok_json: Callable[..., Any]
) -> None:
    ok("broadcasts", "stop", running)
    fresh = ok_json("broadcasts", "restart", running, "--undo", "600")
    assert fresh["restart_of"] == int(running)
    assert fresh["state"] == "scheduled"
    picks = Broadcast.objects.get(pk=fresh["id"]).picks
    assert sorted(picks.values_list("address__value", flat=True)) == ["2", "3"]


def test_resuming_a_missed_one_sends_it_after_all(
    sent: str, ok: Callable[..., str], refused: Callable[..., str]
) -> None:
    Broadcast.objects.update(state=S.MISSED)
    assert ok("broadcasts", "resume", sent) == f"Broadcast {sent} is scheduled.\n"
    assert Broadcast.objects.get().state == S.SCHEDULED
    assert "starts by itself" in refused("broadcasts", "resume", sent)


def test_f4_pause_and_resume_lose_nobody(
    running: str, ok: Callable[..., str], ok_json: Callable[..., Any]
) -> None:
    before = ok_json("broadcasts", "show", running)
    ok("broadcasts", "pause", running)
    after = ok_json("broadcasts", "resume", running)
    assert {name: after[name] for name in COUNTS} == {name: before[name] for name in COUNTS}
    assert "expected 3" in ok("broadcasts", "reconcile", running)


def test_f5_speed(
    running: str,
    ok: Callable[..., str],
    ok_json: Callable[..., Any],
    refused: Callable[..., str],
    misused: Callable[..., str],
) -> None:
    said = ok("broadcasts", "rate", running, "2.5")
    assert said == f"Broadcast {running} sends at most 2.5 messages a second.\n"
    assert ok_json("broadcasts", "show", running)["rate"] == 2.5
    assert ["rate", "2.5", "a", "second"] in [
        line.split() for line in ok("broadcasts", "show", running).splitlines()
    ]
    assert ok_json("broadcasts", "rate", running, "none")["rate"] is None
    for wrong in ("0", "fast"):
        assert "from 0.01 to 1,000,000" in misused("broadcasts", "rate", running, wrong)
    ok("broadcasts", "stop", running)
    assert "this one is stopped" in refused("broadcasts", "rate", running, "1")


def test_g2_release(
    running: str,
    ok: Callable[..., str],
    ok_json: Callable[..., Any],
    refused: Callable[..., str],
    misused: Callable[..., str],
) -> None:
    assert refused("broadcasts", "release", running) == "No recipients are held any more."
    held = Delivery.objects.get(state="queued")
    hold.hold(held.address_id, [int(running)])
    assert (
        refused("broadcasts", "release", running, "--chats", "1,2")
        == "No recipients are held any more."
    )
    assert "separated by commas" in misused("broadcasts", "release", running, "--chats", "x")

    said = ok("broadcasts", "release", running, "--chats", str(held.address_id))

    assert said == "1 recipient is no longer held.\n"
    assert ok_json("broadcasts", "show", running)["queued"] == 1


def test_d2_duplicate(running: str, ok: Callable[..., str], ok_json: Callable[..., Any]) -> None:
    copy = ok_json("broadcasts", "duplicate", running)
    assert (copy["state"], copy["title"], copy["text"]) == ("draft", "Copy of T", "Hello")
    assert f"is a copy of broadcast {running}." in ok("broadcasts", "duplicate", running)


def test_f1_one_that_lives_on_is_deleted_and_its_runs_stay(
    running: str, ok: Callable[..., str], ok_json: Callable[..., Any], refused: Callable[..., str]
) -> None:
    parent = factory.live_row("Every day", recurrence={"every": "day", "at": "09:00"})
    Broadcast.objects.filter(pk=running).update(parent=parent)
    shown = ok_json("broadcasts", "show", str(parent.pk))
    assert (shown["state"], shown["runs"], shown["when"]) == ("live", 1, "Every day at 09:00, UTC")
    assert [one["id"] for one in ok_json("broadcasts", "runs", str(parent.pk))] == [int(running)]
    assert ok("broadcasts", "runs", running) == f"Broadcast {running} has no runs yet.\n"

    ok("broadcasts", "delete", str(parent.pk))

    assert "There is no broadcast" in refused("broadcasts", "show", str(parent.pk))
    assert ok_json("broadcasts", "show", running)["total"] == 3


def test_f4_one_that_lives_on_pauses_and_resumes(ok_json: Callable[..., Any], db: None) -> None:
    for fields in ({"recurrence": {"every": "day", "at": "09:00"}}, {"type": "external"}):
        number = str(factory.live_row("Live", **fields).pk)
        assert ok_json("broadcasts", "pause", number)["state"] == "paused"
        assert ok_json("broadcasts", "resume", number)["state"] == "live"
        assert ok_json("broadcasts", "stop", number)["state"] == "stopped"


def test_e1_sections_and_types(running: str, ok_json: Callable[..., Any]) -> None:
    daily = factory.live_row("Daily", recurrence={"every": "day", "at": "09:00"})
    hook = factory.live_row("Hook", type="external")
    welcome = factory.live_row("Welcome", type="trigger", trigger=WELCOME)
    Broadcast.objects.create(title="Lone", type="single", state=S.SENDING)
    Broadcast.objects.create(title="Gone", state=S.SENDING, deleted_at=clock.now())

    def listed(*options: str) -> list[int]:
        return [one["id"] for one in ok_json("broadcasts", "list", *options)]

    assert listed("--section", "active") == [welcome.pk, hook.pk, int(running)]
    assert listed("--section", "periodic") == [daily.pk]
    assert listed("--section", "active", "--type", "external") == [hook.pk]
    several = ("--type", "external", "--type", "trigger")
    assert listed("--section", "active", *several) == [welcome.pk, hook.pk]
    assert listed() == [welcome.pk, hook.pk, daily.pk, int(running)]


WELCOME = {
    "on": "tag", "tag": "vip", "delay": 7200, "conditions": [
        {"attribute": "city", "is": "equals", "value": "Bonn"}
    ],
}  # fmt: skip


def test_e2_every_fact(running: str, ok_json: Callable[..., Any]) -> None:
    shown = ok_json("broadcasts", "show", running)
    assert shown["message"] == "Hello"
    assert [shown[name] for name in ("total", "completed", "errors")] == [3, 1, 1]
    # The channel can report what arrived, but never did: nobody knows, which is not 0 %.
    assert (shown["delivered_percent"], shown["read_percent"]) == (None, None)
    assert shown["outcome"] == "sending"
    assert {"agent", "channels", "created_at", "scheduled_at", "started_at"} <= shown.keys()
    trigger = factory.live_row("Welcome", type="trigger", trigger=WELCOME)
    when = ok_json("broadcasts", "show", str(trigger.pk))["when"]
    assert when == "2 hours after the tag “vip” is assigned, if city is “Bonn”, once per contact"


def test_e4_search_and_dates(
    running: str, ok_json: Callable[..., Any], misused: Callable[..., str]
) -> None:
    def listed(*options: str) -> list[str]:
        return [str(one["id"]) for one in ok_json("broadcasts", "list", *options)]

    for q in (running, "hell", f"#{running}"):
        assert listed("-q", q) == [running]
    assert listed("-q", "Good bye") == []
    tomorrow = (clock.now() + timedelta(days=1)).isoformat()
    assert listed("--after", tomorrow) == []
    assert listed("--before", tomorrow) == [running]
    Broadcast.objects.filter(pk=running).update(
        state=S.COMPLETED, finished_at=clock.parse_moment("2026-03-02T10:00", "UTC")
    )
    march = ("--after", "2026-03-01", "--before", "2026-03-03")
    assert listed("--section", "completed", *march) == [running]
    assert listed("--section", "completed", "--after", "2026-03-03") == []
    assert "is not a date and time" in misused("broadcasts", "list", "--after", "soon")
    assert "'single' is not one of 'broadcast', 'external'" in misused(
        "broadcasts", "list", "--type", "single"
    )


def test_e3_only_what_the_state_allows(running: str, refused: Callable[..., str]) -> None:
    assert "can be deleted" in refused("broadcasts", "delete", running)
    assert "Stop it first" in refused("broadcasts", "restart", running)
    assert "Only a paused broadcast" in refused("broadcasts", "resume", running)


def test_reconcile_proves_the_equation(
    running: str, ok: Callable[..., str], ok_json: Callable[..., Any]
) -> None:
    printed = ok("broadcasts", "reconcile", running)
    assert "expected 3 = sent 1 + failed 1" in printed
    assert "every recipient is accounted for" in printed
    assert ok_json("broadcasts", "reconcile", running)["ok"] is True


def test_reconcile_fails_where_rows_and_tallies_differ(
    running: str, clarion: Callable[..., Any]
) -> None:
    Delivery.objects.filter(state="queued").delete()
    result = clarion("broadcasts", "reconcile", running)
    assert result.exit_code == 1
    assert result.stdout.startswith("rows:    expected 3 = sent 1")
    assert "The counts differ." in result.stdout


def test_the_causes_of_failures_are_shown(
    running: str, clarion: Callable[..., Any], ok: Callable[..., str], ok_json: Callable[..., Any]
) -> None:
    shown = clarion("broadcasts", "show", running)
    assert "errors by cause\n  1 attempt, 0 recipients: It broke.\n" in shown.stdout
    hint = f"List them with: clarion records list --broadcast {running} --status error\n"
    assert shown.stderr == hint
    assert "It broke." in ok("records", "list", "--broadcast", running, "--status", "error")
    [cause] = ok_json("broadcasts", "show", running)["causes"]
    assert (cause["error"], cause["attempts"], cause["recipients"]) == ("It broke.", 1, 0)


@pytest.mark.parametrize(
    "command",
    [
        "show",
        "runs",
        "pause",
        "resume",
        "stop",
        "release",
        "restart",
        "duplicate",
        "delete",
        "reconcile",
    ],
)
@pytest.mark.parametrize("number", ["4711", str(2**63), str(2**200)])
def test_an_unknown_number_is_said(
    db: None, refused: Callable[..., str], command: str, number: str
) -> None:
    said = refused("broadcasts", command, number)
    assert said == f"There is no broadcast {number}. List them with: clarion broadcasts list"


@pytest.mark.parametrize("number", ["one", "-1", "0", "1.5"])
def test_what_is_no_number_is_wrong_usage(misused: Callable[..., str], number: str) -> None:
    assert misused("broadcasts", "show", "--", number)


def test_an_unknown_section_is_wrong_usage(db: None, misused: Callable[..., str]) -> None:
    assert "'old' is not one of 'all', 'active'" in misused(
        "broadcasts", "list", "--section", "old"
    )


@pytest.mark.parametrize("state", ["active", "paused"])
def test_what_a_broadcast_waits_for_is_shown(
    ok: Callable[..., str], ok_json: Callable[..., Any], state: str
) -> None:
    channel = factory.channel("news")
    factory.people(channel, 2)
    number = str(factory.sending([channel]).pk)
    assert ok_json("broadcasts", "show", number)["waits_for"] == []
    now = clock.now()
    if state == "active":
        until = now + timedelta(hours=2.8)
        Channel.objects.update(waits_since=now, waits_until=until, waits_reason="Too many.")
    else:
        Channel.objects.update(state="paused", paused_at=now, paused_reason="No such token.")

    (one,) = ok_json("broadcasts", "show", number)["waits_for"]
    assert (one["channel"], bool(one["until"])) == ("news", state == "active")
    assert one["state"] == ("waiting" if state == "active" else "paused")
    shown = ok("broadcasts", "show", number)
    assert f"channel news is {one['state']}, since {now:%Y-%m-%d %H:%M}" in shown
    assert one["reason"] in shown
    assert "clarion channel resume news" in shown
    assert "waiting" in ok("broadcasts", "list", "--section", "active")


def test_a_broadcast_that_waits_for_its_webhook_is_shown_and_resumed(
    ok: Callable[..., str], ok_json: Callable[..., Any]
) -> None:
    channel = factory.channel("news")
    factory.people(channel, 2)
    broadcast = factory.sending([channel])
    waits.wait(broadcast.pk, "The story's webhook answered 503.")
    number = str(broadcast.pk)

    (one,) = ok_json("broadcasts", "show", number)["waits_for"]
    shown = ok("broadcasts", "show", number)
    ok("broadcasts", "resume", number)

    assert (one["channel"], one["reason"]) == (None, "The story's webhook answered 503.")
    assert "the story's webhook, since" in shown
    assert f"clarion broadcasts resume {number}" in shown
    assert ok_json("broadcasts", "show", number)["waits_for"] == []


def test_a_scheduled_broadcast_shows_its_own_zone_and_its_recipients(
    ok: Callable[..., str], ok_json: Callable[..., Any], clarion: Callable[..., Any]
) -> None:
    channel = factory.channel("news")
    factory.people(channel, 2)
    said = clarion(
        "send", "--channel", "news", "--all", "--text", "Hi", "--at", "2999-12-24T09:30",
        "--tz", "Asia/Tokyo",
    ).stderr  # fmt: skip
    (one,) = ok_json("broadcasts", "list", "--section", "scheduled")
    listed = ok("broadcasts", "list", "--section", "scheduled")
    shown = ok("broadcasts", "show", str(one["id"]))

    assert (one["expected"], one["total"]) == (2, 0)
    for text in (said, listed, shown):
        assert "2999-12-24 09:30 Asia/Tokyo" in text


def test_f7_remove_asks_and_needs_a_manager(
    running: str, ok: Callable[..., str], refused: Callable[..., str], misused: Callable[..., str]
) -> None:
    ok("broadcasts", "stop", running)
    while lifecycle.cancel_remaining():
        pass
    factory.agent("manager", "Mia")
    factory.agent("sender", "Sam")
    assert "Name the manager" in misused("broadcasts", "remove", running, "--yes")
    assert "Only a manager" in refused("broadcasts", "remove", running, "--yes", "--as", "Sam")
    said = ok("broadcasts", "remove", running, "--as", "Mia", stdin="y\n")
    assert "Delete 1 broadcast with 3 recipients and 2 records?" in said
    assert "Deleted 1 broadcast with 3 recipients" in said
    assert "There is no broadcast" in refused("broadcasts", "show", running)


def test_e3_edit_makes_a_draft_of_a_live_one(
    people: str, ok_json: Callable[..., Any], ok: Callable[..., str]
) -> None:
    live = ok_json("send", "--channel", people, "--all", "--text", "Hi", "--external")
    draft = ok_json("broadcasts", "edit", str(live["id"]))
    assert draft["state"] == "draft"
    ok("drafts", "edit", str(draft["id"]), "--text", "Bye")
    assert ok_json("broadcasts", "show", str(live["id"]))["text"] == "Hi"
    changed = ok_json("drafts", "send", str(draft["id"]))
    assert (changed["id"], changed["text"], changed["state"]) == (live["id"], "Bye", "live")
    ok("broadcasts", "stop", str(live["id"]))
    assert ok("broadcasts", "restart", str(live["id"])).endswith("is live again.\n")
