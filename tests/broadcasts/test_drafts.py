"""Drafts: kept as they are, edited by several, and duplicated."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from clarion.broadcasts import drafts, launch, problems
from clarion.broadcasts.draft_fields import FormState, PartState
from clarion.broadcasts.errors import EditConflict, LaunchError
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.query import Audience
from clarion.content import stories
from clarion.kit import clock
from support import factory

pytestmark = pytest.mark.django_db


def test_d1_a_draft_holds_all_that_is_filled_in() -> None:
    channel = factory.channel()
    person = factory.people(channel, 1)[0]
    story = stories.create_story(
        name="Welcome", blocks=[{"kind": "text", "text": "Hi"}], by=factory.BY
    )
    at = clock.now() + timedelta(days=1)

    draft = drafts.create_draft(
        by=factory.agent(),
        title=" Spring ",
        text="Kept while a story is chosen",
        data_type="story",
        story=story,
        template={"name": "hello"},
        channels=[channel],
        audience=Audience(kind="picks", picked_from="hand"),
        picks=[person.pk],
        type="trigger",
        trigger={"on": "tag", "tag": "vip"},
        recurrence={"every": "day", "at": "09:00"},
        time_zone="Europe/Berlin",
        scheduled_at=at,
        end_open_chats=True,
        rate=2.5,
        form_state={"parts": {"timing": TYPED}},
    )

    stored = Broadcast.objects.get()
    assert stored == draft
    assert stored.title == "Spring"
    assert (stored.story, stored.data_type, stored.rate) == (story, "story", 2.5)
    assert (stored.type, stored.trigger["tag"]) == ("trigger", "vip")
    assert (stored.scheduled_at, stored.end_open_chats) == (at, True)
    assert stored.picks.get().address == person
    assert (stored.revision, stored.edited_by) == (1, draft.drafted_by)
    assert "“soon” is no time." in problems.check(stored)


TYPED: PartState = {"form": {"at": ["soon"]}, "problems": {"at": "“soon” is no time."}}
FAST: PartState = {"form": {"rate": ["fast"]}, "problems": {"rate": "No rate."}}


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"title": "New"}, {"timing": TYPED, "rate": FAST}),
        ({"rate": 5.0}, {"timing": TYPED}),
        ({"scheduled_at": None}, {"rate": FAST}),
        ({"audience": Audience(kind="all")}, {"timing": TYPED, "rate": FAST}),
    ],
)
def test_an_edit_without_the_page_keeps_what_the_page_holds_of_other_parts(
    fields: dict[str, Any], kept: dict[str, PartState]
) -> None:
    both: FormState = {"page": "p", "parts": {"timing": TYPED, "rate": FAST}}
    draft = drafts.create_draft(by=factory.BY, form_state=both)

    drafts.edit_draft(draft, by=factory.BY, **fields)

    assert draft.form_state == {"page": "p", "parts": kept}
    told = {"No rate.", "“soon” is no time."} & set(problems.check(draft))
    assert told == {problem for part in kept.values() for problem in part["problems"].values()}


def test_an_edit_of_all_that_the_page_holds_clears_it() -> None:
    draft = drafts.create_draft(by=factory.BY, form_state={"parts": {"timing": TYPED}})
    drafts.edit_draft(draft, by=factory.BY, trigger={})
    assert draft.form_state == {}


def test_fields_are_stored_in_one_form_whoever_writes_them() -> None:
    draft = drafts.create_draft(
        by=factory.BY,
        title=" Two\r\nlines\x00 ",
        text="a\r\nb\rc\x00",
        template={"name": " order ", "language": "de\n", "variables": [" 1 ", "", "3", "", " "]},
    )
    assert (draft.title, draft.text) == ("Two lines", "a\nb\nc")
    assert draft.template == {"name": "order", "language": "de", "variables": ["1", "", "3"]}
    empty = {"name": " ", "language": "", "variables": [""]}
    assert drafts.edit_draft(draft, by=factory.BY, template=empty).template == {}


@pytest.mark.parametrize(
    "field",
    [
        {"data_type": "opera"},
        {"type": "single"},
        {"rate": 0.0},
        {"rate": float("nan")},
        {"time_zone": "Nowhere"},
        {"template": {"name": "x" * 2_001}},
        {"template": {"variables": ["x"] * 21}},
    ],
)
def test_what_no_draft_can_hold_is_refused(field: dict[str, object]) -> None:
    with pytest.raises(LaunchError):
        drafts.create_draft(by=factory.BY, **field)  # type: ignore[arg-type]
    assert not Broadcast.objects.exists()


def test_d2_the_second_of_two_editors_is_told_who_and_when() -> None:
    ada, bea = factory.agent(), factory.agent(name="Bea")
    draft = drafts.create_draft(by=ada, text="First")
    seen = draft.revision
    drafts.edit_draft(draft, by=bea, text="Bea's", revision=seen)

    with pytest.raises(EditConflict, match=r"Bea edited this draft at \d\d:\d\d UTC") as told:
        drafts.edit_draft(draft, by=ada, text="Ada's", revision=seen)

    assert told.value.editor == "Bea"
    assert told.value.at == Broadcast.objects.get().edited_at
    assert Broadcast.objects.get().text == "Bea's"


@pytest.mark.django_db(transaction=True)
def test_d2_of_two_edits_at_the_same_moment_one_wins() -> None:
    ada, bea = factory.agent(), factory.agent(name="Bea")
    draft = drafts.create_draft(by=ada, text="First")
    together = threading.Barrier(2)
    told: list[str] = []

    def edit(by: object, text: str) -> None:
        mine = Broadcast.objects.get()
        together.wait(60)
        try:
            drafts.edit_draft(mine, by=by, text=text, revision=draft.revision)  # type: ignore[arg-type]
            told.append("saved")
        except EditConflict:
            told.append("refused")
        finally:
            connection.close()

    threads = [
        threading.Thread(target=edit, args=(who, text)) for who, text in ((ada, "A"), (bea, "B"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    assert sorted(told) == ["refused", "saved"]
    draft.refresh_from_db()
    assert draft.revision == 2
    assert (draft.text, draft.edited_by) in {("A", ada), ("B", bea)}


def test_nobody_sends_what_somebody_else_has_just_written() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    ada, bea = factory.agent(), factory.agent(name="Bea")
    draft = factory.draft([channel])
    seen = draft.revision
    drafts.edit_draft(draft, by=bea, text="Half a sent")

    with pytest.raises(EditConflict, match="Bea"):
        launch.start(draft, by=ada, revision=seen)
    assert Broadcast.objects.get().state == "draft"
    assert launch.start(draft, by=ada, revision=draft.revision).state == "scheduled"


def test_an_edit_after_the_send_is_refused() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    draft = factory.draft([channel])
    launch.start(draft, by=factory.BY)

    with pytest.raises(LaunchError, match="no draft any more"):
        drafts.edit_draft(draft, by=factory.BY, text="Late", revision=draft.revision)
    with pytest.raises(LaunchError, match="already scheduled"):
        launch.start(draft, by=factory.BY, revision=draft.revision)


def test_an_edit_of_a_deleted_draft_is_refused() -> None:
    draft = drafts.create_draft(by=factory.BY)
    Broadcast.objects.all().delete()
    with pytest.raises(LaunchError, match="deleted"):
        drafts.edit_draft(draft, by=factory.BY, text="Late")
    with pytest.raises(LaunchError, match="nothing to copy"):
        drafts.duplicate(draft, by=factory.BY)


def test_d2_a_duplicate_has_everything_and_its_people() -> None:
    channel = factory.channel()
    people = factory.people(channel, 3)
    ada, bea = factory.agent(), factory.agent(name="Bea")
    at = clock.now() + timedelta(days=1)
    old = drafts.create_draft(
        by=ada,
        title="Spring",
        text="Hello",
        channels=[channel],
        audience=Audience(kind="picks", picked_from="ids"),
        picks=[person.pk for person in people],
        scheduled_at=at,
        rate=3,
        end_open_chats=True,
        form_state={"parts": {"timing": {"form": {"when": ["later"]}, "problems": {}}}},
    )

    fresh = drafts.duplicate(old, by=bea)

    assert fresh.pk != old.pk
    fresh.refresh_from_db()
    assert (fresh.title, fresh.text, fresh.drafted_by) == ("Copy of Spring", "Hello", bea)
    assert (fresh.scheduled_at, fresh.rate, fresh.end_open_chats) == (at, 3, True)
    assert fresh.form_state == old.form_state
    assert list(fresh.channels.all()) == [channel]
    assert {pick.address_id for pick in fresh.picks.all()} == {person.pk for person in people}
    assert old.picks.count() == 3
    assert drafts.duplicate(fresh, by=bea).title == "Copy of Spring"


def test_d2_a_duplicate_of_a_sent_one_is_a_draft_without_its_time() -> None:
    channel = factory.channel()
    factory.people(channel, 2)
    sent = factory.sending([channel])

    fresh = drafts.duplicate(sent, by=factory.BY)

    assert fresh.state == "draft"
    assert fresh.scheduled_at is None
    assert (fresh.total, fresh.started_at, fresh.key == sent.key) == (0, None, False)
    assert launch.start(fresh, by=factory.BY, undo_seconds=0).state == "scheduled"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"format": "rtf"}, "There is no format called “rtf”. Choose one of: text, markdown,"),
        (
            {"data_type": "poem"},
            "There is no data type called “poem”. Choose one of: text, story, template.",
        ),
        ({"type": "x"}, "There is no type called “x”. Choose one of: broadcast, external,"),
    ],
)
def test_what_cannot_be_chosen_is_named_with_what_can(
    db: None, fields: dict[str, str], sentence: str
) -> None:
    with pytest.raises(LaunchError) as refused:
        drafts.create_draft(by=factory.BY, **fields)
    assert str(refused.value).startswith(sentence)
