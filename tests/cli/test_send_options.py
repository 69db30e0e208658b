"""``clarion send``: stories, templates, consents, and every way in which a broadcast leaves."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from clarion.broadcasts.models import Broadcast
from clarion.consents.models import Consent
from clarion.content import stories

pytestmark = pytest.mark.django_db
TEXT = ("--text", "Hello")


@pytest.fixture
def all_of(people: str) -> tuple[str, ...]:
    """The options for everyone there is."""
    return ("send", "--channel", people, "--all")


def test_b2_a_story_by_name_or_number(
    all_of: tuple[str, ...], ok: Callable[..., str], refused: Callable[..., str]
) -> None:
    blocks = [{"kind": "text", "text": "Hi {{ contact.name | default('you') }}"}]
    story = stories.create_story(name="Welcome", blocks=blocks, by="test")

    ok(*all_of, "--story", "Welcome")
    ok(*all_of, "--story", str(story.pk))

    for sent in Broadcast.objects.all():
        assert (sent.state, sent.data_type, sent.story) == ("scheduled", "story", story)
        assert sent.story_version == stories.newest(story)
    assert "There is no story “Farewell”." in refused(*all_of, "--story", "Farewell")


def test_b4_a_template_with_its_variables(
    all_of: tuple[str, ...], ok: Callable[..., str], refused: Callable[..., str]
) -> None:
    template = ("--template", "order_update", "--language", "en_US")
    ok(*all_of, *template, "--variable", "{{ contact.city }}", "--variable", "10 %")
    sent = Broadcast.objects.get()
    assert sent.data_type == "template"
    assert sent.template["variables"] == ["{{ contact.city }}", "10 %"]
    assert "Write the language of the template" in refused(*all_of, "--template", "x")
    assert "contact.cty" in refused(*all_of, *template, "--variable", "{{ contact.cty }}")
    assert Broadcast.objects.count() == 1


def test_a7_required_consents(
    all_of: tuple[str, ...], clarion: Callable[..., Any], refused: Callable[..., str]
) -> None:
    assert "There is no consent “News”" in refused(*all_of, *TEXT, "--consent", "News")
    Consent.objects.create(name="News")
    said = clarion(*all_of, *TEXT, "--consent", "News")
    assert "3 left out: have not given all required consents" in said.stderr


def test_g1_and_f5_end_open_chats_and_speed(
    all_of: tuple[str, ...], ok: Callable[..., str], refused: Callable[..., str]
) -> None:
    ok(*all_of, *TEXT, "--end-open-chats", "--rate", "2.5")
    sent = Broadcast.objects.get()
    assert (sent.end_open_chats, sent.rate) == (True, 2.5)
    assert "messages a second" in refused(*all_of, *TEXT, "--rate", "0")


def test_i6_track_clicks(
    all_of: tuple[str, ...],
    ok: Callable[..., str],
    refused: Callable[..., str],
    settings: Settings,
) -> None:
    link = ("--text", "See https://shop.example/")
    assert "no public URL" in refused(*all_of, *link, "--track-clicks")
    settings.CLARION = settings.CLARION.model_copy(update={"public_url": "https://c.example"})
    assert "no link that can be tracked" in refused(*all_of, *TEXT, "--track-clicks")
    ok(*all_of, *link, "--track-clicks")
    assert Broadcast.objects.get().track_clicks
    assert "no e-mail channel is chosen" in refused(*all_of, *TEXT, "--track-opens")


def test_c1_undo_seconds(all_of: tuple[str, ...], ok: Callable[..., str]) -> None:
    ok(*all_of, *TEXT, "--undo", "0")
    assert Broadcast.objects.get().state == "scheduled"


def test_c2_a_moment_in_a_zone(all_of: tuple[str, ...], ok: Callable[..., str]) -> None:
    ok(*all_of, *TEXT, "--at", "2099-07-01T10:00", "--tz", "Asia/Tokyo")
    assert Broadcast.objects.get().scheduled_at == datetime(2099, 7, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("options", "stored"),
    [
        (["--every", "day", "--at-clock", "9:00"], {"every": "day", "at": "09:00"}),
        (
            ["--every", "week", "--at-clock", "09:00", "--day", "thu", "--day", "Monday"],
            {"every": "week", "at": "09:00", "days": [0, 3]},
        ),
        (
            ["--every", "month", "--at-clock", "09:00", "--day", "last"],
            {"every": "month", "at": "09:00", "day": 31},
        ),
        (["--cron", "0 9 * * 1"], {"every": "cron", "cron": "0 9 * * 1"}),
    ],
)
def test_c3_again_and_again(
    all_of: tuple[str, ...],
    clarion: Callable[..., Any],
    options: list[str],
    stored: dict[str, Any],
) -> None:
    said = clarion(*all_of, *TEXT, *options, "--tz", "Europe/Berlin")
    live = Broadcast.objects.get()
    assert live.state == "live"
    assert live.time_zone == "Europe/Berlin"
    assert {name: live.recurrence[name] for name in stored} == stored
    assert "Europe/Berlin. Next run: 20" in said.stderr


def test_c4_when_something_happens(all_of: tuple[str, ...], clarion: Callable[..., Any]) -> None:
    text = ("--text", "Paid: {{ data.sum }}")
    options = ("--on-event", "paid", "--delay", "2h", "--at-clock", "08:00", "--again")
    conditions = ("city=Bonn", "city!=Rome", "city~B", "city", "!age", "tag:vip", "!tag:tired")
    only_if = [part for typed in conditions for part in ("--only-if", typed)]

    said = clarion(*all_of, *text, *options, *only_if)

    live = Broadcast.objects.get()
    assert (live.state, live.type) == ("live", "trigger")
    assert (live.trigger["delay"], live.trigger["at"], live.trigger["again"]) == (
        7_200,
        "08:00",
        True,
    )
    assert [one["is"] for one in live.trigger["conditions"]] == [
        "equals", "not", "contains", "set", "unset", "has", "has_not",
    ]  # fmt: skip
    assert "2 hours after the event “paid”" in said.stderr


def test_c4_on_a_tag(all_of: tuple[str, ...], ok: Callable[..., str]) -> None:
    ok(*all_of, *TEXT, "--on-tag", "vip")
    assert Broadcast.objects.get().trigger["tag"] == "vip"


def test_c5_when_it_is_called(all_of: tuple[str, ...], clarion: Callable[..., Any]) -> None:
    said = clarion(*all_of, "--text", "{{ data.x }}", "--external")
    live = Broadcast.objects.get()
    assert (live.state, live.type) == ("live", "external")
    assert f"clarion external url {live.pk}" in said.stderr


def test_d1_a_draft_with_whatever_there_is(
    people: str, clarion: Callable[..., Any], ok_json: Callable[..., Any]
) -> None:
    said = clarion("send", "--draft", "--title", "Later")
    number = Broadcast.objects.get().pk
    assert f"clarion drafts send {number}" in said.stderr
    full = ok_json("send", "--draft", *TEXT, "--channel", people, "--all", "--every", "day",
                   "--at-clock", "09:00")  # fmt: skip
    assert full["state"] == "draft"
    assert Broadcast.objects.get(pk=full["id"]).recurrence["at"] == "09:00"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "Use one of --text, --story, --template."),
        ([*TEXT, "--story", "x"], "--text and --story can't be combined."),
        ([*TEXT, "--language", "en"], "Use it with --template only."),
        ([*TEXT, "--variable", "x"], "Use it with --template only."),
        ([*TEXT, "--every", "day", "--cron", "0 9 * * 1"], "--every and --cron can't"),
        ([*TEXT, "--every", "day"], "Write the time of day like 09:00."),
        ([*TEXT, "--every", "year"], "'year' is not one of 'day', 'week', 'month'."),
        ([*TEXT, "--every", "week", "--at-clock", "09:00"], "Choose the days"),
        (
            [*TEXT, "--every", "week", "--at-clock", "9", "--day", "x"],
            "“x” is not a day",
        ),
        ([*TEXT, "--every", "month", "--at-clock", "9", "--day", "x"], "Give one day of the month"),
        (
            [*TEXT, "--every", "day", "--at-clock", "9:00", "--day", "1"],
            "--every week or --every",
        ),
        ([*TEXT, "--cron", "0 9 * *"], "five"),
        ([*TEXT, "--delay", "2h"], "Use it with --on-tag, --on-event or --on-segment only."),
        ([*TEXT, "--on-tag", "x", "--delay", "2"], "“2” is not a delay."),
        (
            [*TEXT, "--on-tag", "x", "--delay", "0m"],
            "Choose a delay in whole minutes",
        ),
        ([*TEXT, "--on-tag", "x", "--only-if", "city="], "Give a short value"),
        ([*TEXT, "--external", "--undo", "5"], "Use it when sending now only."),
        ([*TEXT, "--draft", "--wait"], "Use it when sending now or with --at only."),
        ([*TEXT, "--external", "--wait"], "Use it when sending now or with --at only."),
    ],
)
def test_wrong_usage(
    all_of: tuple[str, ...], misused: Callable[..., str], options: list[str], said: str
) -> None:
    assert said in misused(*all_of, *options)
    assert not Broadcast.objects.exists()
