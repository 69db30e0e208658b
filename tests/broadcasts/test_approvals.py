"""N5: what goes to very many needs a second person, and exactly what was approved is sent."""

from datetime import timedelta
from typing import Any

import pytest

from clarion.accounts.models import Agent, AuditEntry
from clarion.accounts.tokens import actor, create_token
from clarion.broadcasts import approvals, drafts, launch, restarts
from clarion.broadcasts.errors import ApprovalError, ApprovalNeeded
from clarion.broadcasts.models import Approval, Broadcast
from clarion.broadcasts.picks import add_picks
from clarion.broadcasts.query import Audience
from clarion.channels.models import Channel
from clarion.codes import pools
from clarion.contacts.models import Contact
from clarion.content.stories import create_story, save_story
from clarion.engine import lifecycle
from clarion.kit import clock
from clarion.segments import manage
from clarion.segments.conditions import Condition
from clarion.segments.models import Segment
from support import factory

pytestmark = pytest.mark.django_db
EVERYBODY = ["sender", "manager", "admin"]


@pytest.fixture
def channel() -> Channel:
    shop = factory.channel("Shop")
    factory.people(shop, 11)
    return shop


@pytest.fixture
def ada() -> Agent:
    return factory.agent("sender", "Ada")


@pytest.fixture
def mia() -> Agent:
    return factory.agent("manager", "Mia")


@pytest.fixture(autouse=True)
def _rules() -> None:
    approvals.set_rules(10, EVERYBODY, by="a test")


def approved(
    draft: Broadcast, asks: Agent, decides: Agent, recipients: int | None = 11
) -> Approval:
    request = approvals.ask(draft, recipients, by=asks)
    return approvals.decide(request, approve=True, comment="", by=decides)


def test_it_is_sent_once_a_second_person_has_approved(
    channel: Channel, ada: Agent, mia: Agent
) -> None:
    draft = factory.draft([channel])
    with pytest.raises(ApprovalNeeded, match="approval of a second person"):
        launch.start(draft, by=ada)
    request = approvals.ask(draft, 11, by=ada)
    with pytest.raises(ApprovalNeeded, match="is waiting"):
        launch.start(draft, by=ada)
    approvals.decide(request, approve=True, comment="Good.", by=mia)
    assert launch.start(draft, by=ada).state == "scheduled"
    actions = AuditEntry.objects.filter(subject=f"broadcast {draft.pk}").order_by("pk")
    kinds = [(entry.action, entry.actor) for entry in actions]
    assert kinds[-3:] == [
        ("broadcast.ask_approval", "Ada"), ("broadcast.approve", "Mia"), ("broadcast.send", "Ada"),
    ]  # fmt: skip


@pytest.mark.parametrize("by", ["command line", "API token Shop", "sender", "manager", "admin"])
def test_everybody_named_needs_it(channel: Channel, by: str) -> None:
    who = factory.agent(by, "Eve") if by in EVERYBODY else by
    with pytest.raises(ApprovalNeeded):
        launch.start(factory.draft([channel]), by=who)


def test_other_roles_and_small_audiences_do_not(channel: Channel, ada: Agent) -> None:
    approvals.set_rules(10, ["admin"], by="a test")
    assert launch.start(factory.draft([channel]), by=ada).state == "scheduled"
    approvals.set_rules(11, EVERYBODY, by="a test")
    assert launch.start(factory.draft([channel]), by=ada).state == "scheduled"
    approvals.set_rules(None, EVERYBODY, by="a test")
    assert launch.start(factory.draft([channel]), by=ada).state == "scheduled"


def test_a_new_broadcast_leaves_nothing_when_it_is_refused(channel: Channel) -> None:
    with pytest.raises(ApprovalNeeded):
        launch.start_new(by="command line", text="Hello", channels=[channel])
    assert not Broadcast.objects.exists()


@pytest.mark.parametrize(
    "timing",
    [
        {"recurrence": {"every": "day", "at": "09:00"}},
        {"type": "trigger", "trigger": {"on": "tag", "tag": "vip", "delay": 60}},
        {"type": "external"},
    ],
)
def test_live_ones_always_need_it(
    channel: Channel, ada: Agent, mia: Agent, timing: dict[str, Any]
) -> None:
    approvals.set_rules(1_000_000, EVERYBODY, by="a test")
    draft = factory.draft([channel], **timing)
    with pytest.raises(ApprovalNeeded):
        launch.start(draft, by=ada)
    approved(draft, ada, mia, None)
    live = launch.start(draft, by=ada)
    assert live.state == "live"
    edit = launch.edit(live, by=ada)  # and so does what is changed in a live one
    drafts.edit_draft(edit, by=ada, text="Other words")
    with pytest.raises(ApprovalNeeded):
        launch.start(edit, by=ada)
    approved(edit, ada, mia, None)
    assert launch.start(edit, by=ada).text == "Other words"


def test_a_scheduled_one_needs_it(channel: Channel, ada: Agent, mia: Agent) -> None:
    draft = factory.draft([channel], scheduled_at=clock.now() + timedelta(days=1))
    with pytest.raises(ApprovalNeeded):
        launch.start(draft, by=ada)
    approved(draft, ada, mia)
    assert launch.start(draft, by=ada).state == "scheduled"


def test_nobody_approves_their_own(channel: Channel, mia: Agent) -> None:
    admin = factory.agent("admin", "Ann")
    draft = factory.draft([channel])
    request = approvals.ask(draft, 11, by=mia)
    for who, reason in (
        (mia, "You asked for this"),
        (factory.agent("sender", "Sam"), "Only managers and admins"),
        ("API token Shop", "Only an agent"),
        ("command line", "Only an agent"),
    ):
        with pytest.raises(ApprovalError, match=reason):
            approvals.decide(request, approve=True, comment="", by=who)
    drafts.edit_draft(draft, by=admin, text="By Ann")
    request = approvals.ask(draft, 11, by=mia)
    with pytest.raises(ApprovalError, match="You edited this broadcast last"):
        approvals.decide(request, approve=True, comment="", by=admin)


def test_nobody_approves_what_their_token_asked_for(
    channel: Channel, ada: Agent, mia: Agent
) -> None:
    token, _secret = create_token(name="Till", scopes=["broadcasts:write"], expires_at=None, by=mia)
    request = approvals.ask(factory.draft([channel]), 11, by=actor(token))
    with pytest.raises(ApprovalError, match="Your API token asked"):
        approvals.decide(request, approve=True, comment="", by=mia)
    other = factory.agent("admin", "Eve")
    assert approvals.decide(request, approve=True, comment="", by=other).state == "approved"


def test_a_rejected_one_is_not_sent(channel: Channel, ada: Agent, mia: Agent) -> None:
    draft = factory.draft([channel])
    request = approvals.ask(draft, 11, by=ada)
    decided = approvals.decide(request, approve=False, comment="Wrong price.", by=mia)
    assert (decided.state, decided.comment) == ("rejected", "Wrong price.")
    with pytest.raises(ApprovalNeeded):
        launch.start(draft, by=ada)
    with pytest.raises(ApprovalError, match="no longer open"):
        approvals.decide(decided, approve=True, comment="", by=mia)


def test_an_older_request_can_not_be_approved(channel: Channel, ada: Agent, mia: Agent) -> None:
    draft = factory.draft([channel])
    first = approvals.ask(draft, 11, by=ada)
    approvals.ask(draft, 11, by=ada)
    with pytest.raises(ApprovalError, match="no longer open"):
        approvals.decide(first, approve=True, comment="", by=mia)


def test_a_much_larger_audience_makes_it_void(channel: Channel, ada: Agent, mia: Agent) -> None:
    draft = factory.draft([channel])
    approved(draft, ada, mia)
    factory.people(channel, 1, prefix="more")  # within a tenth
    assert approvals.why_void(approvals.latest(draft), 12) == ""
    factory.people(channel, 5, prefix="many")
    with pytest.raises(ApprovalNeeded, match="many more recipients"):
        launch.start(draft, by=ada)


def test_undo_keeps_it_and_a_restart_of_the_same_needs_none(
    channel: Channel, ada: Agent, mia: Agent
) -> None:
    draft = factory.draft([channel])
    approved(draft, ada, mia)
    launch.undo(launch.start(draft, by=ada), by=ada)
    draft.refresh_from_db()
    broadcast = launch.start(draft, by=ada, undo_seconds=0)
    lifecycle.start_due()
    factory.expand(broadcast)
    factory.settle_all(channel, "failed")
    lifecycle.finish()
    broadcast.refresh_from_db()
    again = restarts.restart(broadcast, by=ada)
    assert again.state == "scheduled"
    launch.undo(again, by=ada)
    drafts.edit_draft(again, by=ada, text="Something else")
    with pytest.raises(ApprovalNeeded):
        launch.start(again, by=ada)


def _other(name: str, channel: Channel) -> Any:
    """Another value of a field than a draft of the factory has."""
    story = create_story(name="S", blocks=[{"kind": "text", "text": "x"}], by="a test")
    values: dict[str, Any] = {
        "data_type": "template", "text": "Other", "story_id": story.pk, "template": {"name": "t"},
        "mail": {"preheader": "x"},
        "data": {"x": 1}, "accepted_gaps": ["x"], "end_open_chats": True, "track_clicks": True,
        "track_opens": True, "format": "markdown",
        "weight": 3, "rate": 5.0, "pause_rejected": 7, "pause_unreachable": 7,
        "time_zone": "Asia/Tokyo", "title": "Other", "type": "external",
        "audience": {"kind": "tags", "tags": ["vip"]}, "recurrence": {"every": "day"},
        "trigger": {"on": "tag"}, "scheduled_at": clock.now(),
        "code_pool_id": pools.create(pools.Rules(name="P", pattern="A-####"), by="a test").pk,
    }  # fmt: skip
    return values[name]


@pytest.mark.parametrize("name", approvals.DIGESTED)
def test_any_edit_makes_it_void(channel: Channel, ada: Agent, mia: Agent, name: str) -> None:
    draft = factory.draft([channel])
    request = approvals.ask(draft, 11, by=ada)
    if name == "channels":
        draft.channels.add(factory.channel("Other"))
    else:
        attribute = Broadcast._meta.get_field(name).attname
        Broadcast.objects.filter(pk=draft.pk).update(**{attribute: _other(attribute, channel)})
    with pytest.raises(ApprovalError, match="was edited after"):
        approvals.decide(request, approve=True, comment="", by=mia)


@pytest.mark.parametrize("what", ["picks", "story", "segment"])
def test_what_it_refers_to_counts_too(channel: Channel, ada: Agent, what: str) -> None:
    segment = Segment.objects.create(name="Seg", conditions=[])
    story = create_story(name="S", blocks=[{"kind": "text", "text": "x"}], by=ada)
    audience = Audience(kind="segments", segments=[segment.pk])
    draft = factory.draft([channel], audience=audience, data_type="story", story=story)
    before = approvals.digest(draft)
    assert approvals.digest(draft) == before
    if what == "picks":
        add_picks(draft, list(channel.addresses.values_list("pk", flat=True)[:2]))
    elif what == "story":
        save_story(story, name="S", blocks=[{"kind": "text", "text": "y"}], number=1, by=ada)
    else:
        Segment.objects.update(conditions=[{"field": "language", "op": "is", "value": "de"}])
    draft.refresh_from_db()
    assert approvals.digest(draft) != before


def test_lists_of_requests_read_no_recipients(
    channel: Channel, ada: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    drafted = factory.draft([channel])
    approvals.ask(drafted, 11, by=ada)
    approvals.ask(drafted, 12, by=ada)
    monkeypatch.setattr(approvals, "digest", lambda _: pytest.fail("takes seconds"))
    assert [request.recipients for request in approvals.open_requests(9)] == [12]


def test_open_requests_are_those_that_count(channel: Channel, ada: Agent, mia: Agent) -> None:
    first, second, third = (factory.draft([channel]) for _ in range(3))
    for draft in (first, second, third):
        approvals.ask(draft, 11, by=ada)
    drafts.edit_draft(first, by=ada, text="Edited")
    approvals.decide(approvals.latest(second), approve=True, comment="Fine.", by=mia)
    assert [request.broadcast_id for request in approvals.open_requests(9)] == [third.pk]
    assert [answer.broadcast_id for answer in approvals.unread_answers(9)] == [second.pk]


@pytest.mark.parametrize(("more", "roles"), [(-1, []), (10**12, []), (5, ["boss"])])
def test_rules_that_can_not_be(more: int, roles: list[str]) -> None:
    with pytest.raises(ApprovalError):
        approvals.set_rules(more, roles, by="a test")


def segment_of(count: int, channel: Channel) -> Segment:
    """A segment of the first so many people of the channel."""
    people = list(channel.addresses.order_by("pk")[:count])
    Contact.objects.filter(addresses__in=people).update(attributes={"city": "Bonn"})
    return manage.define(name="A city", match="all", conditions=in_city("Bonn"), by=factory.BY)


def in_city(name: str) -> list[Condition]:
    return [Condition.made(of="attribute", what="equals", name="city", value=name)]


def due(broadcast: Broadcast) -> str:
    """The state of a broadcast after it has come due."""
    Broadcast.objects.filter(pk=broadcast.pk).update(scheduled_at=clock.now())
    lifecycle.start_due()
    broadcast.refresh_from_db()
    return broadcast.state


def test_an_audience_that_outgrew_the_limit_after_launch_waits_for_approval(
    channel: Channel, ada: Agent, mia: Agent
) -> None:
    segment = segment_of(5, channel)
    draft = factory.draft([channel], audience=Audience(kind="segments", segments=[segment.pk]))
    launch.start(draft, by=ada)
    manage.update(segment, name=None, match=None, conditions=in_city("Berlin"), by=ada)
    Contact.objects.update(attributes={"city": "Berlin"})
    factory.people(channel, 5, prefix="more")
    assert due(draft) == "draft"
    (request,) = approvals.open_requests(9)
    assert (request.broadcast_id, request.recipients, request.asked_by) == (draft.pk, 16, ada)
    approvals.decide(request, approve=True, comment="", by=mia)
    draft.refresh_from_db()
    assert due(launch.start(draft, by=ada)) == "sending"


def test_a_segment_that_was_changed_after_approval_makes_it_void(
    channel: Channel, ada: Agent, mia: Agent
) -> None:
    factory.people(channel, 11, prefix="more")
    segment = segment_of(11, channel)
    draft = factory.draft([channel], audience=Audience(kind="segments", segments=[segment.pk]))
    approved(draft, ada, mia)
    launch.start(draft, by=ada)
    manage.update(segment, name=None, match=None, conditions=in_city("Berlin"), by=ada)
    assert due(draft) == "draft"
    assert draft.events.get(kind="ask_approval", detail__has_key="reason").detail["reason"] == (
        "A segment of its audience was changed after it was approved."
    )


def test_what_was_approved_is_sent_when_it_is_due(channel: Channel, ada: Agent, mia: Agent) -> None:
    segment = segment_of(11, channel)
    draft = factory.draft([channel], audience=Audience(kind="segments", segments=[segment.pk]))
    approved(draft, ada, mia)
    assert due(launch.start(draft, by=ada)) == "sending"


def test_without_rules_nothing_is_counted_again(
    channel: Channel, ada: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    approvals.set_rules(None, [], by="a test")
    draft = launch.start(factory.draft([channel]), by=ada)
    monkeypatch.setattr(approvals, "recipients_of", lambda _: pytest.fail("takes seconds"))
    assert due(draft) == "sending"
