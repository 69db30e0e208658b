"""``clarion periodic``, ``triggers``, ``external``, ``event`` and ``tags``."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from clarion.broadcasts.models import Broadcast, Firing
from clarion.channels.manage import get_channel
from clarion.engine import fire, lifecycle
from clarion.kit import clock
from support import factory

pytestmark = pytest.mark.django_db
Json = Callable[..., Any]
Text = Callable[..., str]


def live(channel: str, **fields: Any) -> Broadcast:
    return factory.live([get_channel(channel)], title="Hi", text="Hello", **fields)


def test_c3_periodic_broadcasts_and_their_next_runs(people: str, ok: Text, ok_json: Json) -> None:
    assert ok("periodic", "list").startswith("There are no live periodic broadcasts.")
    # Half a day from now, so that no run comes due while it is asked for.
    at = f"{(datetime.now(ZoneInfo('Europe/Berlin')).hour + 12) % 24:02}:00"
    weekly = {"every": "week", "at": at, "days": [0, 3]}
    broadcast = live(people, recurrence=weekly, time_zone="Europe/Berlin")
    (listed,) = ok_json("periodic", "list")
    assert listed["id"] == broadcast.pk
    assert listed["when"] == f"Every Monday and Thursday at {at}, Europe/Berlin"
    assert listed["recurrence"]["days"] == [0, 3]
    assert (listed["state"], listed["runs"]) == ("live", 0)
    assert f"Every Monday and Thursday at {at}" in ok("periodic", "list")

    said = ok("periodic", "next", str(broadcast.pk), "--count", "3").splitlines()
    assert len(said) == 3
    assert all(line[:3] in {"Mon", "Thu"} and f" {at} +0" in line for line in said)
    moments = [
        datetime.fromisoformat(one) for one in ok_json("periodic", "next", str(broadcast.pk))
    ]
    assert moments[0] == datetime.fromisoformat(listed["next_run_at"])
    assert moments == sorted(moments)
    assert len(moments) == 5


def test_c3_a_periodic_one_is_paused_resumed_and_stopped(people: str, ok: Text) -> None:
    broadcast = live(people, recurrence={"every": "day", "at": "09:00"})
    number = str(broadcast.pk)
    ok("broadcasts", "pause", number)
    assert "paused" in ok("periodic", "list")
    ok("broadcasts", "resume", number)
    ok("broadcasts", "stop", number)
    assert ok("periodic", "list").startswith("There are no live periodic broadcasts.")


def test_c6_a_late_run_is_missed_and_sent_on_request(people: str, ok: Text, ok_json: Json) -> None:
    broadcast = live(people, recurrence={"every": "day", "at": "09:00"})
    due = clock.now() - timedelta(days=1, hours=3)
    Broadcast.objects.filter(pk=broadcast.pk).update(
        next_run_at=due, recurrence={"every": "day", "at": f"{due:%H:%M}"}
    )
    lifecycle.spawn_runs()
    lifecycle.start_due()
    run = broadcast.runs.get()
    shown = ok_json("broadcasts", "show", str(run.pk))
    assert shown["state"] == "missed"
    assert (
        "no worker was running. Send it now or delete it. 1 run before this one was left out"
        in (shown["state_reason"])
    )
    ok("broadcasts", "resume", str(run.pk))
    assert ok_json("broadcasts", "show", str(run.pk))["state"] == "scheduled"


def test_what_is_not_periodic_has_no_next_run(people: str, refused: Text) -> None:
    draft = factory.draft([get_channel(people)])
    said = refused("periodic", "next", str(draft.pk))
    assert said == f"Broadcast {draft.pk} is not periodic. List those with: clarion periodic list"
    assert refused("periodic", "next", "99999").startswith("There is no broadcast 99999.")


def test_c4_a_tag_by_hand_fires_a_trigger(people: str, ok: Text, ok_json: Json) -> None:
    assert ok("triggers", "list").startswith("There are no live triggers.")
    broadcast = live(people, type="trigger", trigger={"on": "tag", "tag": "vip"})
    assert "vip" in ok("tags", "list")
    on = ("--channel", people, "--user")
    assert ok("tags", "assign", "vip", *on, "1", "--user", "2") == ("2 tags assigned.\n")
    assert ok_json("tags", "assign", "vip", *on, "1") == {"assigned": 0}
    (listed,) = ok_json("triggers", "list")
    assert (listed["waiting"], listed["sent"], listed["dropped"]) == (2, 0, 0)
    assert listed["when"] == "1 minute after the tag “vip” is assigned, once per contact"
    assert listed["url"] == ""
    names = [one["name"] for one in ok_json("triggers", "firings", str(broadcast.pk))]
    assert sorted(names) == ["Ann", "Bo"]
    assert "Ann" in ok("triggers", "firings", str(broadcast.pk))

    Firing.objects.update(due_at=clock.now())
    assert fire.fire_due() == 2
    assert ok_json("broadcasts", "show", str(broadcast.pk))["queued"] == 2
    assert ok("tags", "remove", "vip", *on, "1") == "1 tag removed.\n"


def test_c4_an_import_that_gives_a_tag_fires_for_those_who_had_it_not(
    people: str, ok: Text, tmp_path: Path
) -> None:
    ok("tags", "assign", "vip", "--channel", people, "--user", "2")
    live(people, type="trigger", trigger={"on": "tag", "tag": "vip"})
    path = tmp_path / "vips.csv"
    path.write_text("id,name\n1,Ann\n2,Bo\n9,New\n")
    ok("contacts", "import", str(path), "--channel", people, "--tag", "vip", "--dry-run")
    assert not Firing.objects.exists()
    for _ in range(2):
        ok("contacts", "import", str(path), "--channel", people, "--tag", "vip")
    fired = Firing.objects.values_list("contact__name", flat=True)
    assert sorted(fired) == ["Ann", "New"]


def test_c4_an_event_on_the_command_line(people: str, ok: Text, ok_json: Json) -> None:
    broadcast = live(people, type="trigger", trigger={"on": "event", "event": "bought"})
    on = ("--channel", people, "--user")
    assert (
        ok("event", "bought", *on, "1", "--data", '{"item": "tea"}') == "1 trigger fired for 1.\n"
    )
    assert ok("event", "bought", *on, "1").startswith("No trigger fired for 1:")
    assert ok_json("event", "other", *on, "2")["fired"] == 0
    assert broadcast.firings.get().data == {"item": "tea"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--user", "77"), "No contact on news has the user id “77”."),
        (("--user", " "), "“ ” can't be a user id on news: the id is empty."),
        (("--user", "1", "--data", "[]"), "“data” must be an object, such as"),
        (("--user", "1", "--data", '{"a": NaN}'), "“data” has a value that can't be stored."),
        (("--user", "1", "--channel", "none"), "none"),
    ],
)
def test_a_wrong_event_is_refused(
    people: str, refused: Text, arguments: tuple[str, ...], says: str
) -> None:
    assert says in refused("event", "bought", "--channel", people, *arguments)


def test_data_that_is_no_json_is_wrong_usage(people: str, misused: Text) -> None:
    said = misused("event", "bought", "--channel", people, "--user", "1", "--data", "{")
    assert "Write a JSON object." in said


def test_c5_the_secret_url(people: str, ok: Text, ok_json: Json, refused: Text) -> None:
    broadcast = live(people, type="external")
    number = str(broadcast.pk)
    first = ok("external", "url", number).strip()
    assert first.startswith(f"/hooks/external/{number}/")
    second = ok_json("external", "url", number, "--rotate")["url"]
    assert second != first
    assert ok("external", "url", number).strip() == second
    draft = factory.draft([get_channel(people)])
    assert refused("external", "url", str(draft.pk)).startswith(
        f"Broadcast {draft.pk} has no URL. External broadcasts"
    )
    assert "has no URL" in refused("external", "url", str(draft.pk), "--rotate")


def test_c4_firings_survive_everything_but_their_moment(people: str, ok: Text) -> None:
    """They are rows alone: whatever process wrote them, another one sends."""
    broadcast = live(
        people, type="trigger", trigger={"on": "event", "event": "joined", "delay": 90 * 86_400}
    )
    ok("event", "joined", "--channel", people, "--user", "1")
    firing = broadcast.firings.get()
    assert timedelta(days=89) < firing.due_at - datetime.now(UTC) < timedelta(days=91)
    assert fire.fire_due() == 0
