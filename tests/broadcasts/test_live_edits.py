"""A live broadcast is edited in a draft of its own."""

from typing import Any

import pytest

from clarion.broadcasts import control, drafts, launch, live_edits
from clarion.broadcasts.errors import LaunchError
from clarion.broadcasts.fields import FIELDS, To
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.query import Audience
from clarion.codes import pools
from clarion.content import stories
from clarion.engine import snapshot
from clarion.kit import clock
from clarion.records.deliveries.progress import give
from clarion.records.progress import Progress
from support import factory

pytestmark = pytest.mark.django_db
LIVE: dict[str, dict[str, Any]] = {
    "periodic": {"recurrence": {"every": "day", "at": "09:00"}, "time_zone": "UTC"},
    "trigger": {"type": "trigger", "trigger": {"on": "tag", "tag": "vip", "delay": 60}},
    "external": {"type": "external"},
}


@pytest.mark.parametrize("what", LIVE)
@pytest.mark.parametrize("state", ["live", "paused"])
def test_e3_an_edit_takes_effect_at_once_and_keeps_what_it_is(what: str, state: str) -> None:
    channel, other = factory.channel(), factory.channel("other")
    (person,) = factory.people(channel, 1)
    live = factory.live([channel], **LIVE[what])
    if state == "paused":
        control.pause(live, by=factory.BY)
    before = {name: getattr(live, name) for name in ("pk", "secret", "number", "started_at")}
    ada = factory.agent(name="Ada")
    assert "edit" in control.actions(live)

    draft = launch.edit(live, by=ada)
    assert draft.pk != live.pk
    assert launch.edit(live, by=ada).pk == draft.pk  # there is one
    drafts.edit_draft(
        draft, by=ada, text="New words", channels=[channel, other], rate=3,
        audience=Audience(kind="picks", picked_from="hand"), picks=[person.pk],
    )  # fmt: skip
    live.refresh_from_db()
    assert (live.text, live.state) == ("Hello {{ contact.name }}", state)

    changed = launch.start(draft, by=ada)

    assert {name: getattr(changed, name) for name in before} == before
    assert (changed.text, changed.state, changed.rate) == ("New words", state, 3)
    assert set(changed.channels.all()) == {channel, other}
    assert [pick.address_id for pick in changed.picks.all()] == [person.pk]
    assert not Broadcast.objects.filter(pk=draft.pk).exists()


def test_everything_that_an_edit_begins_with_comes_back() -> None:
    begun = {name for name, to in FIELDS.items() if To.DUPLICATE in to}
    returned = {name for name, to in FIELDS.items() if To.EDITED in to}
    assert begun - returned == {"type"}  # a live broadcast stays what it is


def test_the_pool_of_codes_of_a_live_broadcast_can_be_changed() -> None:
    spring, autumn = (pools.create(pools.Rules(name=name), by=factory.BY) for name in "AB")
    live = factory.live([factory.channel()], text="{{ code }}", code_pool=spring, **LIVE["trigger"])
    draft = launch.edit(live, by=factory.BY)
    drafts.edit_draft(draft, by=factory.BY, code_pool=autumn)

    assert launch.start(draft, by=factory.BY).code_pool == autumn


def test_a_new_schedule_moves_the_next_run() -> None:
    live = factory.live([factory.channel()], **LIVE["periodic"])
    draft = launch.edit(live, by=factory.BY)
    drafts.edit_draft(draft, by=factory.BY, recurrence={"every": "day", "at": "10:30"})

    changed = launch.start(draft, by=factory.BY)

    assert changed.next_run_at is not None
    assert (changed.next_run_at.hour, changed.next_run_at.minute) == (10, 30)
    assert changed.next_run_at > clock.now()


def test_a_worker_reads_a_live_broadcast_again_once_it_is_edited() -> None:
    channel = factory.channel()
    live = factory.live([channel], **LIVE["trigger"])

    def text() -> str:
        revision = snapshot.take().revisions[live.pk]
        return str(snapshot.job(live.pk, revision).text.render({"name": "Ann"}))

    assert text() == "Hello Ann"
    draft = launch.edit(live, by=factory.BY)
    drafts.edit_draft(draft, by=factory.BY, text="Bye {{ contact.name }}")
    launch.start(draft, by=factory.BY)
    assert text() == "Bye Ann"


def test_what_can_not_be_changed_says_why() -> None:
    live = factory.live([factory.channel()], **LIVE["external"])
    draft = launch.edit(live, by=factory.BY)
    drafts.edit_draft(draft, by=factory.BY, type="broadcast")
    with pytest.raises(LaunchError, match="is external and stays so"):
        launch.start(draft, by=factory.BY)
    drafts.edit_draft(draft, by=factory.BY, type="external", text="")
    with pytest.raises(LaunchError, match="Write a text"):
        launch.start(draft, by=factory.BY)
    drafts.edit_draft(draft, by=factory.BY, text="Hi")
    control.stop(live, by=factory.BY)
    with pytest.raises(LaunchError, match="has been stopped"):
        launch.start(draft, by=factory.BY)
    assert Broadcast.objects.filter(pk=draft.pk).exists()
    with pytest.raises(LaunchError, match="can't be edited"):
        launch.edit(live, by=factory.BY)


def test_a_story_is_not_changed_between_two_of_its_messages() -> None:
    channel = factory.channel()
    (person,) = factory.people(channel, 1)
    blocks = [{"kind": "text", "text": "One"}, {"kind": "text", "text": "Two"}]
    story = stories.create_story(name="Two", blocks=blocks, by=factory.BY)
    live = factory.live([channel], data_type="story", story=story, **LIVE["trigger"])
    delivery = factory.delivery(live, person, "queued")
    give({delivery.pk: Progress(sent=1)})
    draft = launch.edit(live, by=factory.BY)
    stories.save_story(story, blocks=blocks[:1], by=factory.BY, number=1)

    with pytest.raises(LaunchError, match="between two messages"):
        launch.start(draft, by=factory.BY)


def test_a_deleted_draft_leaves_the_live_one_as_it_is() -> None:
    live = factory.live([factory.channel()], **LIVE["trigger"])
    control.delete(launch.edit(live, by=factory.BY), by=factory.BY)
    live.refresh_from_db()
    assert live.state == "live"
    assert live_edits.can_edit_live(live)
