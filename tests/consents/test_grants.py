"""Who gave a consent, and who withdrew it."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from clarion.accounts.models import AuditEntry
from clarion.broadcasts import drafts, launch
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.query import Audience
from clarion.broadcasts.reasons import SKIPPED
from clarion.consents import grants
from clarion.consents.grants import Count, counts, everyone, give, lacking, owners, withdraw
from clarion.consents.manage import ConsentError, define, update
from clarion.consents.models import Change, Consent, Grant
from clarion.consents.proof import Proof
from clarion.contacts.models import Address, Tag, Tagging
from clarion.engine import lifecycle, reap
from clarion.engine.attempt import requeued
from clarion.engine.claim import claim
from clarion.engine.settle import settle
from clarion.kit import clock
from clarion.records import tallies
from clarion.records.models import Delivery
from support import factory

pytestmark = pytest.mark.django_db
BY = factory.BY
EARLIER = datetime(2024, 5, 1, tzinfo=UTC)


@pytest.fixture
def consent() -> Consent:
    return define(name="Newsletter", by=BY)


@pytest.fixture
def addresses() -> list[Address]:
    return factory.people(factory.channel(), 5)


def holders(consent: Consent) -> list[int]:
    grants_of_it = Grant.objects.filter(consent=consent, given=True)
    return sorted(grants_of_it.values_list("contact_id", flat=True))


class TestNoting:
    def test_give_and_withdraw(self, consent: Consent, addresses: list[Address]) -> None:
        ids = [address.contact_id for address in addresses]
        assert give(consent, iter(ids[:3]), how="form", by=BY) == 3
        assert give(consent, [ids[0], ids[0]], how="api", by=BY) == 0
        assert holders(consent) == ids[:3]
        agent = factory.agent()
        assert withdraw(consent, ids[1:4], how="agent", by=agent) == 3
        assert holders(consent) == ids[:1]
        assert counts() == {consent.pk: Count(1, 3)}
        assert Change.objects.count() == 6
        assert set(Change.objects.filter(given=False).values_list("agent", flat=True)) == {agent.pk}

    def test_somebody_twice_or_unknown(self, consent: Consent, addresses: list[Address]) -> None:
        first = addresses[0].contact_id
        assert give(consent, [first, first, 10**12], how="import", by=BY) == 1
        assert Change.objects.count() == 1

    def test_what_is_older_changes_nothing(
        self, consent: Consent, addresses: list[Address]
    ) -> None:
        contact = addresses[0].contact_id
        withdraw(consent, [contact], how="keyword", by=BY)
        assert give(consent, [contact], how="import", by=BY, at=EARLIER) == 0
        assert holders(consent) == []
        assert give(consent, [contact], how="import", by=BY) == 1

    def test_in_steps(
        self, consent: Consent, addresses: list[Address], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(grants, "CHUNK", 2)
        assert give(consent, everyone(), how="agent", by=BY) == 5
        Tagging.objects.create(tag=Tag.objects.create(name="vip"), contact=addresses[3].contact)
        assert list(everyone(Tag.objects.get())) == [addresses[3].contact_id]
        entry = AuditEntry.objects.get(action="consent.give")
        assert entry.detail == {"who": "5 contacts", "how": "agent"}

    def test_owners_come_once(self, addresses: list[Address]) -> None:
        other = Address.objects.create(
            contact=addresses[0].contact, channel=factory.channel("two"), value="x"
        )
        contacts = list(owners([other.pk, addresses[0].pk, addresses[1].pk]))
        assert contacts == [addresses[0].contact_id, addresses[1].contact_id]

    def test_what_is_wrong(self, consent: Consent) -> None:
        with pytest.raises(ConsentError, match=r"no way called “rumour”\. Choose one of: agent"):
            give(consent, [], how="rumour", by=BY)
        with pytest.raises(ConsentError, match="in the future"):
            give(consent, [], how="form", by=BY, at=clock.now() + timedelta(hours=1))


class TestReading:
    def test_standing(self, consent: Consent, addresses: list[Address]) -> None:
        sms = define(name="SMS", by=BY)
        person = addresses[0].contact
        give(consent, [person.pk], how="form", by=BY, at=EARLIER)
        withdraw(sms, [person.pk], how="agent", by=factory.agent())
        asked = {one.consent.name: one for one in grants.standing(person)}
        assert (asked["Newsletter"].given, asked["Newsletter"].at) == (True, EARLIER)
        assert (asked["Newsletter"].how, asked["Newsletter"].agent) == ("A form", "")
        assert (asked["SMS"].given, asked["SMS"].agent) == (False, "Ada")
        assert [one.given for one in grants.standing(addresses[1].contact)] == [None, None]
        assert [change.consent.name for change in grants.changes(person)] == ["SMS", "Newsletter"]

    def test_each_change_keeps_the_text_that_was_shown(
        self, consent: Consent, addresses: list[Address]
    ) -> None:
        update(consent, text="Weekly.", by=BY)
        person, other = addresses[0].contact, addresses[1].contact
        proof = Proof("https://shop.example/form", "2001:db8::1", "Mozilla/5.0")
        give(consent, [person.pk], how="form", by=BY, proof=proof)
        give(consent, [other.pk], how="import", by=BY, at=EARLIER)
        update(consent, text="Daily.", by=BY)
        withdraw(consent, [person.pk], how="page", by=BY)
        withdrawn, given = grants.changes(person)
        assert [change.version.text for change in (given, withdrawn)] == ["Weekly.", "Daily."]
        assert (given.detail, given.ip, given.user_agent) == (
            proof.detail, proof.ip, proof.user_agent,
        )  # fmt: skip
        [before] = grants.changes(other)
        assert (before.version.number, before.version.text) == (1, "")

    def test_a_change_is_never_edited(self, consent: Consent, addresses: list[Address]) -> None:
        give(consent, [addresses[0].contact_id], how="form", by=BY)
        change = Change.objects.get()
        change.given = False
        with pytest.raises(ValueError, match="proof"):
            change.save()

    def test_lacking(self, consent: Consent, addresses: list[Address]) -> None:
        define(name="SMS", by=BY)
        ids = [address.pk for address in addresses]
        give(consent, [addresses[0].contact_id, addresses[1].contact_id], how="form", by=BY)
        give(Consent.objects.get(name="SMS"), [addresses[1].contact_id], how="form", by=BY)
        assert lacking(["Newsletter"], ids) == set(ids[2:])
        assert lacking(["Newsletter", "SMS", "SMS"], ids) == {ids[0], *ids[2:]}
        assert lacking(["gone", "SMS"], ids) == set(ids)
        assert lacking([], ids) == set()


@pytest.fixture
def running(consent: Consent, addresses: list[Address]) -> Callable[..., Broadcast]:
    """A broadcast that is being sent, and to whom it is queued: everybody has given it."""
    give(consent, everyone(), how="form", by=BY)

    def launched(**fields: object) -> Broadcast:
        draft = drafts.create_draft(
            by=BY,
            text="Hi",
            channels=[addresses[0].channel],
            audience=Audience(kind="all", consents=["Newsletter"], **fields),  # type: ignore[arg-type]
        )
        launch.start(draft, by=BY, undo_seconds=0)
        lifecycle.start_due()
        factory.expand(draft)
        return draft

    return launched


class TestQueued:
    """A withdrawal takes effect on what is queued at once."""

    def test_it_is_skipped_with_its_reason(
        self, consent: Consent, addresses: list[Address], running: Callable[..., Broadcast]
    ) -> None:
        broadcast = running()
        other = factory.sending([addresses[0].channel])
        assert factory.states(broadcast) == {"queued": 5}
        ids = [address.contact_id for address in addresses]
        Delivery.objects.filter(broadcast=broadcast, address=addresses[1]).update(state="sent")
        tallies.add({(broadcast.pk, addresses[0].channel_id, "queued"): -1,
                     (broadcast.pk, addresses[0].channel_id, "sent"): 1})  # fmt: skip
        withdraw(consent, ids[:3], how="keyword", by=BY)
        assert factory.states(broadcast) == {"skipped": 2, "sent": 1, "queued": 2}
        assert tallies.counts([broadcast.pk])[broadcast.pk]["skipped"] == 2
        reason = Delivery.objects.select_related("reason").filter(state="skipped").first()
        assert reason is not None
        assert reason.reason is not None
        assert (
            reason.reason.text
            == "The contact has not given a consent that this broadcast requires."
        )
        assert factory.states(other) == {"queued": 5}

    def test_what_is_queued_again_after_a_try_is_skipped_when_it_is_claimed(
        self, consent: Consent, addresses: list[Address], running: Callable[..., Broadcast]
    ) -> None:
        broadcast = running()
        worker = reap.register()
        sending = claim(addresses[0].channel_id, worker, 5).messages
        withdraw(consent, [addresses[2].contact_id], how="keyword", by=BY)
        assert factory.states(broadcast) == {"sending": 5}
        settle(worker, [requeued(one, addresses[0].channel_id) for one in sending])
        again = claim(addresses[0].channel_id, worker, 5).messages
        assert {one.to: one.address_state for one in again} == {
            "u0": "active", "u1": "active", "u2": "no_consent", "u3": "active", "u4": "active",
        }  # fmt: skip
        assert "consent" in SKIPPED["no_consent"]

    def test_every_address_of_theirs(
        self, consent: Consent, addresses: list[Address], running: Callable[..., Broadcast]
    ) -> None:
        Address.objects.create(
            contact=addresses[0].contact, channel=addresses[0].channel, value="second"
        )
        broadcast = running()
        withdraw(consent, [addresses[0].contact_id], how="form", by=BY)
        assert factory.states(broadcast) == {"skipped": 2, "queued": 4}

    def test_whoever_never_gave_it_is_skipped_from_the_beginning(
        self, addresses: list[Address], running: Callable[..., Broadcast]
    ) -> None:
        factory.people(addresses[0].channel, 2, prefix="new")
        broadcast = running()
        assert factory.states(broadcast) == {"queued": 5, "skipped": 2}
        skipped = Delivery.objects.filter(broadcast=broadcast, state="skipped")
        assert set(skipped.values_list("reason__code", flat=True)) == {"no_consent"}


@pytest.mark.django_db(transaction=True)
def test_two_at_a_time_change_everybody_once() -> None:
    consent = define(name="Newsletter", by=BY)
    ids = [address.contact_id for address in factory.people(factory.channel(), 200)]
    noted: list[int] = []

    def one(order: list[int]) -> None:
        try:
            noted.append(give(consent, order, how="form", by=BY))
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(order,)) for order in (ids, ids[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(noted) == 200
    assert Change.objects.count() == 200
