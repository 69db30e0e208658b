"""N1: everything that happened to a contact, in one list."""

import pytest

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.broadcasts.models import Broadcast, Firing
from clarion.chats.models import Chat, Message
from clarion.codes.models import Code, CodePool, Redemption
from clarion.consents import grants
from clarion.consents.manage import define
from clarion.consents.models import Change, Consent
from clarion.contacts import addresses, states, tags
from clarion.contacts.identities import join
from clarion.contacts.models import Address, Contact
from clarion.insights.merged import Span
from clarion.insights.timeline import GROUPS, Line, timeline
from clarion.kit import clock
from clarion.kit.paging import Cursor, CursorError
from support import factory

pytestmark = pytest.mark.django_db
ALL = Span()


@pytest.fixture
def ada() -> Contact:
    """Ada, to whom something of each kind has happened; and Bob, to whom the same has."""
    channel = factory.channel("Shop")
    ada, bob = factory.people(channel, 2)
    agent = factory.agent()
    consent, pool = define(name="News", by=agent), CodePool.objects.create(name="Spring")
    trigger = factory.live_row(
        "Welcome", type="trigger", trigger={"on": "event", "event": "signup"}
    )
    for address in (ada, bob):
        _let_happen(address, agent, consent, pool, trigger)
    return ada.contact


def _let_happen(
    address: Address, agent: Agent, consent: Consent, pool: CodePool, trigger: Broadcast
) -> None:
    contact = address.contact
    for title, state in (("Autumn", "sent"), ("Winter", "skipped")):
        delivery = factory.delivery(factory.broadcast(title), address, state)
        if state == "sent":
            factory.record(delivery, factory.START, factory.reason("Busy."), attempt=1)
            factory.record(delivery, factory.START, attempt=2)
    chat = Chat.objects.create(address=address)
    for text in ("Hello", "Still there?"):
        Message.objects.create(chat=chat, inbound=True, text=text)
    tags.assign(["vip"], [contact.pk], by=agent)
    grants.give(consent, [contact.pk], how=Change.How.AGENT, by=agent)
    code = Code.objects.create(
        pool=pool, code=f"C{contact.pk}", contact=contact, chain=1, issued_at=clock.now()
    )
    Redemption.objects.create(code=code, contact=contact, by="till 4", undone_at=clock.now())
    Firing.objects.create(
        broadcast=trigger, contact=contact, state="dropped", reason="The trigger was stopped.",
        happened_at=clock.now(), due_at=clock.now(),
    )  # fmt: skip
    addresses.mark(address.pk, "opted_out", clock.now(), by=agent)
    audit.note("contact.edit", f"contact {contact.pk}", agent, city=["Berlin", "Bonn"])


def everything(contact: Contact, span: Span = ALL, limit: int = 3) -> list[Line]:
    lines: list[Line] = []
    cursor = None
    while True:
        page = timeline(contact, span, cursor, limit)
        assert len(page.rows) <= limit
        lines += page.rows
        cursor = page.next_cursor
        if cursor is None:
            return lines


def test_all_of_it_once_newest_first(ada: Contact) -> None:
    lines = everything(ada)

    keys = [line.key for line in lines]
    assert keys == sorted(keys, reverse=True)
    assert len(set(keys)) == len(keys)
    assert lines == everything(ada, limit=500)
    assert sorted((line.title, line.text) for line in lines) == sorted([
        ("Contact added", ""),
        ("Address added", "u0"),
        ("Tag assigned", "vip"),
        ("Edited", "city: Berlin → Bonn"),
        ("Address marked by hand", "state: opted_out"),
        ("Opted out", states.explain("opted_out")),
        ("Consent given", "News"),
        ("Trigger fired, nothing sent", "The trigger was stopped."),
        ("Recipient of a broadcast", ""),
        ("Message sent", "Hello"),
        ("Attempt failed", "Busy."),
        ("Message received", "Hello"),
        ("Message received", "Still there?"),
        ("Code issued", f"C{ada.pk} (Spring)"),
        ("Code redeemed", f"C{ada.pk}"),
        ("Redemption undone", f"C{ada.pk}"),
    ])  # fmt: skip


def test_each_kind_of_line_is_in_one_group(ada: Contact) -> None:
    groups = {group: everything(ada, Span(group)) for group in GROUPS}

    assert sorted(line.key for lines in groups.values() for line in lines) == sorted(
        line.key for line in everything(ada)
    )
    assert {line.title for line in groups["not_sent"]} == {
        "Attempt failed",
        "Recipient of a broadcast",
        "Trigger fired, nothing sent",
    }
    [sent] = groups["messages"]
    assert (sent.broadcast_title, sent.state, sent.channel) == ("Autumn", "sent", "Shop")


def test_between_two_moments(ada: Contact) -> None:
    since, until = clock.from_us(factory.START), clock.from_us(factory.START + 1)

    lines = everything(ada, Span(since=since, until=until))

    assert {line.what for line in lines} == {"sent", "failed", "not_sent"}


def test_what_happened_at_a_former_address_stays(ada: Contact) -> None:
    channel = ada.addresses.get().channel
    before = {line.title for line in everything(ada)}
    older = factory.address(channel, "older")

    join(channel, ["older", "u0"])

    kept = Contact.objects.get(addresses=older)
    assert before <= {line.title for line in everything(kept)}


def test_damaged_addresses_are_refused(ada: Contact) -> None:
    with pytest.raises(CursorError):
        timeline(ada, cursor="x")
    with pytest.raises(CursorError):
        timeline(ada, cursor=str(Cursor((1, 1, 1), backward=True)))
    with pytest.raises(ValueError, match="no group"):
        timeline(ada, Span("x"))
