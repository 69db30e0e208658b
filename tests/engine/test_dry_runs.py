"""Dry runs: what they report, that nothing leaves, and that any worker can go on with one."""

from typing import Any

import pytest
from django.db import connection

from clarion.broadcasts import drafts, launch
from clarion.broadcasts.errors import ControlError
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.query import Audience
from clarion.clicks.models import Link
from clarion.codes import batches, pools
from clarion.codes.models import Code
from clarion.contacts.models import Address, Contact, Tag, Tagging
from clarion.engine import reap
from clarion.engine.dry_runs import control, running
from clarion.engine.dry_runs.report import Report, export, people, report
from clarion.engine.models import DryRun, DryRunGroup
from clarion.kit.paging import CursorError
from clarion.records.models import Delivery
from engine.stories import story, text, webhook
from support import factory

pytestmark = pytest.mark.django_db
WORKER = 1


def dry_run(broadcast: Broadcast) -> Report:
    """The report of a dry run that a worker has carried out."""
    control.order(broadcast, by=factory.BY)
    assert running.run_next(WORKER, lambda: False)
    return reported(broadcast)


def reported(broadcast: Broadcast) -> Report:
    made = report(broadcast)
    assert made is not None
    return made


def groups(made: Report) -> dict[tuple[str, str], int]:
    return {(group.kind, group.detail): group.count for group in made.groups}


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of two addresses, so that few contacts make several."""
    monkeypatch.setattr(running, "CHUNK", 2)


@pytest.mark.usefixtures("small_chunks")
def test_everybody_is_in_one_group_with_the_reason() -> None:
    channel = factory.channel()
    factory.people(channel, 3)
    nameless = factory.address(channel, "nameless")
    factory.address(channel, "gone", "Ida", state="blocked")
    made = dry_run(factory.draft([channel], text="Hello {{ contact.city }}"))
    assert groups(made) == {
        ("ready", ""): 3,
        ("variable", "contact.city"): 1,
        ("left_out", "blocked"): 1,
    }
    assert (made.would_be_sent, made.would_fail) == (3, 1)
    assert (made.dry_run.state, made.dry_run.looked_at, made.dry_run.expected) == ("done", 5, 5)
    lacking = next(group for group in made.groups if group.kind == "variable")
    assert [person.contact_id for person in lacking.sample] == [nameless.contact_id]


@pytest.mark.usefixtures("small_chunks")
def test_each_number_is_the_contacts_behind_it() -> None:
    channel = factory.channel()
    factory.people(channel, 5)
    (group,) = dry_run(factory.draft([channel])).groups
    row = DryRunGroup.objects.get(pk=group.id)
    listed, cursor = [], None
    while True:
        page = people(row, cursor, limit=3)
        listed += [person.user_id for person in page.rows]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert sorted(listed) == ["u0", "u1", "u2", "u3", "u4"]
    lines = b"".join(export([row])).decode().splitlines()
    assert len(lines) - 1 == group.count == 5
    assert '"Person 0","sink","ready"' in lines[1]
    with pytest.raises(CursorError):
        people(row, "x")


def test_a_contact_that_is_deleted_later_stays_counted() -> None:
    channel = factory.channel()
    factory.people(channel, 2)
    made = dry_run(factory.draft([channel]))
    gone = Address.objects.get(value="u0")
    Address.objects.filter(pk=gone.pk).delete()
    Contact.objects.filter(pk=gone.contact_id).delete()
    (group,) = reported(made.dry_run.broadcast).groups
    assert group.count == 2
    assert any(person.contact_id is None for person in group.sample)


def test_nothing_is_sent_stored_or_used_up(settings: Any) -> None:
    settings.CLARION = settings.CLARION.model_copy(update={"public_url": "https://c.example"})
    channel = factory.channel()
    factory.people(channel, 2)
    pool = pools.create(pools.Rules(name="Spring", pattern="S-####-????"), by=factory.BY)
    batches.carry_out(batches.order_codes(pool, 1, by=factory.BY))
    draft = factory.draft(
        [channel],
        text="{{ code }} http://127.0.0.1:9/spring",
        code_pool=pool,
        track_clicks=True,
    )
    made = dry_run(draft)
    assert groups(made) == {("ready", ""): 2}
    assert made.codes_missing == 1
    assert not Code.objects.exclude(issued_at=None).exists()
    assert not Link.objects.exists()
    assert not Delivery.objects.exists()
    draft.refresh_from_db()
    assert draft.state == "draft"


def test_webhooks_of_a_story_are_not_asked_and_their_values_are_not_guessed() -> None:
    channel = factory.channel()
    factory.people(channel, 2)
    nobody_listens = webhook("http://127.0.0.1:9/story")
    version = story(text("Hi"), nobody_listens, text("{{ memory.gift }}"), text("Bye"))
    made = dry_run(factory.draft([channel], text="", data_type="story", story=version.story))
    assert groups(made) == {("ready", ""): 2}
    assert made.dry_run.webhooks == 1
    assert [(each.contacts, each.messages) for each in made.channels] == [(2, 6)]

    counting = story(nobody_listens, text("{{ memory.points | round }}"))
    made = dry_run(factory.draft([channel], text="", data_type="story", story=counting.story))
    assert groups(made) == {("later", ""): 2}


def test_texts_that_are_too_long_for_a_channel_are_counted_for_it() -> None:
    bot, hook = factory.channel("bot", "telegram"), factory.channel("hook")
    for channel in (bot, hook):
        wordy = factory.address(channel, "1001", "Ida")
        Contact.objects.filter(pk=wordy.contact_id).update(attributes={"bio": "x" * 5_000})
    factory.address(bot, "1002", "Ben")
    text = '{{ contact.bio | default("short") }}'
    made = dry_run(factory.draft([bot, hook], text=text))
    assert groups(made) == {
        ("ready", ""): 2,
        ("too_long", "bot accepts at most 4,096 characters."): 1,
    }


def test_markup_does_not_count_in_a_formatted_text() -> None:
    channel = factory.channel("bot", "telegram")
    for number, long in enumerate((4_096, 4_097)):
        person = factory.address(channel, f"100{number}", "Ida")
        Contact.objects.filter(pk=person.contact_id).update(attributes={"bio": "x" * long})
    draft = factory.draft([channel], text="<b>{{ contact.bio }}</b>", format="chat_html")
    assert {kind: count for (kind, _), count in groups(dry_run(draft)).items()} == {
        "ready": 1, "too_long": 1
    }  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_while_contacts_without_an_address_are_looked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_locked = []
    without_address = running.without_address

    def watched(*args: Any) -> Any:
        is_locked.append(connection.in_atomic_block)
        return without_address(*args)

    monkeypatch.setattr(running, "without_address", watched)
    channel = factory.channel()
    vip = Tag.objects.create(name="vip")
    Tagging.objects.create(tag=vip, contact=factory.address(channel, "1", "Ida").contact)
    Tagging.objects.create(tag=vip, contact=Contact.objects.create(name="Ben"))
    made = dry_run(factory.draft([channel], audience=Audience(kind="tags", tags=["vip"])))
    assert groups(made) == {("ready", ""): 1, ("left_out", "no_address"): 1}
    assert is_locked == [False]


def test_chosen_contacts_without_an_address_are_left_out_and_listed() -> None:
    channel, other = factory.channel(), factory.channel("other")
    vip = Tag.objects.create(name="vip")
    reached, unreached = factory.address(channel, "1", "Ida"), factory.address(other, "2", "Ben")
    for address in (reached, unreached):
        Tagging.objects.create(tag=vip, contact=address.contact)
    made = dry_run(factory.draft([channel], audience=Audience(kind="tags", tags=["vip"])))
    assert groups(made) == {("ready", ""): 1, ("left_out", "no_address"): 1}
    assert made.groups[-1].sample[0].contact_id == unreached.contact_id


def test_a_worker_that_ends_leaves_its_dry_run_to_the_next(small_chunks: None) -> None:
    channel = factory.channel()
    factory.people(channel, 5)
    draft = factory.draft([channel])
    ordered = control.order(draft, by=factory.BY)
    dead = reap.register()
    assert not running.run_next(dead, lambda: True), "told to stop, it gives the dry run back"
    ordered.refresh_from_db()
    assert (ordered.state, ordered.looked_at) == ("waiting", 2)
    DryRun.objects.update(state="running", worker_id=dead)  # as a kill leaves it
    assert not running.run_next(dead + 1, lambda: False), "it is another worker's"

    reap.sign_off(dead)

    assert running.run_next(dead + 1, lambda: False)
    assert groups(reported(draft)) == {("ready", ""): 5}
    ordered.refresh_from_db()
    assert (ordered.state, ordered.interruptions) == ("done", 1)


def test_what_ends_every_worker_is_given_up() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    draft = factory.draft([channel])
    control.order(draft, by=factory.BY)
    for _ in range(running.MOST_INTERRUPTIONS):
        DryRun.objects.filter(state="waiting").update(state="running", worker_id=WORKER)
        running.release_abandoned(DryRun.objects.none().values("pk"))
    assert reported(draft).dry_run.state == "failed"
    assert "worker ended three times" in reported(draft).dry_run.error


def test_a_cancelled_dry_run_writes_nothing_more(small_chunks: None) -> None:
    channel = factory.channel()
    factory.people(channel, 5)
    draft = factory.draft([channel])
    ordered = control.order(draft, by=factory.BY)
    asked = iter([False, False])

    def cancel_after_the_first() -> bool:
        control.cancel(ordered)
        return next(asked)

    assert running.run_next(WORKER, cancel_after_the_first)
    made = reported(draft)
    assert (made.dry_run.state, made.dry_run.looked_at) == ("cancelled", 2)
    assert sum(group.count for group in made.groups) == 2
    assert not control.cancel(ordered), "it has ended already"


def test_an_edit_makes_the_report_void() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    draft = factory.draft([channel])
    assert not dry_run(draft).is_void
    drafts.edit_draft(draft, by=factory.BY, text="Other")
    assert reported(draft).is_void
    assert not dry_run(draft).is_void
    assert DryRun.objects.filter(broadcast=draft).count() == 1, "the earlier one is deleted"


def test_a_dry_run_under_way_is_not_begun_again() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    draft = factory.draft([channel])
    first = control.order(draft, by=factory.BY)
    assert control.order(draft, by=factory.BY) == first
    drafts.edit_draft(draft, by=factory.BY, text="Other")
    assert control.order(draft, by=factory.BY) != first, "it is about an earlier text"


def test_only_what_is_not_sent_yet_has_a_dry_run() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    sent = factory.sending([channel])
    with pytest.raises(ControlError, match="draft or a scheduled"):
        control.order(sent, by=factory.BY)
    with pytest.raises(ControlError, match="audience"):
        control.order(factory.draft([channel], audience=None), by=factory.BY)
    scheduled = launch.start(factory.draft([channel]), by=factory.BY)
    assert dry_run(scheduled).would_be_sent == 1


@pytest.mark.usefixtures("small_chunks")
def test_what_a_provider_charges_is_added_up_exactly() -> None:
    channel = factory.channel(
        "sms", "twilio", account_sid="AC" + "0" * 32, auth_token="t", sender="12345",
        currency="EUR", price="0.1", prices="1=0.0079",
    )  # fmt: skip
    for number, (value, name) in enumerate(
        [("491511234567", "Anna"), ("491511234568", "B" * 161), ("16505551234", "Cleo")]
    ):
        factory.address(channel, value, f"{name}{number}")
    made = dry_run(factory.draft([channel], text="{{ contact.name }}"))
    (on,) = made.channels
    assert on.cost is not None
    assert (on.messages, on.cost.units, str(on.cost.price)) == (3, 4, "0.3079")
    assert on.cost.words == "3 recipients, 4 SMS, 0.3079 EUR"


def test_other_channels_have_no_costs() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    (on,) = dry_run(factory.draft([channel], text="Hello")).channels
    assert on.cost is None
