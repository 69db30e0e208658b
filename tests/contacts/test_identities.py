"""One person under several user ids: found, joined, merged, moved."""

from datetime import UTC, datetime, timedelta

import pytest

from clarion.accounts.models import AuditEntry
from clarion.broadcasts.models import Pick
from clarion.broadcasts.query import Audience, candidates
from clarion.channels.models import Channel
from clarion.chats import control
from clarion.chats.models import Chat, Message
from clarion.consents.models import Change, Consent, Grant
from clarion.contacts import identities
from clarion.contacts.addresses import find_or_add, mark, mark_value
from clarion.contacts.models import Address, Contact
from clarion.contacts.search import contact_list
from clarion.contacts.tags import assign
from clarion.kit import db
from clarion.records import tallies
from clarion.records.models import Delivery
from support import factory

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def channel() -> Channel:
    return factory.channel()


def two(channel: Channel) -> tuple[Address, Address]:
    first, second = factory.people(channel, 2)
    return first, second


def reload(address: Address) -> Address:
    address.refresh_from_db()
    return address


def audience(channel: Channel) -> list[int]:
    query = candidates(Audience(kind="all"), [channel.pk])
    return sorted(row[0] for row in db.fetch(query.sql, query.params))


def test_an_unknown_id_beside_a_known_one_becomes_another_id_of_the_same_contact(
    channel: Channel,
) -> None:
    (address,) = factory.people(channel, 1)

    joined = identities.join(channel, ["u0", "US.1"])

    assert joined == address
    assert identities.find(channel, "US.1") == address
    assert Contact.objects.count() == 1
    assert audience(channel) == [address.pk]  # one message, not two


def test_ids_that_nobody_has_make_nobody(channel: Channel) -> None:
    assert identities.join(channel, ["1", "2"]) is None
    assert not Address.objects.exists()


def test_ids_of_another_channel_are_not_touched(channel: Channel) -> None:
    factory.people(channel, 1)
    other = factory.channel("other")
    factory.people(other, 1)

    identities.join(channel, ["u0", "US.1"])

    assert identities.find(other, "US.1") is None


def test_two_contacts_become_one_with_what_was_known_of_either(channel: Channel) -> None:
    kept, gone = two(channel)
    Contact.objects.filter(pk=kept.contact_id).update(name="", attributes={"city": "Ulm"})
    Contact.objects.filter(pk=gone.contact_id).update(
        name="Dana", language="de", attributes={"city": "Bonn", "age": "30"}
    )
    assign(["spring"], [kept.contact_id, gone.contact_id], by=factory.BY)
    assign(["old"], [gone.contact_id], by=factory.BY)
    elsewhere = Address.objects.create(
        contact=gone.contact, channel=factory.channel("other"), value="x"
    )

    identities.join(channel, ["u0", "u1"])

    contact = Contact.objects.get()
    assert (contact.name, contact.language) == ("Dana", "de")
    assert contact.attributes == {"city": "Ulm", "age": "30"}
    assert {tagging.tag.name for tagging in contact.taggings.all()} == {"spring", "old"}
    assert reload(elsewhere).contact_id == contact.pk
    assert identities.find(channel, "u1") == kept
    assert AuditEntry.objects.get(action="contacts.merge").detail == {"gone": gone.contact_id}


def test_three_at_once_of_whom_two_are_one_contact(channel: Channel) -> None:
    first, second, third = factory.people(channel, 3)
    Address.objects.filter(pk=third.pk).update(contact=second.contact)
    third.contact.delete()

    identities.join(channel, ["u0", "u1", "u2"])

    assert audience(channel) == [first.pk]
    assert Contact.objects.count() == 1


@pytest.mark.parametrize("who", [0, 1])
def test_an_opt_out_of_either_is_one_of_both(channel: Channel, who: int) -> None:
    both = two(channel)
    mark(both[who].pk, "opted_out", NOON)

    identities.join(channel, ["u0", "u1"])

    assert reload(both[0]).state == "opted_out"
    assert reload(both[1]).state == "alias"


def test_who_can_be_reached_is_kept(channel: Channel) -> None:
    lost, reached = two(channel)
    mark(lost.pk, "unreachable", NOON)

    assert identities.join(channel, ["u0", "u1"]) == reached
    assert reload(reached).state == "active"


def test_an_opt_out_by_any_id_stops_the_contact(channel: Channel) -> None:
    (address,) = factory.people(channel, 1)
    identities.join(channel, ["u0", "US.1"])

    assert mark_value(channel, "US.1", "opted_out", NOON)
    assert reload(address).state == "opted_out"


def test_an_old_unsubscribe_link_stops_the_contact(channel: Channel) -> None:
    kept, gone = two(channel)
    identities.join(channel, ["u0", "u1"])

    assert mark(gone.pk, "opted_out", NOON)
    assert reload(kept).state == "opted_out"


def test_ids_named_together_join_whoever_writes(channel: Channel) -> None:
    (address,) = factory.people(channel, 1)

    assert find_or_add(channel, "US.1", name="D", language="", aliases=("u0",)) == address
    new = find_or_add(channel, "491", name="New", language="", aliases=("DE.7",))
    assert identities.find(channel, "DE.7") == new
    assert find_or_add(channel, "DE.7", name="", language="") == new


def test_a_broadcast_on_its_way_reaches_them_once(channel: Channel) -> None:
    kept, gone = two(channel)
    broadcast = factory.sending([channel])
    assert Delivery.objects.filter(state="queued").count() == 2

    identities.join(channel, ["u0", "u1"])

    states = dict(Delivery.objects.values_list("address_id", "state"))
    assert states == {kept.pk: "queued", gone.pk: "skipped"}
    counts = tallies.counts([broadcast.pk])[broadcast.pk]
    assert (counts["queued"], counts["skipped"]) == (1, 1)


def test_what_only_the_merged_address_waits_for_is_sent_to_the_other(channel: Channel) -> None:
    kept, _ = two(channel)
    factory.sending([channel])
    Delivery.objects.filter(address=kept.pk).delete()

    identities.join(channel, ["u0", "u1"])

    assert list(Delivery.objects.values_list("address_id", "state")) == [(kept.pk, "queued")]


def test_who_got_it_by_the_merged_address_does_not_get_it_again(channel: Channel) -> None:
    kept, gone = two(channel)
    factory.sending([channel])
    Delivery.objects.filter(address=gone.pk).update(state="sent")

    identities.join(channel, ["u0", "u1"])

    states = dict(Delivery.objects.values_list("address_id", "state"))
    assert states == {kept.pk: "skipped", gone.pk: "sent"}


def test_what_waits_is_skipped_when_either_has_opted_out(channel: Channel) -> None:
    both = two(channel)
    factory.sending([channel])
    mark(both[1].pk, "opted_out", NOON)

    identities.join(channel, ["u0", "u1"])

    assert set(Delivery.objects.values_list("state", flat=True)) == {"skipped"}


def test_who_was_chosen_by_either_id_is_chosen_once(channel: Channel) -> None:
    kept, gone = two(channel)
    one, other = factory.draft([channel]), factory.draft([channel])
    Pick.objects.bulk_create(
        Pick(broadcast=broadcast, address=address)
        for broadcast, address in ((one, kept), (one, gone), (other, gone))
    )

    identities.join(channel, ["u0", "u1"])

    picks = set(Pick.objects.values_list("broadcast_id", "address_id"))
    assert picks == {(one.pk, kept.pk), (other.pk, kept.pk)}


def test_an_open_chat_stays_open_and_holds(channel: Channel) -> None:
    agent = factory.agent()
    kept, gone = two(channel)
    factory.sending([channel])
    Chat.objects.create(address=kept)
    Message.objects.create(chat_id=kept.pk, inbound=True, text="a", external_id="1")
    control.take_over(gone.pk, by=agent)
    Message.objects.create(chat_id=gone.pk, inbound=True, text="a", external_id="1")
    Message.objects.create(chat_id=gone.pk, inbound=True, text="b", external_id="2")

    identities.join(channel, ["u0", "u1"])

    chat = Chat.objects.get()
    assert (chat.pk, chat.state, chat.agent) == (kept.pk, "open", agent)
    said = list(chat.messages.filter(inbound=True).values_list("text", flat=True))
    assert sorted(said) == ["a", "b"]
    assert Delivery.objects.get(address=kept.pk).state == "held"
    assert control.find(gone.pk).pk == kept.pk


def test_the_newest_word_about_a_consent_counts(channel: Channel) -> None:
    kept, gone = two(channel)
    for number, (name, later) in enumerate([("ads", gone), ("news", kept)]):
        consent = Consent.objects.create(name=name)
        for person in (kept, gone):
            given = person is not later
            at = NOON + timedelta(minutes=number + (person is later))
            for model, more in ((Grant, {}), (Change, {"how": "form"})):
                model.objects.create(
                    consent=consent, contact=person.contact, given=given, at=at, **more
                )

    identities.join(channel, ["u0", "u1"])

    standing = dict(Grant.objects.values_list("consent__name", "given"))
    assert standing == {"ads": False, "news": False}
    assert Change.objects.filter(contact=kept.contact_id).count() == 4


@pytest.mark.parametrize("withdrew", [0, 1])
def test_a_withdrawal_counts_among_words_of_one_moment(channel: Channel, withdrew: int) -> None:
    consent = Consent.objects.create(name="news")
    for number, person in enumerate(two(channel)):
        Grant.objects.create(
            consent=consent, contact=person.contact, given=number != withdrew, at=NOON
        )

    identities.join(channel, ["u0", "u1"])

    assert not Grant.objects.get().given


def test_moving_frees_the_old_id(channel: Channel) -> None:
    (address,) = factory.people(channel, 1)

    assert identities.move(channel, "u0", "n1", keeps_old=False)

    assert reload(address).value == "n1"
    assert identities.find(channel, "u0") is None
    assert Address.objects.count() == 1


def test_moving_keeps_the_old_id_where_it_stays_theirs(channel: Channel) -> None:
    (address,) = factory.people(channel, 1)
    mark(address.pk, "unreachable", NOON)

    assert identities.move(channel, "u0", "-1001", keeps_old=True)

    assert (reload(address).value, address.state) == ("-1001", "active")
    assert identities.find(channel, "u0") == address
    assert not identities.move(channel, "nobody", "x", keeps_old=True)


@pytest.mark.parametrize("keeps_old", [True, False])
def test_moving_to_an_id_that_is_there_merges(channel: Channel, keeps_old: bool) -> None:
    first, _ = two(channel)
    mark(first.pk, "opted_out", NOON)

    assert identities.move(channel, "u0", "u1", keeps_old=keeps_old)

    assert (reload(first).value, first.state) == ("u1", "opted_out")
    assert identities.find(channel, "u1") == first
    assert identities.find(channel, "u0") == (first if keeps_old else None)
    assert audience(channel) == [first.pk]


def test_a_contact_is_found_by_any_id_and_listed_once(channel: Channel) -> None:
    (address,) = factory.people(channel, 1)
    identities.join(channel, ["u0", "US.1234"])

    (row,) = contact_list(q="US.1").rows
    assert [one.id for one in row.addresses] == [address.pk]


def test_what_either_has_written_counts_for_both(channel: Channel) -> None:
    first, second = two(channel)
    Address.objects.filter(pk=first.pk).update(has_written=False)
    Address.objects.filter(pk=second.pk).update(wrote_at=NOON)
    kept = identities.join(channel, [first.value, second.value])
    assert kept is not None
    assert (reload(kept).has_written, kept.wrote_at) == (True, NOON)
