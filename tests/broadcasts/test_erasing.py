"""Deleting a contact for good: nothing says who it was, and every number stays true."""

from pathlib import Path

import pytest
from django.apps import apps

from clarion.accounts.models import AuditEntry
from clarion.broadcasts import erasing, singles
from clarion.broadcasts.models import Erasure, Firing
from clarion.broadcasts.reconcile import reconcile
from clarion.channels.contract import Inbound
from clarion.chats.control import take_over
from clarion.chats.inbound import receive
from clarion.consents import grants
from clarion.consents.manage import define
from clarion.contacts import addresses, tags
from clarion.contacts.deleting import DeletionError, Kept, delete_contact, kept_ids
from clarion.contacts.editing import Edit, edit
from clarion.contacts.imports import import_contacts
from clarion.contacts.models import Address, Suppression
from clarion.engine import reap
from clarion.engine.claim import claim
from clarion.engine.settle import settle
from clarion.kit import clock
from clarion.records.models import Delivery
from support import factory

pytestmark = pytest.mark.django_db
NAME, USER, SAID = "Zebulon Quist", "quist-4711", "My grandmother is ill"
MARKS = (NAME, USER, SAID)


@pytest.fixture
def zeb() -> Address:
    """Somebody on a channel with two others."""
    channel = factory.channel("Shop")
    factory.people(channel, 2)
    return factory.address(channel, USER, NAME)


def let_happen(zeb: Address) -> None:
    """Something of every kind that says who Zebulon is."""
    contact, agent = zeb.contact, factory.agent()
    contact.attributes = {"nick": NAME}
    contact.save()
    tags.assign(["vip"], [contact.pk], by=agent)
    grants.give(define(name="News", by=agent), [contact.pk], how="agent", by=agent)
    edit(contact, Edit(name=f"{NAME} II"), by=agent)
    inbound = Inbound(USER, f"{USER}-1", SAID, clock.now(), payload={"who": NAME})
    receive(zeb.channel, inbound)
    take_over(zeb.pk, by=agent)
    singles.reply(zeb.pk, f"Dear {NAME}", by=agent)
    trigger = factory.live_row(
        "Welcome", type="trigger", trigger={"on": "event", "event": "signup"}
    )
    Firing.objects.create(
        broadcast=trigger, contact=contact, data={"who": NAME}, state="sent",
        happened_at=clock.now(), due_at=clock.now(),
    )  # fmt: skip


def written(marks: tuple[str, ...]) -> set[str]:
    """Where in the database these texts are written: table and field."""
    return {
        f"{model._meta.db_table}.{field}"
        for model in apps.get_models()
        for row in model._base_manager.values()
        for field, value in row.items()
        if any(mark in str(value) for mark in marks)
    }


def test_nothing_says_who_it_was_and_every_number_stays(zeb: Address) -> None:
    sent = factory.sending([zeb.channel], text="Hello {{ contact.name }}")
    factory.settle_all(zeb.channel)
    let_happen(zeb)
    factory.settle_all(zeb.channel)
    Delivery.objects.filter(address_id=zeb.pk).update(external_id=f"wamid.{USER}")
    before = written(MARKS)
    assert {"records_record.content", "broadcasts_broadcast.text", "chats_message.text",
            "contacts_address.value", "broadcasts_firing.data", "accounts_auditentry.detail",
            "records_delivery.external_id"} <= before  # fmt: skip

    delete_contact(zeb.contact, suppress=False, by=factory.BY)

    assert written(MARKS) == set()
    assert reconcile(sent.pk).ok
    assert factory.states(sent) == {"sent": 3}
    entry = AuditEntry.objects.get(action="contact.delete")
    assert entry.subject == f"contact {zeb.contact_id}"
    with pytest.raises(DeletionError):
        delete_contact(zeb.contact, suppress=False, by=factory.BY)


@pytest.mark.parametrize("outcome", ["sent", "in_doubt", "queued"])
def test_while_a_worker_has_their_message_in_its_hands(zeb: Address, outcome: str) -> None:
    broadcast = factory.sending([zeb.channel])
    worker = reap.register()
    claimed = claim(zeb.channel_id, worker, 1_000).messages

    delete_contact(zeb.contact, suppress=False, by=factory.BY)
    settle(worker, [factory.outcome(one, zeb.channel, outcome) for one in claimed])

    assert reconcile(broadcast.pk).ok
    erasing.erase_again()
    assert written(MARKS) == set()
    assert Erasure.objects.exists()
    Erasure.objects.update(created_at=clock.now() - 2 * erasing.WAIT)
    erasing.erase_again()
    assert not Erasure.objects.exists()
    assert reconcile(broadcast.pk).ok


def test_what_waits_for_them_is_skipped_and_the_broadcast_goes_on(zeb: Address) -> None:
    broadcast = factory.sending([zeb.channel])

    delete_contact(zeb.contact, suppress=False, by=factory.BY)

    assert not Erasure.objects.exists()
    assert factory.states(broadcast) == {"queued": 2, "skipped": 1}
    factory.settle_all(zeb.channel)
    assert factory.states(broadcast) == {"sent": 2, "skipped": 1}
    assert reconcile(broadcast.pk).ok


def test_a_later_import_reaches_nobody_who_was_deleted(zeb: Address, tmp_path: Path) -> None:
    delete_contact(zeb.contact, suppress=True, by=factory.BY)
    file = tmp_path / "people.csv"
    file.write_text(f"id,name\n{USER},{NAME}\n")

    import_contacts(file, channel=zeb.channel, by=factory.BY)

    again = Address.objects.get(value=USER)
    assert again.effective_state == "suppressed"
    assert factory.states(factory.sending([zeb.channel])) == {"queued": 2, "skipped": 1}


def test_an_opt_out_is_kept_even_where_the_user_ids_are_not(zeb: Address) -> None:
    mail = factory.channel("Mail", "email")
    Address.objects.create(contact=zeb.contact, channel=mail, value="zeb@example.org")
    addresses.mark(zeb.pk, "blocked", clock.now())

    assert kept_ids(zeb.contact) == Kept([USER], ["zeb@example.org"])
    assert delete_contact(zeb.contact, suppress=False, by=factory.BY) == 1

    [entry] = Suppression.objects.all()
    assert (entry.value, entry.reason, entry.kind) == (USER, "blocked", "webhook")
