"""External broadcasts: calls become runs, answered with what will happen."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from clarion.broadcasts import calls, control, external
from clarion.broadcasts.call_data import checked_data
from clarion.broadcasts.errors import CallError, KeyReused, NotLive, TooOften
from clarion.broadcasts.models import Broadcast, ExternalCall, Firing
from clarion.broadcasts.query import Audience
from clarion.channels.models import Channel
from clarion.contacts import addresses, tags
from clarion.engine import lifecycle
from clarion.kit import clock
from support import factory

pytestmark = pytest.mark.django_db


def live(*channels: Channel, **fields: Any) -> Broadcast:
    return factory.live(channels, **({"type": "external"} | fields))


def test_c5_a_call_is_a_run_to_the_users_it_names(channel: Channel) -> None:
    people = factory.people(channel, 3)
    addresses.mark(people[1].pk, "opted_out", clock.now())
    broadcast = live(channel, title="Order", text="{{ data.order }}")
    answer = external.launch_call(
        broadcast,
        {"platform": "webhook", "users": ["u0", "u1", "zz", "u0", 7], "data": {"order": "A1"}},
    )
    run = Broadcast.objects.get(pk=answer["broadcast"])
    assert answer == {
        "broadcast": run.pk,
        "known": 2,
        "unknown": ["zz", "7"],
        "unknown_count": 2,
        "will_get": 1,
        "skipped": {"opted_out": 1},
    }
    assert (run.type, run.state, run.parent, run.priority) == (
        "external",
        "scheduled",
        broadcast,
        1,
    )
    assert (run.title, run.data, run.is_live) == ("Order", {"order": "A1"}, False)
    lifecycle.start_due()
    factory.expand(run)
    assert factory.states(run) == {"queued": 1, "skipped": 1}
    broadcast.refresh_from_db()
    assert (broadcast.state, broadcast.total) == ("live", 0)


def test_c5_everyone_is_the_audience_of_the_broadcast(channel: Channel) -> None:
    people = factory.people(channel, 4)
    tags.assign(["vip"], [one.contact_id for one in people[:3]], by=factory.BY)
    tags.assign(["tired"], [people[0].contact_id], by=factory.BY)
    chosen = Audience(kind="tags", tags=["vip"], without_tags=["tired"])
    broadcast = live(channel, audience=chosen)
    everyone = external.launch_call(broadcast, {"users": "everyone"})
    assert everyone["known"] == 3
    assert everyone["will_get"] == 2
    assert everyone["skipped"] == {"excluded_tag": 1}
    assert Broadcast.objects.get(pk=everyone["broadcast"]).priority == 0
    # Users that are named need not have its tags, but its exclusions hold for them too.
    named = external.launch_call(broadcast, {"users": ["u0", "u3"]})
    assert (named["will_get"], named["skipped"]) == (1, {"excluded_tag": 1})


def test_c5_everyone_of_a_broadcast_to_people_picked_by_hand(channel: Channel) -> None:
    people = factory.people(channel, 3)
    by_hand = Audience(kind="picks", picked_from="hand")
    broadcast = live(channel, audience=by_hand, picks=[people[1].pk])
    assert external.launch_call(broadcast, {"users": "everyone"})["will_get"] == 1


def test_c5_nobody_known_is_no_run(channel: Channel) -> None:
    broadcast = live(channel)
    answer = external.launch_call(broadcast, {"users": [f"x{n}" for n in range(150)]}, "k")
    assert answer["broadcast"] is None
    assert (answer["known"], answer["unknown_count"], len(answer["unknown"])) == (0, 150, 100)
    assert external.launch_call(broadcast, {"users": [f"x{n}" for n in range(150)]}, "k") == answer
    assert not broadcast.runs.exists()


def test_c5_many_people_are_not_urgent(channel: Channel) -> None:
    factory.people(channel, 101)
    broadcast = live(channel)
    for count, priority in ((100, 1), (101, 0)):
        users = [f"u{n}" for n in range(count)]
        run = external.launch_call(broadcast, {"users": users})["broadcast"]
        assert Broadcast.objects.get(pk=run).priority == priority


def test_c5_the_platform_chooses_among_the_channels(channel: Channel) -> None:
    post = factory.channel("post", "email")
    broadcast = live(channel, post)
    factory.people(channel, 1, prefix="ann@clarion.example")
    for body in ({}, {"platform": "telegram"}, {"platform": ["email"]}):
        with pytest.raises(CallError, match="Give “platform” as one of: email, webhook"):
            external.launch_call(broadcast, {"users": ["u0"], **body})
    with pytest.raises(CallError, match="There is no such channel here"):
        external.launch_call(broadcast, {"users": ["u0"], "channel": "other"})
    answer = external.launch_call(broadcast, {"users": ["Ann@Clarion.example"], "channel": "post"})
    assert answer["unknown"] == ["Ann@Clarion.example"]
    factory.people(post, 1, prefix="Ann@clarion.example")  # the factory appends a number
    answer = external.launch_call(
        broadcast, {"users": ["Ann@CLARION.example0"], "platform": "email"}
    )
    assert answer["unknown_count"] == 1  # no domain ends in a number


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "Give “users” as a list of user ids"),
        ({"users": []}, "Give “users” as a list of user ids"),
        ({"users": "u0"}, 'or as "everyone".'),
        ({"users": [None]}, "Give “users” as a list of user ids"),
        ({"users": [True]}, "Give “users” as a list of user ids"),
        ({"users": [["u0"]]}, "Give “users” as a list of user ids"),
        ({"users": ["u0"], "text": "Hi"}, "“text” is no field of a call. Leave it out."),
        ({"users": ["u0"], "data": []}, "“data” must be an object"),
        ({"users": ["u0"], "data": {"a": "x" * 65_536}}, "“data” may be 64 KiB at most."),
        ({"users": ["u0"], "data": {"a": float("inf")}}, "“data” has a value that can't be"),
        ({"users": ["u0"], "data": {"a": "\ud800"}}, "“data” has a value that can't be"),
        ({"users": ["u0"], "data": {"a\x00": 1}}, "“data” has a NUL character"),
        ({"users": ["u0"], "data": {}}, "The message needs “data.code”. Give it in “data”."),
    ],
)
def test_c5_a_wrong_call_is_refused_with_a_sentence(
    channel: Channel, body: dict[str, Any], says: str
) -> None:
    factory.people(channel, 1)
    broadcast = live(channel, text="{{ data.code }} {{ data.more | default('') }}")
    with pytest.raises(CallError) as refused:
        external.launch_call(broadcast, {"data": {"code": "A1"}, **body})
    assert says in str(refused.value)
    assert not broadcast.runs.exists()
    assert not ExternalCall.objects.exists()


def test_a_body_that_is_nested_too_deep_is_refused(channel: Channel) -> None:
    deep: Any = []
    for _ in range(900):
        deep = [deep]
    with pytest.raises(CallError, match="nested more than 30 levels"):
        external.launch_call(live(channel), {"users": ["u0"], "data": {"a": deep}})
    with pytest.raises(CallError, match="nested more than 30 levels"):
        checked_data({"a": deep})
    assert checked_data({"a": [[[{"b": []}]]]}) == {"a": [[[{"b": []}]]]}


def test_c5_odd_user_ids_are_unknown_and_named(channel: Channel) -> None:
    answer = external.launch_call(live(channel), {"users": ["a\x00b", "\ud800", "", "x" * 9_999]})
    assert answer["unknown_count"] == 4
    assert answer["unknown"][:3] == ["ab", "?", ""]


def test_c5_a_repeated_key_is_answered_the_same_and_does_nothing(channel: Channel) -> None:
    factory.people(channel, 1)
    broadcast = live(channel)
    body = {"users": ["u0"], "data": {"a": 1, "b": 2}}
    first = external.launch_call(broadcast, body, "key-1")
    control.pause(broadcast, by=factory.BY)
    assert external.launch_call(
        broadcast, {"data": {"b": 2, "a": 1}, "users": ["u0"]}, "key-1"
    ) == (first)
    assert broadcast.runs.count() == 1
    with pytest.raises(KeyReused, match="came with another body"):
        external.launch_call(broadcast, {"users": ["u1"]}, "key-1")
    for key in ("", "x" * 256):
        with pytest.raises(CallError, match="1 to 255 characters"):
            external.launch_call(broadcast, body, key)


def test_c5_a_key_belongs_to_one_broadcast(channel: Channel) -> None:
    factory.people(channel, 1)
    for broadcast in (live(channel), live(channel)):
        external.launch_call(broadcast, {"users": ["u0"]}, "same")
        assert broadcast.runs.count() == 1


@pytest.mark.django_db(transaction=True)
def test_c5_the_same_key_twice_at_the_same_time_is_one_run(channel: Channel) -> None:
    factory.people(channel, 1)
    broadcast = live(channel)

    def call(_: int) -> dict[str, Any]:
        with closing(connection):
            return external.launch_call(broadcast, {"users": ["u0"]}, "key")

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(call, range(6)))
    assert broadcast.runs.count() == 1
    assert all(answer == answers[0] for answer in answers)


def test_c5_paused_and_stopped_ones_take_no_calls(channel: Channel) -> None:
    broadcast = live(channel)
    control.pause(broadcast, by=factory.BY)
    with pytest.raises(NotLive, match="This broadcast is paused"):
        external.launch_call(broadcast, {"users": "everyone"})
    control.stop(broadcast, by=factory.BY)
    with pytest.raises(NotLive, match="This broadcast is stopped"):
        external.launch_call(broadcast, {"users": "everyone"})


def test_c5_calls_are_limited_by_the_minute(
    channel: Channel, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CLARION = settings.CLARION.model_copy(update={"external_per_minute": 3})
    factory.people(channel, 1)
    broadcast, other = live(channel), live(channel)
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    for number in range(3):
        external.launch_call(broadcast, {"users": ["u0"]}, str(number))
    oldest = ExternalCall.objects.earliest("pk")
    ExternalCall.objects.filter(pk=oldest.pk).update(at=now - timedelta(seconds=20))
    with pytest.raises(TooOften) as refused:
        external.launch_call(broadcast, {"users": ["u0"]})
    assert refused.value.retry_after == 40
    external.launch_call(broadcast, {"users": ["u0"]}, "0")  # a repeated one is no new call
    external.launch_call(other, {"users": ["u0"]})
    ExternalCall.objects.filter(pk=oldest.pk).update(at=now - timedelta(seconds=61))
    external.launch_call(broadcast, {"users": ["u0"]})


def test_c5_old_calls_are_forgotten(channel: Channel) -> None:
    factory.people(channel, 1)
    broadcast = live(channel)
    external.launch_call(broadcast, {"users": ["u0"]}, "old")
    ExternalCall.objects.update(at=clock.now() - timedelta(days=31))
    external.launch_call(broadcast, {"users": ["u0"]}, "new")
    assert [call.key for call in ExternalCall.objects.all()] == ["new"]


def test_c5_the_secret_can_be_changed(channel: Channel) -> None:
    broadcast = live(channel)
    before = broadcast.secret["token"]
    assert calls.find("external", broadcast.pk, before) == broadcast
    assert calls.path(broadcast) == f"/hooks/external/{broadcast.pk}/{before}"
    calls.rotate(broadcast, by=factory.BY)
    after = broadcast.secret["token"]
    assert calls.find("external", broadcast.pk, before) is None
    assert calls.find("external", broadcast.pk, after) == broadcast
    assert calls.find("trigger", broadcast.pk, after) is None
    assert calls.find("external", 2**70, after) is None
    draft = factory.draft([channel])
    with pytest.raises(CallError, match="has no URL"):
        calls.rotate(draft, by=factory.BY)
    assert calls.find("broadcast", draft.pk, "") is None
    assert calls.url(draft) == ""


def test_c5_what_was_previewed_is_what_goes(channel: Channel) -> None:
    factory.people(channel, 1)
    broadcast = live(channel, end_open_chats=True, rate=5.0, time_zone="Europe/Berlin")
    run = Broadcast.objects.get(pk=external.launch_call(broadcast, {"users": ["u0"]})["broadcast"])
    for field in ("text", "end_open_chats", "rate", "time_zone", "agent", "weight"):
        assert getattr(run, field) == getattr(broadcast, field)
    assert run.secret == {}


def test_c4_a_call_of_a_trigger_fires_it_for_its_users(channel: Channel) -> None:
    people = factory.people(channel, 3)
    event = {"on": "event", "event": "bought"}
    broadcast = live(channel, type="trigger", trigger=event, text="{{ data.item }}")
    other = live(channel, type="trigger", trigger=event)
    body = {"users": ["u0", "u1", "zz"], "data": {"item": "tea"}}
    assert external.event_call(broadcast, body, "k") == {
        "broadcast": broadcast.pk, "known": 2, "unknown": ["zz"], "unknown_count": 1, "fired": 2,
        "skipped": {},
    }  # fmt: skip
    external.event_call(broadcast, body, "k")
    control.pause(broadcast, by=factory.BY)
    again = external.event_call(broadcast, {"user": "u0", "data": {"item": "milk"}})
    assert (again["fired"], again["skipped"]) == (0, {"fired_before": 1})
    assert list(Firing.objects.order_by("contact").values_list("contact", "data")) == [
        (people[0].contact_id, {"item": "tea"}), (people[1].contact_id, {"item": "tea"}),
    ]  # fmt: skip
    assert not other.firings.exists()
    with pytest.raises(CallError, match="The message needs “data"):
        external.event_call(broadcast, {"user": "u2"})
    with pytest.raises(CallError, match="Give “users” as a list of user ids"):
        external.event_call(broadcast, {"users": "everyone", "data": {"item": "tea"}})


def test_c4_people_are_found_on_other_channels_too(channel: Channel) -> None:
    shop = factory.channel("shop")
    (person,) = factory.people(shop, 1, prefix="customer-")
    broadcast = live(channel, type="trigger", trigger={"on": "event", "event": "bought"})
    named = {"user": "customer-0", "channel": "shop"}
    assert external.event_call(broadcast, named)["fired"] == 1
    assert Firing.objects.get().contact_id == person.contact_id
    unnamed = external.event_call(broadcast, {"user": "customer-0"})
    assert (unnamed["fired"], unnamed["unknown"]) == (0, ["customer-0"])
