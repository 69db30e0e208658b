"""Broadcasts of every type, from the draft to their numbers."""

import json
from typing import Any

import pytest

from api.conftest import MakeToken, Program
from api.test_foundation import problem
from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from clarion.clicks.links import count_opens
from clarion.clicks.models import OPENED
from clarion.clicks.store import Visit, store
from clarion.engine.dry_runs import running
from clarion.kit import clock
from clarion.segments.conditions import Condition
from clarion.segments.manage import define
from support import factory

TEXT = {"type": "text", "text": "Hello {{ contact.name }}"}


def draft(call: Program, channel: Channel, **more: Any) -> dict[str, Any]:
    """A complete draft to everybody on a channel."""
    body = {
        "title": "Spring", "content": TEXT, "channel_ids": [channel.pk],
        "audience": {"kind": "all"}, "when": {"type": "now"},
    }  # fmt: skip
    made: dict[str, Any] = call.ok("POST", "/broadcasts", body | more)
    return made


def test_a_draft_tells_what_it_costs(call: Program) -> None:
    channel = factory.channel(
        "sms", "twilio", account_sid="AC" + "0" * 32, auth_token="t", sender="12345",
        currency="EUR", price="0.06",
    )  # fmt: skip
    factory.address(channel, "491511234567", "Anna")
    made = draft(call, channel, content={"type": "text", "text": "a" * 161})
    counted = call.ok("GET", f"/broadcasts/{made['id']}/audience")
    assert counted["costs"] == [
        {
            "channel_id": channel.pk, "contacts": 1, "units": 2, "unit": "SMS", "units_each": 2,
            "detail": "153 + 8 characters", "price": "0.12", "currency": "EUR", "category": "",
            "groups": [
                {"calling_code": "", "contacts": 1, "price": "0.06", "free": False},
            ],
            "estimated": False,
        }
    ]  # fmt: skip


def test_another_text_keeps_its_format(call: Program) -> None:
    channel = factory.channel("news", "email")
    html = {"type": "text", "text": "<p>Hi</p>", "format": "html"}
    path = f"/broadcasts/{draft(call, channel, content=html)['id']}"
    changed = {"content": {"type": "text", "text": "<p>Hello</p>"}}
    assert call.ok("PATCH", path, changed, If_Match="*")["content"]["format"] == "html"


def test_a_broadcast_is_drafted_checked_counted_and_sent(call: Program, channel: Channel) -> None:
    people = factory.people(channel, 3)
    empty = call("POST", "/broadcasts", {"title": "Spring"})
    path = empty["Location"].removeprefix("/api/v1")
    parts = {item["part"] for item in call.ok("GET", f"{path}/problems")["items"]}
    assert parts == {"channels", "content", "audience"}

    more = {"content": TEXT, "channel_ids": [channel.pk], "audience": {"kind": "all"}}
    edited = call("PATCH", path, more, If_Match=empty["ETag"])
    assert edited.status_code == 200, edited.content
    assert call("PATCH", path, {"title": "X"}, If_Match=empty["ETag"]).status_code == 412
    assert call.ok("GET", f"{path}/problems")["items"] == []
    counted = call.ok("GET", f"{path}/audience")
    assert (counted["total"], counted["by_channel"]) == (3, {str(channel.pk): 3})
    assert counted["costs"] == []
    seen = call.ok("GET", f"{path}/preview?chat_number={people[1].pk}")
    assert seen["messages"] == ["Hello Person 1"]

    started = call.ok("POST", f"{path}/start", {"undo_seconds": 60})
    assert (started["state"], started["sent_by"]) == ("scheduled", "API token Shop")
    assert "undo" in started["actions"]
    again = call("POST", f"{path}/start", {})
    assert problem(again)["code"] == "refused"
    assert call.ok("POST", f"{path}/undo")["state"] == "draft"
    copy = call.ok("POST", f"{path}/duplicate")
    assert copy["title"] == "Copy of Spring"
    assert call.ok("POST", "/broadcasts/delete-drafts", {"ids": [copy["id"]]}) == {"deleted": 1}
    assert call("DELETE", path, If_Match="*").status_code == 204
    assert not Broadcast.objects.exists()


def test_what_only_e_mails_have(call: Program) -> None:
    mail = factory.channel("Mail", "email")
    person = factory.address(mail, "dana@x.example", "Dana")
    head = {"preheader": "For {{ contact.name }}", "reply_to": "x"}
    created = draft(call, mail, mail=head)
    path = f"/broadcasts/{created['id']}"
    assert created["mail"] == head
    (item,) = call.ok("GET", f"{path}/problems")["items"]
    assert item["part"] == "mail"
    assert call.ok("PATCH", path, {"mail": {"reply_to": ""}}, If_Match="*")["mail"] == {
        "preheader": head["preheader"]
    }
    seen = call.ok("GET", f"{path}/preview?chat_number={person.pk}")
    assert seen["head"] == {"title": "Spring", "preheader": "For Dana"}


def test_a_start_is_repeated_safely(call: Program, channel: Channel) -> None:
    factory.people(channel, 1)
    path = f"/broadcasts/{draft(call, channel)['id']}/start"
    first = call("POST", path, {}, Idempotency_Key="k")
    again = call("POST", path, {}, Idempotency_Key="k")
    assert first.status_code == again.status_code == 200
    assert first.content == again.content


@pytest.mark.parametrize(
    ("when", "state"),
    [
        ({"type": "scheduled", "at": "2099-01-01T09:00:00+01:00"}, "scheduled"),
        ({"type": "periodic", "recurrence": {"every": "day", "at": "09:00"}}, "live"),
        ({"type": "trigger", "trigger": {"on": "tag", "tag": "vip", "delay": 60}}, "live"),
        ({"type": "trigger", "trigger": {"on": "event", "event": "paid", "delay": 60}}, "live"),
        ({"type": "external"}, "live"),
    ],
)
def test_every_type_is_started(
    call: Program, channel: Channel, when: dict[str, Any], state: str
) -> None:
    factory.people(channel, 2)
    made = draft(call, channel, when=when)
    assert made["when"]["type"] == when["type"]
    started = call.ok("POST", f"/broadcasts/{made['id']}/start", {})
    assert started["state"] == state


def test_an_external_broadcast_is_run_and_a_trigger_fired(call: Program, channel: Channel) -> None:
    factory.people(channel, 2)
    external = draft(call, channel, when={"type": "external"})
    path = f"/broadcasts/{external['id']}"
    assert call.ok("GET", f"{path}/url") == {"url": ""}
    call.ok("POST", f"{path}/start", {})
    url = call.ok("GET", f"{path}/url")["url"]
    assert url.endswith(Broadcast.objects.get().secret["token"])
    run = call.ok("POST", f"{path}/runs", {"users": ["u1"]}, Idempotency_Key="r")
    assert call.ok("POST", f"{path}/runs", {"users": ["u1"]}, Idempotency_Key="r") == run
    assert len(call.ok("GET", f"{path}/runs")["items"]) == 1
    assert call.ok("POST", f"{path}/rotate-url")["url"] != url
    assert problem(call("POST", f"{path}/runs", {"users": "some"}))["code"] == "refused"

    event = {"type": "trigger", "trigger": {"on": "event", "event": "paid", "delay": 60}}
    trigger = draft(call, channel, when=event)
    path = f"/broadcasts/{trigger['id']}"
    call.ok("POST", f"{path}/start", {})
    assert call("POST", f"{path}/events", {"user": "u1"}).status_code == 202
    assert call("POST", f"{path}/runs", {"users": ["u1"]}).status_code == 404


def test_controls(call: Program, channel: Channel) -> None:
    factory.people(channel, 3)
    path = f"/broadcasts/{factory.sending([channel]).pk}"
    assert call.ok("POST", f"{path}/pause", {"reason": "Typo"})["state_reason"] == "Typo"
    assert problem(call("POST", f"{path}/pause", {}))["code"] == "conflict"
    assert call.ok("POST", f"{path}/rate", {"rate": 2.5})["rate"] == 2.5
    assert call.ok("POST", f"{path}/resume")["state"] == "sending"
    assert problem(call("POST", f"{path}/release", {}))["code"] == "conflict"
    assert call.ok("POST", f"{path}/stop", {})["state"] == "stopped"
    assert call.ok("GET", f"{path}/leftover") == {"failed": 0, "unsent": 3, "in_doubt": 0}
    restarted = call.ok("POST", f"{path}/restart", {"undo_seconds": 0})
    assert restarted["restart_of_id"] == int(path.rpartition("/")[2])
    assert call("DELETE", path, If_Match="*").status_code == 409


def test_a_finished_broadcast_is_removed_with_its_records(call: Program, channel: Channel) -> None:
    factory.people(channel, 1)
    broadcast = factory.sending([channel])
    factory.settle_all(channel)
    Broadcast.objects.filter(pk=broadcast.pk).update(
        state="completed", finished_at=broadcast.started_at
    )
    assert call("POST", f"/broadcasts/{broadcast.pk}/remove").status_code == 204
    assert call("GET", f"/broadcasts/{broadcast.pk}").status_code == 404


def test_deliveries_records_and_numbers(call: Program, channel: Channel) -> None:
    people = factory.people(channel, 3)
    broadcast = factory.sending([channel])
    factory.settle_each(channel, ["sent", "failed", "in_doubt"])
    path = f"/broadcasts/{broadcast.pk}"

    listed = call.ok("GET", f"{path}/deliveries")["items"]
    assert {item["state"] for item in listed} == {"sent", "failed", "in_doubt"}
    [failed] = call.ok("GET", f"{path}/deliveries?state=failed")["items"]
    assert failed["error"] == "The receiver answered 500 (server error)."
    one = call.ok("GET", f"/deliveries/{failed['id']}")
    assert [record["status"] for record in one["records"]] == ["error"]
    assert one["records"][0]["attempted"]

    page = call.ok("GET", "/records?limit=2")
    rest = call.ok("GET", f"/records?limit=2&cursor={page['next']}")
    assert len(page["items"]) + len(rest["items"]) == 3
    errors = call.ok("GET", f"/records?status=error&broadcast={broadcast.pk}")["items"]
    assert len(errors) == 2
    detail = call.ok("GET", f"/records/{errors[0]['id']}")
    assert detail["delivery"]["id"] == errors[0]["delivery_id"]
    wrong = problem(call("GET", "/records?responses=x"))
    assert wrong["errors"][0]["field"] == "responses"
    assert problem(call("GET", "/records?channel=nothing"))["errors"][0]["field"] == "channel"

    assert call.ok("GET", "/clicks?clicked_by=person")["items"] == []
    assert problem(call("GET", "/clicks?link=99"))["errors"][0]["field"] == "link"
    assert call.ok("GET", f"{path}/reconcile")["ok"]
    assert call.ok("GET", path)["counts"]["failed"] == 1
    assert call.ok("GET", f"{path}/analytics")["total"]["sent"] == 1
    assert call.ok("GET", "/analytics?range=24h")["total"]["failed"] == 1
    assert call.ok("GET", f"{path}/latency")["total"]["messages"] == 1
    assert call.ok("GET", f"{path}/errors")["errors"][0]["recipients"] == 2
    assert call.ok("GET", f"{path}/activity?group=errors")["items"][0]["kind"] == "errors"
    ways = call.ok("GET", f"{path}/why?contact_id={people[0].contact_id}")["ways"]
    assert ways[0]["verdict"]
    assert call.ok("GET", "/broadcasts?section=active&q=Spring")["items"][0]["id"] == broadcast.pk
    assert call.ok("GET", "/broadcasts?section=drafts")["items"] == []
    assert {item["kind"] for item in call.ok("GET", "/concerns")["items"]} >= {"in_doubt"}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"channel_ids": [99]}, "channel_ids.0"),
        ({"content": {"type": "story", "story_id": 99}}, "content.story_id"),
        ({"content": {"type": "poem"}}, "content"),
        ({"audience": {"kind": "segments", "segment_ids": [99]}}, "audience.segment_ids.0"),
        ({"when": {"type": "scheduled", "at": "tomorrow"}}, "when.scheduled.at"),
        ({"code_pool_id": 99}, "code_pool_id"),
        ({"rate": 0}, "rate"),
    ],
)
def test_what_is_wrong_with_a_draft_names_its_field(
    call: Program, db: None, fields: dict[str, Any], field: str
) -> None:
    answer = call("POST", "/broadcasts", fields)
    assert [error["field"] for error in problem(answer)["errors"]] == [field]


def test_contacts_are_chosen_one_by_one(call: Program, channel: Channel) -> None:
    people = factory.people(channel, 3)
    audience = {"kind": "contacts", "chat_numbers": [people[0].pk], "user_ids": ["u2"]}
    made = draft(call, channel, audience=audience)
    assert call.ok("GET", f"/broadcasts/{made['id']}/audience")["total"] == 2
    unknown = {"kind": "contacts", "user_ids": ["nobody"]}
    answer = call("PATCH", f"/broadcasts/{made['id']}", {"audience": unknown}, If_Match="*")
    assert "nobody" in problem(answer)["detail"]


def test_a_live_broadcast_is_edited_in_a_draft(call: Program, channel: Channel) -> None:
    factory.people(channel, 1)
    live = draft(call, channel, when={"type": "external"})
    call.ok("POST", f"/broadcasts/{live['id']}/start", {})
    edit = call.ok("POST", f"/broadcasts/{live['id']}/edit")
    assert edit["edit_of_id"] == live["id"]
    call.ok("PATCH", f"/broadcasts/{edit['id']}", {"title": "New"}, If_Match="*")
    path = f"/broadcasts/{edit['id']}/start"
    applied = call("POST", path, {}, Idempotency_Key="k")
    shown = json.loads(applied.content)
    assert (shown["id"], shown["title"]) == (live["id"], "New")
    # The draft is gone now, the answer is not.
    again = call("POST", path, {}, Idempotency_Key="k")
    assert (again.status_code, again.content) == (200, applied.content)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_that_some_time_zones_lack_is_refused(call: Program, at: str) -> None:
    scheduled = call("POST", "/broadcasts", {"when": {"type": "scheduled", "at": at}})
    assert "9998" in problem(scheduled)["detail"]
    given = call("POST", "/consents/1/give", {"contact_ids": [1], "at": at})
    assert "9998" in problem(given)["detail"]


def test_a_test_is_sent(call: Program, channel: Channel) -> None:
    [person] = factory.people(channel, 1)
    made = draft(call, channel)
    answer = call("POST", f"/broadcasts/{made['id']}/test", {"chat_number": person.pk})
    assert answer.status_code == 202
    message = json.loads(answer.content)
    status = call.ok("GET", message["status_url"].removeprefix("/api/v1"))
    assert status["delivery"]["state"] == "queued"
    wrong = call("POST", f"/broadcasts/{made['id']}/test", {"chat_number": 999_999})
    assert problem(wrong)["errors"][0]["field"] == "chat_number"


def test_a_dry_run_is_started_read_and_cancelled(call: Program, channel: Channel) -> None:
    factory.people(channel, 2)
    factory.address(channel, "x1", "Ben", state="blocked")
    text = "Hello {{ contact.city }} http://127.0.0.1:9/"
    made = draft(call, channel, content={"type": "text", "text": text})
    path = f"/broadcasts/{made['id']}/dry-run"
    assert call("GET", path).status_code == 404
    started = call("POST", path, Idempotency_Key="once")
    assert (started.status_code, started["Location"]) == (202, f"/api/v1{path}")
    assert json.loads(started.content)["state"] == "waiting"
    assert running.run_next(1, lambda: False)

    report = call.ok("GET", path)
    assert (report["state"], report["checked"], report["would_be_sent"]) == ("done", 3, 2)
    assert [(group["kind"], group["detail"], group["contacts"]) for group in report["groups"]] == [
        ("ready", "", 2),
        ("left_out", "blocked", 1),
    ]
    private = "It leads to a private address, which is not checked."
    assert report["links"] == [
        {"url": "http://127.0.0.1:9/", "result": "unchecked", "detail": private}
    ]
    listed = f"{path}/contacts?group_id={report['groups'][0]['id']}&limit=1"
    first = call.ok("GET", listed)
    second = call.ok("GET", f"{listed}&cursor={first['next']}")
    names = {item["name"] for item in first["items"] + second["items"]}
    assert (names, second["next"]) == ({"Person 0", "Person 1"}, None)
    assert call.ok("POST", f"{path}/cancel")["state"] == "done", "it has ended already"
    call.ok("POST", path, Idempotency_Key="twice")
    assert call.ok("POST", f"{path}/cancel")["state"] == "cancelled"


def test_very_many_recipients_are_confirmed(call: Program, channel: Channel, settings: Any) -> None:
    factory.people(channel, 3)
    settings.CLARION = settings.CLARION.model_copy(update={"confirm_recipients": 3})
    draft = factory.draft([channel])
    path = f"/broadcasts/{draft.pk}/start"
    refused = problem(call("POST", path, {}))
    assert refused["code"] == "conflict"
    assert "3 recipients" in refused["detail"]
    assert call.ok("GET", f"/broadcasts/{draft.pk}")["state"] == "draft"
    assert call.ok("POST", path, {"confirm_large": True})["state"] == "scheduled"


def test_names_are_shown_to_those_who_may_read_contacts(
    make_token: MakeToken, channel: Channel
) -> None:
    [person] = factory.people(channel, 1)
    draft = factory.draft([channel])
    segment = define(name="Berlin", conditions=[Condition.parse("city=Berlin")], by=factory.BY)
    scopes = ["broadcasts:read", "segments:read"]
    without = Program(make_token(scopes, name="without"))
    reader = Program(make_token([*scopes, "contacts:read"], name="reader"))
    audience, counted = f"/broadcasts/{draft.pk}/audience", f"/segments/{segment.pk}/count"
    preview = f"/broadcasts/{draft.pk}/preview"

    for path in (audience, counted):
        assert without.ok("GET", path)["sample"] == []
        assert reader.ok("GET", path)["sample"] == ["Person 0"]
    assert reader.ok("GET", preview)["messages"] == ["Hello Person 0"]
    shown = without.ok("GET", preview)
    assert (shown["chat_number"], shown["problems"]) == (None, [])
    assert "Person 0" not in shown["messages"][0]
    refused = without("GET", f"{preview}?chat_number={person.pk}")
    assert problem(refused)["code"] == "insufficient_scope"


def test_i6_opens_and_clicks_are_chosen_counted_and_listed(call: Program) -> None:
    mail = factory.channel("Mail", "email")
    made = draft(call, mail, track_opens=True)
    assert (made["track_opens"], made["track_clicks"]) == (True, False)
    assert (made["opened"], made["clicked"]) == (0, None)
    path = f"/broadcasts/{made['id']}"
    problems = call.ok("GET", f"{path}/problems")["items"]
    assert any("public URL" in item["detail"] for item in problems), problems
    delivery = factory.delivery(
        Broadcast.objects.get(), factory.address(mail, "anna@x.example", "Anna")
    )
    count_opens(made["id"])
    store([Visit(delivery.pk, OPENED, factory.START + 60 * clock.SECOND)])
    (opened,) = call.ok("GET", "/clicks?event=open")["items"]
    assert (opened["event"], opened["link_id"], opened["clicked_by"]) == ("open", None, "person")
    assert call.ok("GET", "/clicks")["items"] == []
    assert call.ok("GET", path)["opened"] == 1
