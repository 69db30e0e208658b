"""Why one contact got a broadcast, or did not."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clarion.broadcasts import control
from clarion.broadcasts.models import Broadcast, Firing
from clarion.broadcasts.query import Audience
from clarion.channels.manage import pause_channel
from clarion.channels.models import Channel
from clarion.chats.control import take_over
from clarion.consents.models import Consent
from clarion.contacts.models import Address, Contact, Tag, Tagging
from clarion.contacts.states import AddressState
from clarion.insights import chosen
from clarion.insights.why import Way, why
from clarion.kit import clock
from clarion.records.models import Delivery
from clarion.records.receipts import ReceiptUpdate, apply_receipts
from clarion.segments import manage
from clarion.segments.conditions import Condition
from support import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Channel:
    return factory.channel("Shop")


@pytest.fixture
def dana(shop: Channel) -> Address:
    return factory.address(shop, "u1", "Dana")


def tag(person: Address, name: str) -> None:
    Tagging.objects.create(
        contact_id=person.contact_id, tag=Tag.objects.get_or_create(name=name)[0]
    )


def only(broadcast: Broadcast, person: Address) -> Way:
    broadcast.refresh_from_db()
    (way,) = why(broadcast, person.contact).ways
    return way


def texts(way: Way) -> list[str]:
    return [step.text for step in way.steps]


def draft(shop: Channel, **audience: Any) -> Broadcast:
    chosen_as = Audience.model_validate({"kind": "all", **audience})
    return factory.draft([shop], audience=chosen_as)


def test_each_attempt_receipt_and_pause_in_order(shop: Channel, dana: Address) -> None:
    broadcast = factory.sending([shop], text="Hello")
    factory.settle_each(shop, [{"state": "queued", "reason": "Busy.", "code": "503"}])
    ada = factory.agent()
    control.pause(broadcast, by=ada)
    control.resume(broadcast, by=ada)
    factory.settle_each(shop, [{"state": "sent", "attempts": 2, "external_id": "x1"}])
    now = clock.now_us()
    apply_receipts([ReceiptUpdate(shop.pk, "delivered", now, now, "x1")])

    way = only(broadcast, dana)

    assert texts(way) == [
        "The audience is all contacts on the chosen channels.",
        "Attempt 1: not sent",
        "The broadcast was paused by Ada.",
        "The broadcast was resumed by Ada.",
        "Attempt 2: sent",
        "The provider reported: delivered.",
        "It reached their device.",
    ]
    assert way.verdict == "It reached their device."
    moments = [step.at for step in way.steps]
    assert moments == sorted(filter(None, moments))
    attempts = [step.record for step in way.steps if step.record]
    assert [(a.error, a.code) for a in attempts] == [("Busy.", "503"), ("", "")]
    assert attempts[1].messages.text == "Hello Dana"


def test_a_failure_that_came_later_is_called_so(shop: Channel, dana: Address) -> None:
    broadcast = factory.sending([shop])
    factory.settle_each(shop, [{"state": "sent", "external_id": "x1"}])
    now = clock.now_us()
    refused = ReceiptUpdate(shop.pk, "failed", now, now, "x1", code="1", reason="Not there.")
    apply_receipts([refused])

    way = only(broadcast, dana)

    assert way.verdict == "It was sent. The provider reported later that it failed: Not there."
    assert "Attempt 1: sent, then reported as failed" in texts(way)
    assert "The provider reported a failure." in texts(way)


def test_each_error_says_what_it_is_about_and_what_to_do(shop: Channel, dana: Address) -> None:
    broadcast = factory.sending([shop])
    gone = {"state": "failed", "reason": "No such user.", "code": "404", "refusal": "unreachable"}
    factory.settle_each(shop, [gone])

    (attempt,) = [step for step in only(broadcast, dana).steps if step.record]

    assert attempt.explained is not None
    assert (attempt.explained.about, attempt.explained.words) == (
        "person", "Problem with the contact"
    )  # fmt: skip
    assert attempt.explained.advice.startswith("A restart doesn't reach this contact.")


def test_what_a_queued_message_waits_for(shop: Channel, dana: Address) -> None:
    broadcast = factory.sending([shop])
    factory.expand(broadcast)
    pause_channel(shop, reason="The password is wrong.", by="engine")
    Delivery.objects.update(due_at=clock.from_us(clock.now_us() + 3_600 * clock.SECOND))

    said = texts(only(broadcast, dana))

    assert "It waits to be sent." in said
    assert any("The password is wrong." in text for text in said)
    assert any(text.startswith("The next attempt is not before") for text in said)


def test_held_in_an_open_chat(shop: Channel, dana: Address) -> None:
    take_over(dana.pk, by=factory.agent())
    broadcast = factory.sending([shop])
    factory.expand(broadcast)
    assert only(broadcast, dana).verdict.startswith("It is held: they are in an open chat.")


def test_who_opted_out_was_skipped(shop: Channel, dana: Address) -> None:
    Address.objects.filter(pk=dana.pk).update(state=AddressState.OPTED_OUT)
    broadcast = factory.sending([shop])
    factory.expand(broadcast)
    assert only(broadcast, dana).verdict == "It was skipped: The contact opted out."


@pytest.mark.parametrize(
    ("audience", "rule", "words"),
    [
        (
            {"kind": "tags", "tags": ["vip"]},
            "not_chosen",
            "none of the tags of the audience",
        ),
        ({"without_tags": ["new"]}, "excluded_tag", "excludes contacts with the tag “new”"),
        ({"consents": ["News"]}, "no_consent", "not given the consent “News”"),
        ({"kind": "picks", "picked_from": "ids"}, "not_chosen", "not in the file"),
        ({"kind": "picks", "picked_from": "chats"}, "not_chosen", "chat number was not entered"),
        ({"kind": "picks", "picked_from": "hand"}, "not_chosen", "They were not picked."),
        ({}, "", "They are in the audience, and get it when it is sent."),
    ],
)
def test_the_rule_that_leaves_out_who_is_no_recipient(
    shop: Channel, dana: Address, audience: dict[str, Any], rule: str, words: str
) -> None:
    tag(dana, "new")
    tag(factory.address(shop, "u2", "Vera"), "vip")
    Consent.objects.create(name="News", text="Yes")
    broadcast = draft(shop, **audience)

    way = only(broadcast, dana)

    assert chosen.verdict(broadcast, dana).rule == rule
    assert words in way.verdict
    assert (way.delivery, way.steps) == (None, [])


def test_the_segment_that_chooses_or_leaves_out_is_named(shop: Channel, dana: Address) -> None:
    tag(dana, "new")
    tagged = manage.define(name="Newcomers", conditions=[Condition.parse("tag:new")], by=factory.BY)
    others = manage.define(name="Others", conditions=[Condition.parse("tag:old")], by=factory.BY)

    def verdict(**audience: Any) -> chosen.Verdict:
        return chosen.verdict(draft(shop, **audience), dana)

    left_out = verdict(without_segments=[tagged.pk, others.pk])
    assert left_out.rule == "excluded_segment"
    assert "excludes contacts in the segment “Newcomers”" in left_out.text
    not_chosen = verdict(kind="segments", segments=[others.pk])
    assert not_chosen.rule == "not_chosen"
    assert "in none of the segments of the audience: “Others”" in not_chosen.text
    chosen_one = draft(shop, kind="segments", segments=[tagged.pk])
    assert chosen.chosen_by(chosen_one, dana) == "They are in the segment “Newcomers”."


def test_who_has_never_written_is_told_so(shop: Channel, dana: Address) -> None:
    Address.objects.filter(pk=dana.pk).update(has_written=False)
    verdict = chosen.verdict(draft(shop, only_written=True), dana)
    assert verdict == chosen.Verdict(
        "not_written", "The contact has never written to this channel."
    )


def test_another_channel_and_a_contact_without_address(shop: Channel, dana: Address) -> None:
    broadcast = factory.draft([factory.channel("News")])
    assert only(broadcast, dana).verdict == ("The broadcast is not sent on Shop, but on: News.")
    assert why(broadcast, Contact.objects.create(name="Nobody")).ways == []


def test_who_came_after_the_recipients_were_chosen(shop: Channel, dana: Address) -> None:
    broadcast = factory.sending([shop])
    factory.expand(broadcast)
    late = factory.address(shop, "u2", "Late")
    assert "added after the recipients had been chosen" in only(broadcast, late).verdict


def test_a_trigger_says_when_it_fired_and_why_nothing_was_sent(
    shop: Channel, dana: Address
) -> None:
    trigger, everyone = {"on": "tag", "tag": "vip"}, {"kind": "all"}
    broadcast = factory.live_row("Welcome", type="trigger", trigger=trigger, audience=everyone)
    broadcast.channels.add(shop)
    assert only(broadcast, dana).verdict == "The trigger has not fired for this contact."

    at = clock.now()
    Firing.objects.create(
        broadcast=broadcast, contact_id=dana.contact_id, happened_at=at, due_at=at,
        state="dropped", reason="It does not hold that city is “Bonn”.",
    )  # fmt: skip

    way = only(broadcast, dana)

    assert way.verdict == "It does not hold that city is “Bonn”."
    assert texts(way) == ["They got the tag “vip”.", "It does not hold that city is “Bonn”."]


def test_a_periodic_broadcast_names_the_runs_of_this_contact(shop: Channel, dana: Address) -> None:
    live = factory.live_row(
        "Daily", recurrence={"every": "day", "at": "09:00"}, audience={"kind": "all"}
    )
    live.channels.add(shop)
    run = factory.sending([shop], parent=live)
    factory.expand(run)
    news = factory.channel("News")
    factory.people(news, 1)
    other = factory.sending([news], parent=live)

    answer = why(live, dana.contact)

    assert [found.pk for found in answer.runs] == [run.pk]
    assert (
        answer.ways[0].verdict == "This broadcast sends by its runs. Look at the run in question."
    )
    assert other.pk != run.pk


def test_it_costs_the_same_for_a_broadcast_to_many(shop: Channel, dana: Address) -> None:
    broadcast = factory.sending([shop])
    factory.expand(broadcast)
    with CaptureQueriesContext(connection) as few:
        only(broadcast, dana)
    factory.people(shop, 50, prefix="v")
    again = factory.sending([shop])
    factory.expand(again)
    with CaptureQueriesContext(connection) as many:
        only(again, dana)
    assert len(many) == len(few)
