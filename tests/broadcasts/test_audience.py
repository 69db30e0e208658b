"""Who a broadcast is for: counted beforehand, and written as deliveries, by the same query."""

from collections.abc import Callable

import pytest

from clarion.broadcasts.audience import audience_problems, summary
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.picks import add_picks
from clarion.broadcasts.query import Audience, candidates, end_of_chunk
from clarion.broadcasts.reasons import HELD, LEFT_OUT
from clarion.channels.models import Channel
from clarion.chats.models import Chat
from clarion.consents.grants import give, withdraw
from clarion.consents.manage import define
from clarion.contacts.models import Address, Contact, Tag, Tagging
from clarion.contacts.states import CHOOSABLE
from clarion.kit import db
from support import factory

pytestmark = pytest.mark.django_db
ALL = Audience(kind="all")


@pytest.fixture
def one() -> Channel:
    return factory.channel("one")


@pytest.fixture
def two() -> Channel:
    return factory.channel("two")


@pytest.fixture
def add() -> Callable[..., Address]:
    def add(
        channel: Channel, name: str, *tags: str, state: str = "active", chat: str = ""
    ) -> Address:
        address = factory.address(channel, f"id-{name}", name, state=state)
        for tag in tags:
            row = Tag.objects.get_or_create(name=tag)[0]
            Tagging.objects.create(contact=address.contact, tag=row)
        if chat:
            Chat.objects.create(address=address, state=chat)
        return address

    return add


def reasons(
    audience: Audience,
    *channels: Channel,
    broadcast: Broadcast | None = None,
    contacts: list[int] | None = None,
) -> dict:
    query = candidates(
        audience,
        [channel.pk for channel in channels],
        broadcast_id=broadcast.pk if broadcast else None,
        contacts=contacts,
    )
    rows = db.fetch(query.sql, query.params)
    assert len({row[0] for row in rows}) == len(rows)
    names = dict(Address.objects.values_list("pk", "contact__name"))
    return {names[address]: reason for address, _, _, reason in rows}


def tagged(*tags: str, without: tuple[str, ...] = ()) -> Audience:
    return Audience(kind="tags", tags=list(tags), without_tags=list(without))


class TestWho:
    def test_everybody_on_the_channels(self, one: Channel, two: Channel, add: Callable) -> None:
        add(one, "Ada")
        add(two, "Bob")
        add(factory.channel("three"), "Cem")
        assert reasons(ALL, one) == {"Ada": ""}
        assert reasons(ALL, two, one) == {"Ada": "", "Bob": ""}

    def test_the_reason_why_somebody_drops_out(self, one: Channel, add: Callable) -> None:
        for state in CHOOSABLE:
            add(one, str(state), state=state)
        for state in Chat.State.values:
            add(one, f"chat {state}", chat=state)
        add(one, "blocked and open", state="blocked", chat="open")
        counts = reasons(ALL, one)
        assert counts == {
            "active": "", "opted_out": "opted_out", "blocked": "blocked",
            "deactivated": "deactivated", "unreachable": "unreachable",
            "chat bot": "", "chat open": "open_chat", "chat closed": "",
            "blocked and open": "blocked",
        }  # fmt: skip
        assert set(counts.values()) - {""} < {*LEFT_OUT, HELD}

    def test_any_of_the_tags_and_each_person_once(self, one: Channel, add: Callable) -> None:
        """SQLite 3.51.1 gives a row twice for EXISTS (… IN (…)) when both tags are there."""
        for number in range(50):
            add(one, f"both {number}", "vip", "beta")
        add(one, "vip", "vip")
        add(one, "none", "other")
        counts = reasons(tagged("vip", "beta"), one)
        assert len(counts) == 51
        assert "none" not in counts

    def test_very_many_tags_are_looked_up_once_for_each_person(
        self, one: Channel, add: Callable
    ) -> None:
        """One lookup for each tag took seconds of 300 tags, and over a minute of 990."""
        names = [f"t{number}" for number in range(990)]
        Tag.objects.bulk_create(Tag(name=name) for name in names)
        for number in range(0, 990, 90):
            add(one, f"has {number}", f"t{number}", f"t{number + 1}", "beta")
        add(one, "none", "beta")
        included, excluded = tagged(*names), Audience(kind="all", without_tags=names)
        assert set(reasons(included, one)) == {f"has {number}" for number in range(0, 990, 90)}
        assert [name for name, why in reasons(excluded, one).items() if not why] == ["none"]
        for audience in (included, excluded):
            assert candidates(audience, [one.pk]).sql.count("contacts_tagging") == 1

    def test_excluding_tags_remove_people(self, one: Channel, add: Callable) -> None:
        add(one, "Ada", "vip")
        add(one, "Bob", "vip", "staff")
        add(one, "Cem", "vip", "test", state="blocked")
        add(one, "Dan")
        audience = tagged("vip", without=("staff", "test"))
        assert reasons(audience, one) == {
            "Ada": "", "Bob": "excluded_tag", "Cem": "excluded_tag",
        }  # fmt: skip
        audience = Audience(kind="all", without_tags=["staff"])
        assert reasons(audience, one) == {
            "Ada": "", "Bob": "excluded_tag", "Cem": "blocked", "Dan": "",
        }  # fmt: skip

    def test_a_tag_that_is_gone_has_nobody(self, one: Channel, add: Callable) -> None:
        add(one, "Ada", "vip")
        assert reasons(tagged("gone"), one) == {}
        assert reasons(tagged("vip", without=("gone",)), one) == {"Ada": ""}

    def test_picked_contacts(self, one: Channel, two: Channel, add: Callable) -> None:
        ada, bob = add(one, "Ada"), add(two, "Bob", state="opted_out")
        add(one, "Cem")
        broadcast, other = factory.draft([one]), factory.draft([one])
        add_picks(broadcast, [ada.pk, bob.pk])
        add_picks(other, [bob.pk])
        picks = Audience(kind="picks", picked_from="hand")
        assert reasons(picks, one, two, broadcast=broadcast) == {"Ada": "", "Bob": "opted_out"}
        assert reasons(picks, one, broadcast=broadcast) == {"Ada": ""}

    def test_required_consents(self, one: Channel, add: Callable) -> None:
        """All of them: and whoever is blocked anyway drops out for that reason."""
        news, sms = define(name="News", by=factory.BY), define(name="SMS", by=factory.BY)
        people = {name: add(one, name).contact_id for name in ("both", "news", "neither", "gone")}
        open_chat = add(one, "open", chat="open").contact_id
        blocked = add(one, "blocked", "staff", state="blocked")
        add(one, "staff", "staff")
        give(news, [people["both"], people["news"], people["gone"]], how="form", by=factory.BY)
        give(sms, [people["both"], open_chat, people["gone"]], how="form", by=factory.BY)
        withdraw(sms, [people["gone"]], how="form", by=factory.BY)
        audience = Audience(kind="all", consents=["News", "SMS", "News"])
        assert reasons(audience, one) == {
            "both": "", "news": "no_consent", "neither": "no_consent", "gone": "no_consent",
            "open": "no_consent", "blocked": "blocked", "staff": "no_consent",
        }  # fmt: skip
        audience = Audience(kind="all", consents=["SMS"], without_tags=["staff"])
        assert reasons(audience, one) == {
            "both": "", "news": "no_consent", "neither": "no_consent", "gone": "no_consent",
            "open": "open_chat", "blocked": "excluded_tag", "staff": "excluded_tag",
        }  # fmt: skip
        give(news, [blocked.contact_id], how="form", by=factory.BY)
        assert set(reasons(Audience(kind="all", consents=["gone"]), one).values()) == {
            "no_consent", "blocked",
        }  # fmt: skip

    def test_these_contacts_alone(self, one: Channel, two: Channel, add: Callable) -> None:
        """As a trigger asks, of whom it has fired for."""
        ada, bob = add(one, "Ada", "vip"), add(one, "Bob", state="opted_out")
        cem = add(two, "Cem", "vip")
        add(one, "Dan", "vip")
        asked = [ada.contact_id, bob.contact_id, cem.contact_id, ada.contact_id, 10**12]
        assert reasons(ALL, one, contacts=asked) == {"Ada": "", "Bob": "opted_out"}
        assert reasons(ALL, one, contacts=[]) == {}
        assert reasons(tagged("vip"), one, two, contacts=asked) == {"Ada": "", "Cem": ""}
        broadcast = factory.draft([one, two])
        add_picks(broadcast, [cem.pk, bob.pk])
        picks = Audience(kind="picks")
        assert reasons(picks, one, two, broadcast=broadcast, contacts=asked) == {
            "Bob": "opted_out", "Cem": "",
        }  # fmt: skip
        span = candidates(ALL, [one.pk], contacts=asked, span=(bob.pk, cem.pk))
        assert [row[0] for row in db.fetch(span.sql, span.params)] == [bob.pk]

    def test_contacts_are_looked_up_by_index(self, one: Channel) -> None:
        factory.people(one, 10_000)
        db.execute("ANALYZE")
        if db.is_postgres():  # which reads 10,000 rows as gladly as it looks up 100
            db.execute("SET LOCAL enable_hashjoin = off")
            db.execute("SET LOCAL enable_mergejoin = off")
        query = candidates(ALL, [one.pk], contacts=[1, 2, 3])
        explain = "EXPLAIN" if db.is_postgres() else "EXPLAIN QUERY PLAN"
        plan = "\n".join(str(row[-1]) for row in db.fetch(f"{explain} {query.sql}", query.params))
        assert "contacts_address_contact" in plan
        assert "SCAN a" not in plan
        assert "Seq Scan on contacts_address" not in plan

    def test_spans_cut_it_into_parts(self, one: Channel, two: Channel, add: Callable) -> None:
        for number in range(40):
            add((one, two)[number % 3 == 0], f"P{number}", *["vip"][: number % 2], chat="open")
        broadcast = factory.draft([one, two])
        add_picks(broadcast, Address.objects.filter(pk__gt=0).values_list("pk", flat=True)[::4])
        channels = [one.pk, two.pk]
        for audience in (ALL, tagged("vip"), Audience(kind="picks")):
            whole = candidates(audience, channels, broadcast_id=broadcast.pk)
            after, parts = 0, []
            while last := end_of_chunk(
                audience, channels, broadcast_id=broadcast.pk, after=after, size=7
            ):
                part = candidates(
                    audience, channels, broadcast_id=broadcast.pk, span=(after + 1, last)
                )
                parts += db.fetch(part.sql, part.params)
                after = last
            assert sorted(parts) == sorted(db.fetch(whole.sql, whole.params))
            assert parts


class TestSummary:
    def test_counts_by_channel_and_by_reason(
        self, one: Channel, two: Channel, add: Callable
    ) -> None:
        add(one, "Ada", "vip")
        add(one, "Bob", "vip", state="blocked")
        add(two, "Cem", "vip")
        add(two, "Dan", "vip", "staff")
        add(two, "Eve", "vip", chat="open")
        add(factory.channel("three"), "Fay", "vip")
        Tagging.objects.create(contact=Contact.objects.create(), tag=Tag.objects.get(name="vip"))
        counted = summary(tagged("vip", without=("staff",)), [one, two])
        assert (counted.total, counted.held) == (3, 1)
        assert counted.by_channel == {one.pk: 1, two.pk: 2}
        assert counted.dropped == {"blocked": 1, "excluded_tag": 1, "no_address": 2}
        assert counted.sample == ["Ada", "Cem"]

    def test_picks_on_other_channels_have_no_address(
        self, one: Channel, two: Channel, add: Callable
    ) -> None:
        broadcast = factory.draft([one])
        add_picks(broadcast, [add(one, "Ada").pk, add(two, "Bob").pk])
        counted = summary(Audience(kind="picks"), [one], broadcast_id=broadcast.pk)
        assert (counted.total, counted.dropped) == (1, {"no_address": 1})

    def test_a_sample_of_names(self, one: Channel, add: Callable) -> None:
        add(one, "Bob", state="blocked")
        for number in range(5):
            add(one, f"P{number}")
        Contact.objects.filter(name="P1").update(name="")
        assert summary(ALL, [one]).sample == ["P0", "id-P1", "P2", "P3", "P4"]
        for number in range(5, 9):
            add(one, f"P{number}")
        some = summary(ALL, [one]).sample  # any five of them
        assert len(set(some)) == 5
        assert set(some) <= {"id-P1", *(f"P{number}" for number in range(9))}

    def test_nobody(self, one: Channel) -> None:
        counted = summary(ALL, [one])
        assert (counted.total, counted.by_channel, counted.dropped, counted.sample) == (
            0, {one.pk: 0}, {}, [],
        )  # fmt: skip
        assert summary(ALL, []).total == 0


class TestProblems:
    def test_none_when_somebody_is_there(self, one: Channel, add: Callable) -> None:
        add(one, "Ada", "vip", "staff")
        add(one, "Bob", "vip")
        assert audience_problems(ALL, [one]) == []
        assert audience_problems(tagged("vip", without=("staff",)), [one]) == []

    @pytest.mark.parametrize(
        ("audience", "problem"),
        [
            (tagged(), "Choose at least one tag."),
            (tagged("nobody's"), "No contact has the tag “nobody's”. Choose another one."),
            (tagged("empty"), "No contact has the tag “empty”. Choose another one."),
            (tagged("vip", without=("empty",)),
             "No contact has the tag “empty”. Choose another one."),
            (tagged("vip", without=("vip",)),
             "This audience has no contacts on one. Choose another audience."),
        ],
    )  # fmt: skip
    def test_says_what_to_do(
        self, one: Channel, add: Callable, audience: Audience, problem: str
    ) -> None:
        add(one, "Ada", "vip")
        Tag.objects.create(name="empty")
        assert audience_problems(audience, [one]) == [problem]

    def test_a_consent_that_is_gone(self, one: Channel, add: Callable) -> None:
        add(one, "Ada")
        define(name="News", by=factory.BY)
        assert audience_problems(Audience(kind="all", consents=["News"]), [one]) == []
        assert audience_problems(Audience(kind="all", consents=["News", "SMS"]), [one]) == [
            "There is no consent “SMS”. Choose another one."
        ]

    def test_nobody_there(self, one: Channel, two: Channel, add: Callable) -> None:
        add(two, "Ada")
        problem = "This audience has no contacts on one. Choose another audience."
        assert audience_problems(ALL, [one]) == [problem]
        broadcast = factory.draft([one])
        picks = Audience(kind="picks")
        assert audience_problems(picks, [one], broadcast_id=broadcast.pk) == [problem]
