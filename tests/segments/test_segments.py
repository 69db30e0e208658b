"""Segments: who is in them, counted, used as audience and exclusion, and watched (A9)."""

from datetime import timedelta
from typing import Any

import pytest

from clarion.accounts.models import AuditEntry
from clarion.broadcasts.audience import audience_problems, summary
from clarion.broadcasts.firings import watched_segments
from clarion.broadcasts.models import Firing
from clarion.broadcasts.query import Audience, candidates
from clarion.channels.models import Channel
from clarion.consents.grants import give, withdraw
from clarion.consents.manage import define as define_consent
from clarion.contacts.attribute_filters import ConditionError
from clarion.contacts.models import Address, Contact
from clarion.contacts.tags import assign, remove
from clarion.engine.fire import watch_segments
from clarion.kit import clock, db, sampling
from clarion.segments import manage, members, watch
from clarion.segments.conditions import Condition
from clarion.segments.manage import SegmentError
from clarion.segments.models import Membership, Segment
from support import factory

pytestmark = pytest.mark.django_db
NOW = clock.now()


@pytest.fixture
def channel() -> Channel:
    return factory.channel()


def add(channel: Channel, *names: str) -> dict[str, Address]:
    return {name: factory.address(channel, f"id-{name}", name) for name in names}


def segment(*typed: str, name: str = "ours", match: str = "all") -> Segment:
    conditions = [Condition.parse(each) for each in typed]
    return manage.define(name=name, conditions=conditions, match=match, by=factory.BY)


def inside(of: Segment) -> str:
    sql, params = members.in_any([of.pk], "p.id", "")
    rows = db.fetch(f"SELECT p.name FROM contacts_contact p WHERE {sql} ORDER BY p.name", params)
    assert members.count(of).contacts == len(rows)
    return " ".join(row[0] for row in rows)


def sent(to: Address, *states: str, days_ago: int = 0) -> None:
    """Broadcasts that this person got, the oldest first; what became of each."""
    at = clock.to_us(clock.now() - timedelta(days=days_ago))
    for state in states:
        delivery = factory.delivery(factory.broadcast(), to, state)
        factory.record(delivery, at=at)


class TestConditions:
    def test_on_what_is_known_of_a_contact(self, channel: Channel) -> None:
        people = add(channel, "Ada", "Bob", "Cem")
        Contact.objects.filter(name="Ada").update(attributes={"city": "Bonn", "age": "41"})
        Contact.objects.filter(name="Bob").update(attributes={"city": "Bonn"}, language="de")
        assign(["vip"], [people["Ada"].contact_id], by=factory.BY)
        assert inside(segment("city=bonn", name="a")) == "Ada Bob"
        assert inside(segment("city=bonn", "age>40", name="b")) == "Ada"
        assert inside(segment("tag:vip", "language=de", name="c", match="any")) == "Ada Bob"
        assert inside(segment("!tag:vip", "!city", name="d")) == "Cem"
        assert inside(segment("tag:nobody", name="e")) == ""
        assert inside(segment("!tag:nobody", name="f")) == "Ada Bob Cem"

    def test_on_channels_and_consents(self, channel: Channel) -> None:
        people = add(channel, "Ada", "Bob")
        add(factory.channel("other"), "Cem")
        news = define_consent(name="News", by=factory.BY)
        ids = [people["Ada"].contact_id, people["Bob"].contact_id]
        give(news, ids, how="form", by=factory.BY)
        withdraw(news, ids[:1], how="agent", by=factory.BY)
        assert inside(segment("channel:sink", name="a")) == "Ada Bob"
        assert inside(segment("!channel:sink", name="b")) == "Cem"
        assert inside(segment("consent:News", name="c")) == "Bob"
        assert inside(segment("!consent:News", name="d")) == "Ada Cem"

    def test_on_what_happened(self, channel: Channel) -> None:
        people = add(channel, "Ada", "Bob", "Cem")
        sent(people["Ada"], "sent", days_ago=10)
        sent(people["Bob"], "sent", days_ago=40)
        Address.objects.filter(pk=people["Cem"].pk).update(wrote_at=NOW - timedelta(days=3))
        Contact.objects.filter(name="Bob").update(created_at=NOW - timedelta(days=100))
        assert inside(segment("received:30d", name="a")) == "Ada"
        assert inside(segment("received:60d", name="b")) == "Ada Bob"
        assert inside(segment("!received:30d", name="c")) == "Bob Cem"
        assert inside(segment("wrote:7d", name="d")) == "Cem"
        assert inside(segment("!wrote:2d", name="e")) == "Ada Bob Cem"
        assert inside(segment("added:30d", name="f")) == "Ada Cem"
        assert inside(segment("!added:30d", name="g")) == "Bob"

    def test_an_attempt_that_failed_is_no_message(self, channel: Channel) -> None:
        (ada,) = add(channel, "Ada").values()
        delivery = factory.delivery(factory.broadcast(), ada, "failed")
        factory.record(delivery, at=clock.now_us(), because=factory.reason())
        assert inside(segment("received:30d")) == ""

    def test_who_has_read_none_of_the_last_messages(self, channel: Channel) -> None:
        people = add(channel, "Ada", "Bob", "Cem", "Dan")
        sent(people["Ada"], "read", "delivered", "sent", "delivered")  # read one before the last 3
        sent(people["Bob"], "sent", "read", "sent")
        sent(people["Cem"], "sent", "sent")  # has not got so many
        bot = factory.channel("bot", "telegram")  # which can't report reading
        sent(factory.address(bot, "1", "Eve"), "sent", "sent", "sent")
        assert inside(segment("read-none:3", name="a")) == "Ada"
        assert inside(segment("read-none:1", name="b")) == "Ada Bob Cem"

    @pytest.mark.parametrize(
        "typed",
        ["city=Bonn", "age>=30", "!city", "tag:vip", "!tag:vip", "consent:News", "!channel:shop",
         "wrote:30d", "!received:7d", "added:1d", "read-none:5"],
    )  # fmt: skip
    def test_the_short_form_is_read_back(self, typed: str) -> None:
        condition = Condition.parse(typed)
        assert condition.short() == typed
        assert Condition.stored(condition.dump()) == condition
        assert condition.words()

    @pytest.mark.parametrize(
        "typed",
        ["tag:", "wrote:30", "wrote:0d", "received:9999d", "read-none:0", "!read-none:5",
         "read-none:x", "consent:" + "x" * 101],
    )  # fmt: skip
    def test_what_is_none_is_refused(self, typed: str) -> None:
        with pytest.raises(ConditionError):
            Condition.parse(typed)


class TestManaging:
    def test_names_and_conditions_are_checked(self) -> None:
        segment("city=Bonn")
        for fields in (
            {"name": "ours", "conditions": [Condition.parse("city")]},
            {"name": " ", "conditions": [Condition.parse("city")]},
            {"name": "x", "conditions": []},
            {"name": "x", "conditions": [Condition.parse("city")] * 21},
            {"name": "x", "conditions": [Condition.parse("city")], "match": "some"},
        ):
            with pytest.raises(SegmentError):
                manage.define(**fields, by=factory.BY)
        with pytest.raises(SegmentError, match="Choose one of: ours"):
            manage.find("theirs")

    def test_it_is_in_the_audit_log(self) -> None:
        ours = segment("city=Bonn")
        manage.update(ours, name="Bonn", by=factory.BY)
        manage.delete(ours, by=factory.BY)
        actions = AuditEntry.objects.filter(action__startswith="segment").order_by("pk")
        assert [entry.action for entry in actions] == [
            "segment.add", "segment.update", "segment.delete",
        ]  # fmt: skip

    def test_one_that_a_broadcast_needs_stays(self, channel: Channel) -> None:
        ours = segment("city=Bonn")
        draft = factory.draft([channel], audience=Audience(kind="all", without_segments=[ours.pk]))
        assert manage.needed_by(ours) == []
        draft.state = "scheduled"
        draft.save()
        with pytest.raises(SegmentError, match=f"used by broadcast {draft.pk}"):
            manage.delete(ours, by=factory.BY)


class TestAudience:
    @pytest.fixture
    def bonn(self, channel: Channel) -> Segment:
        add(channel, "Ada", "Bob", "Cem")
        Contact.objects.filter(name__in=["Ada", "Bob"]).update(attributes={"city": "Bonn"})
        return segment("city=Bonn")

    def test_as_an_audience(self, channel: Channel, bonn: Segment) -> None:
        chosen = Audience(kind="segments", segments=[bonn.pk])
        assert summary(chosen, [channel]).total == 2
        assert summary(chosen, [channel], quick=True).total == 2
        broadcast = factory.sending([channel], audience=chosen)
        assert factory.states(broadcast) == {"queued": 2}

    def test_as_an_exclusion(self, channel: Channel, bonn: Segment) -> None:
        chosen = Audience(kind="all", without_segments=[bonn.pk])
        counted = summary(chosen, [channel])
        assert (counted.total, counted.dropped) == (1, {"excluded_segment": 2})
        broadcast = factory.sending([channel], audience=chosen)
        assert factory.states(broadcast) == {"queued": 1}

    def test_each_part_of_an_audience_is_what_the_whole_is(
        self, channel: Channel, bonn: Segment
    ) -> None:
        chosen = Audience(kind="segments", segments=[bonn.pk], without_segments=[])
        whole = candidates(chosen, [channel.pk])
        rows = sorted(db.fetch(whole.sql, whole.params))
        contacts = [row[2] for row in rows]
        part = candidates(chosen, [channel.pk], contacts=contacts)
        assert sorted(db.fetch(part.sql, part.params)) == rows
        span = candidates(chosen, [channel.pk], span=(0, rows[0][0]))
        assert db.fetch(span.sql, span.params) == rows[:1]

    def test_what_can_not_be_sent_to_is_explained(self, channel: Channel, bonn: Segment) -> None:
        def problems(**fields: Any) -> list[str]:
            return audience_problems(Audience(**fields), [channel])

        assert problems(kind="segments", segments=[bonn.pk]) == []
        assert problems(kind="segments") == ["Choose at least one segment."]
        gone = ["A segment of this audience has been deleted. Choose another one."]
        assert problems(kind="segments", segments=[bonn.pk + 1]) == gone
        assert problems(kind="all", without_segments=[bonn.pk + 1]) == gone

    def test_a_large_one_is_counted_about_at_first(
        self, channel: Channel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        people = factory.people(channel, 600)
        half = [address.contact_id for address in people[::2]]
        assign(["half"], half, by=factory.BY)
        ours = segment("tag:half")
        assert members.count(ours, quick=True) == members.Count(300)
        monkeypatch.setattr(sampling, "EXACT", 100)
        monkeypatch.setattr(members, "EXACT", 100)
        monkeypatch.setattr(sampling, "LOOKED", 400)
        about = members.count(ours, quick=True)
        assert about.about
        assert 240 <= about.contacts <= 360
        assert members.count(ours) == members.Count(300)


class TestJoining:
    @pytest.fixture
    def vips(self, channel: Channel) -> dict[str, Address]:
        return add(channel, "Ada", "Bob", "Cem")

    def look(self) -> None:
        """Once through all contacts, as a worker does within a minute or two."""
        Segment.objects.update(next_look_at=None)
        while watch_segments():
            pass

    def live(self, channel: Channel, ours: Segment, **more: Any) -> Any:
        trigger = {"on": "segment", "segment": ours.pk, "delay": 60, **more}
        return factory.live([channel], type="trigger", trigger=trigger)

    def fired(self) -> list[str]:
        return list(Firing.objects.order_by("pk").values_list("contact__name", flat=True))

    def test_c4_who_joins_later_fires_the_trigger_once(
        self, channel: Channel, vips: dict[str, Address]
    ) -> None:
        ours = segment("tag:vip")
        assign(["vip"], [vips["Ada"].contact_id], by=factory.BY)
        trigger = self.live(channel, ours)
        self.look()
        assert self.fired() == []  # Ada was in it before

        assign(["vip"], [vips["Bob"].contact_id], by=factory.BY)
        self.look()
        self.look()
        assert self.fired() == ["Bob"]
        assert "joins" not in trigger.trigger  # what is stored is the id of the segment
        assert trigger.trigger["segment"] == ours.pk

        remove(["vip"], [vips["Bob"].contact_id], by=factory.BY)
        self.look()
        assign(["vip"], [vips["Bob"].contact_id], by=factory.BY)
        self.look()
        assert self.fired() == ["Bob"]

    def test_c4_again_each_time(self, channel: Channel, vips: dict[str, Address]) -> None:
        ours = segment("tag:vip")
        self.live(channel, ours, again=True)
        self.look()
        for _ in range(2):
            assign(["vip"], [vips["Bob"].contact_id], by=factory.BY)
            self.look()
            remove(["vip"], [vips["Bob"].contact_id], by=factory.BY)
            self.look()
        assert self.fired() == ["Bob", "Bob"]

    def test_new_conditions_are_no_joining(
        self, channel: Channel, vips: dict[str, Address]
    ) -> None:
        ours = segment("tag:vip")
        self.live(channel, ours)
        self.look()
        manage.update(ours, conditions=[Condition.parse("channel:sink")], by=factory.BY)
        self.look()
        assert self.fired() == []
        add(channel, "Dan")
        self.look()
        assert self.fired() == ["Dan"]

    def test_contacts_are_looked_at_in_chunks(
        self, channel: Channel, vips: dict[str, Address]
    ) -> None:
        ours = segment("channel:sink")
        watch.watch_only([ours.pk])
        steps = 0
        while watch.advance(ours.pk, 2):
            steps += 1
        assert steps == 3  # two, one, and the end
        assert Membership.objects.count() == 3
        assert not watch.advance(ours.pk, 2)  # the next time through is a minute later

    def test_a_segment_is_watched_while_a_trigger_needs_it(
        self, channel: Channel, vips: dict[str, Address]
    ) -> None:
        ours = segment("channel:sink")
        trigger = self.live(channel, ours)
        assert watched_segments() == [ours.pk]
        with pytest.raises(SegmentError, match="is used by"):
            manage.delete(ours, by=factory.BY)
        self.look()
        assert Membership.objects.count() == 3
        type(trigger).objects.filter(pk=trigger.pk).update(state="stopped")
        self.look()
        ours.refresh_from_db()
        assert not ours.is_watched
        assert not Membership.objects.exists()
