"""From draft to scheduled and back."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from clarion.accounts.models import AuditEntry
from clarion.broadcasts import drafts, launch, problems
from clarion.broadcasts.errors import LaunchError
from clarion.broadcasts.gaps import Gap, find_gaps
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.query import Audience
from clarion.channels.models import Channel
from clarion.content import stories
from clarion.content.models import Story
from clarion.kit import clock
from support import factory

pytestmark = pytest.mark.django_db


def test_c1_an_instant_send_leaves_after_its_undo_time() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    before = clock.now()
    broadcast = launch.start(factory.draft([channel]), by=factory.BY, undo_seconds=60)
    after = clock.now()

    assert broadcast.state == "scheduled"
    assert broadcast.scheduled_at is not None
    assert before <= broadcast.scheduled_at - timedelta(seconds=60) <= after

    launch.undo(broadcast, by=factory.BY)
    assert broadcast.state == "draft"
    drafts.edit_draft(broadcast, by=factory.BY, text="Better")
    assert launch.start(broadcast, by=factory.BY, undo_seconds=0).state == "scheduled"


def test_sending_twice_is_refused() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    broadcast = factory.draft([channel])
    launch.start(broadcast, by=factory.BY)

    with pytest.raises(LaunchError, match="already scheduled"):
        launch.start(broadcast, by=factory.BY)
    with pytest.raises(LaunchError, match="no draft any more"):
        drafts.edit_draft(broadcast, by=factory.BY, text="Other")


def test_an_empty_draft_says_all_that_is_missing() -> None:
    broadcast = drafts.create_draft(by=factory.BY)
    with pytest.raises(LaunchError) as error:
        launch.start(broadcast, by=factory.BY)
    assert str(error.value).splitlines() == [
        "Choose at least one channel.",
        "Write a text.",
        "Choose an audience.",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Hello {{ contact.nmae }}", "contact.nmae"),
        ("Hello {{ contact.name", "Line 1"),
        ("{% for x in contact %}", "Line 1"),
    ],
)
def test_b1_faults_of_a_text_are_reported_before_sending(text: str, says: str) -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    sentences = problems.check(factory.draft([channel], text=text))
    assert len(sentences) == 1
    assert says in sentences[0]


def test_an_audience_without_anyone_is_refused() -> None:
    channel = factory.channel()
    sentences = problems.check(factory.draft([channel]))
    assert sentences == ["This audience has no contacts on sink. Choose another audience."]


def test_a4_a_tag_that_nobody_has_can_not_be_chosen() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    broadcast = factory.draft([channel])
    drafts.edit_draft(broadcast, by=factory.BY, audience=Audience(kind="tags", tags=["vip"]))
    assert problems.check(broadcast) == ["No contact has the tag “vip”. Choose another one."]


def test_c2_a_moment_in_the_past_is_refused() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    passed = clock.now() - timedelta(minutes=1)
    with pytest.raises(LaunchError, match="has passed"):
        launch.start(factory.draft([channel], scheduled_at=passed), by=factory.BY)


STORY = [
    {"kind": "text", "text": "Hello {{ contact.name }}"},
    {"kind": "image", "url": "https://example.org/a.png", "caption": "A"},
    {"kind": "buttons", "text": "Well?", "buttons": [{"kind": "reply", "label": "Yes"}]},
]


def mail() -> Channel:
    """An e-mail channel, with somebody on it."""
    channel = factory.channel("Mail", "email")
    factory.people(channel, 1, prefix="a@b.example")
    return channel


def with_story(channels: list[Channel], blocks: list[dict[str, Any]]) -> Broadcast:
    story = stories.create_story(name="Welcome", blocks=blocks, by=factory.BY)
    draft = factory.draft(channels, text="")
    return drafts.edit_draft(draft, by=factory.BY, data_type="story", story=story)


def test_b2_a_story_is_sent_in_the_version_that_it_had_then() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    broadcast = with_story([channel], STORY)
    assert problems.check(broadcast) == []

    launch.start(broadcast, by=factory.BY)
    story = broadcast.story
    assert story is not None
    stories.save_story(story, blocks=[{"kind": "text", "text": "New"}], by=factory.BY, number=1)
    broadcast.refresh_from_db()
    assert broadcast.story_version is not None
    assert broadcast.story_version.number == 1

    launch.undo(broadcast, by=factory.BY)
    launch.start(broadcast, by=factory.BY)
    assert broadcast.story_version.number == 2


def test_b2_what_a_channel_can_not_carry_is_told_by_block() -> None:
    broadcast = with_story([mail()], STORY)
    assert problems.check(broadcast) == [
        "Mail has no reply buttons (block 3). Change the story, or leave the channel out."
    ]


def test_b2_unknown_variables_of_a_story_are_told() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    webhook = {"kind": "webhook", "url": "https://example.org/hook"}
    remembered = {"kind": "text", "text": "{{ memory.size }} {{ contact.sise }} {{ data.n }}"}

    before = problems.check(with_story([channel], [remembered, webhook]))
    stories.archive_story(Story.objects.get(), by=factory.BY)
    Story.objects.update(name="Old")
    after = problems.check(with_story([channel], [webhook, remembered]))

    assert [problem.split("”")[0].split("“")[1] for problem in before] == [
        "memory.size",
        "contact.sise",
        "data.n",
    ]
    assert not any("memory" in problem for problem in after)


def test_b2_a_story_that_is_missing_or_deleted_is_told() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    broadcast = drafts.edit_draft(factory.draft([channel]), by=factory.BY, data_type="story")
    assert problems.check(broadcast) == ["Choose a story."]

    broadcast = with_story([channel], STORY)
    stories.archive_story(Story.objects.get(), by=factory.BY)
    broadcast.refresh_from_db()
    assert problems.check(broadcast) == ["The story “Welcome” is deleted. Choose another one."]


def test_b4_a_template_needs_a_name_a_language_and_a_channel_that_has_them() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    broadcast = drafts.edit_draft(
        factory.draft([channel, mail()]),
        by=factory.BY,
        data_type="template",
        template={"variables": ["{{ contact.name }}", " ", "{{ contact.nam }}", "{{"]},
    )

    sentences = problems.check(broadcast)

    assert sentences[:3] == [
        "Write the name of the template, as the provider approved it.",
        "Write the language of the template, such as en or pt_BR.",
        "Variable 2 of the template is empty. Fill it in.",
    ]
    assert "No contact has “contact.nam”." in sentences[3]
    assert sentences[4].startswith("Variable 4 of the template: Line 1")
    assert sentences[5:] == ["Mail has no templates. Leave it out, or send a text or a story."]


@pytest.mark.parametrize(
    ("fields", "fine"),
    [
        ({}, False),
        ({"data": {"n": 1}}, True),
        ({"type": "external"}, True),
        ({"type": "trigger", "trigger": {"on": "event", "event": "paid", "delay": 60}}, True),
        ({"type": "trigger", "trigger": {"on": "tag", "tag": "vip", "delay": 60}}, False),
    ],
)
def test_b1_data_may_be_used_where_it_comes_from(fields: dict[str, Any], fine: bool) -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    broadcast = factory.draft([channel], text="{{ data.n }}")
    drafts.edit_draft(broadcast, by=factory.BY, **fields)

    sentences = problems.check(broadcast)

    assert any("data.n" in problem for problem in sentences) is not fine


def test_c1_undo_keeps_a_time_that_was_chosen() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    at = clock.now() + timedelta(days=1)
    broadcast = launch.start(factory.draft([channel], scheduled_at=at), by=factory.BY)

    assert launch.edit(broadcast, by=factory.BY).scheduled_at == at
    assert launch.start(broadcast, by=factory.BY, undo_seconds=0).scheduled_at == at
    assert launch.undo(broadcast, by=factory.BY).timing == "scheduled"


@pytest.mark.parametrize("undo_seconds", [5, 60, 600])
def test_c1_undo_forgets_the_end_of_the_undo_window(undo_seconds: int) -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    broadcast = factory.draft([channel])
    launch.start(broadcast, by=factory.BY, undo_seconds=undo_seconds)

    undone = launch.undo(broadcast, by=factory.BY)

    assert (undone.scheduled_at, undone.timing) == (None, "now")


TRIGGER = {"on": "tag", "tag": "vip", "delay": 60}
TIMINGS: dict[str, dict[str, Any]] = {
    "trigger": {"type": "trigger", "trigger": TRIGGER},
    "external": {"type": "external"},
    "periodic": {"recurrence": {"every": "day", "at": "09:00"}},
}


@pytest.mark.parametrize("timing", TIMINGS)
def test_an_undo_window_makes_no_live_broadcast_an_instant_one(timing: str) -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    draft = factory.draft([channel], **TIMINGS[timing])

    started = launch.start(draft, by=factory.BY, undo_seconds=0)

    assert (started.timing, started.state, started.scheduled_at) == (timing, "live", None)
    assert (started.next_run_at is not None) is (timing == "periodic")


def test_an_undo_window_does_not_replace_a_time_that_was_chosen() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    at = clock.now() + timedelta(days=365)
    draft = factory.draft([channel], scheduled_at=at)

    started = launch.start(draft, by=factory.BY, undo_seconds=0)

    assert (started.state, started.scheduled_at, started.instant) == ("scheduled", at, False)


def test_a_new_broadcast_that_can_not_be_launched_leaves_no_draft() -> None:
    channel = factory.channel()
    with pytest.raises(LaunchError, match="This audience has no contacts"):
        launch.start_new(
            by=factory.BY, text="Hello", channels=[channel], audience=Audience(kind="all")
        )
    assert not Broadcast.objects.exists()
    assert not AuditEntry.objects.filter(action__startswith="broadcast.").exists()


@pytest.mark.django_db(transaction=True)
def test_the_recipients_of_a_new_broadcast_are_counted_outside_of_a_transaction(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of a million it takes seconds, in which nobody else could write to SQLite."""
    counted: list[bool] = []

    def count(*args: Any) -> list[Gap]:
        counted.append(connection.in_atomic_block)
        return find_gaps(*args)

    monkeypatch.setattr(launch, "find_gaps", count)
    channel = factory.channel()
    factory.people(channel, 1)
    content = {"text": "Hello", "channels": [channel], "audience": Audience(kind="all")}

    launch.start_new(by=factory.BY, **content)

    assert counted == [False]
    assert AuditEntry.objects.filter(action="broadcast.create").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_count_that_is_interrupted_leaves_no_draft(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*args: Any) -> list[Gap]:
        raise KeyboardInterrupt

    monkeypatch.setattr(launch, "find_gaps", interrupted)
    with pytest.raises(KeyboardInterrupt):
        launch.start_new(by=factory.BY, text="Hello", audience=Audience(kind="all"))
    assert not Broadcast.objects.exists()


def test_a_draft_that_was_deleted_meanwhile_is_not_launched() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    draft = factory.draft([channel])
    Broadcast.objects.filter(pk=draft.pk).delete()
    with pytest.raises(LaunchError, match="was deleted meanwhile"):
        launch.start(draft, by=factory.BY)


def test_what_is_being_sent_is_not_edited() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    with pytest.raises(LaunchError, match="Duplicate it"):
        launch.edit(factory.sending([channel]), by=factory.BY)
