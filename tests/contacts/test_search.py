"""The list of contacts."""

import pytest

from clarion.channels.models import Channel
from clarion.contacts.models import Address, Contact, Tag, Tagging
from clarion.contacts.search import contact_list
from clarion.contacts.suppressions import entries
from support import factory

pytestmark = pytest.mark.django_db


def add(channel: Channel, name: str, value: str, state: str = "active", tag: str = "") -> Contact:
    contact = factory.address(channel, value, name, state=state).contact
    if tag:
        Tagging.objects.create(tag=Tag.objects.get_or_create(name=tag)[0], contact=contact)
    return contact


def names(**wanted: object) -> list[str]:
    return [row.name for row in contact_list(**wanted).rows]  # type: ignore[arg-type]


def test_newest_first_with_addresses_and_tags(channel: Channel) -> None:
    ada = add(channel, "Ada", "a1", tag="vip")
    Tagging.objects.create(tag=Tag.objects.create(name="beta"), contact=ada)
    second = Address.objects.create(
        contact=ada, channel=factory.channel("other"), value="a2", state="blocked"
    )
    add(channel, "Bob", "b1")
    bob, first = contact_list().rows
    assert (bob.name, bob.tags) == ("Bob", [])
    assert (first.id, first.name, first.tags) == (ada.pk, "Ada", ["beta", "vip"])
    assert first.created_at == ada.created_at
    assert [(one.channel, one.value, one.state) for one in first.addresses] == [
        ("sink", "a1", "active"),
        ("other", "a2", "blocked"),
    ]
    assert first.addresses[1].id == second.pk


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("ada", ["Ada King", "Ada Lovelace"]),
        ("LOVE", ["Ada Lovelace"]),
        ("ümit", ["Ümit Özil"]),
        ("özil", ["Ümit Özil"]),
        ("100%", ["100% Bob"]),
        ("%", ["100% Bob"]),
        ("_", []),
        ("*", []),
        ("user-2", ["Ada King", "Ada Lovelace"]),
        ("user-22", ["Ada King"]),
        ("USER-22", []),
        ("  king  ", ["Ada King"]),
        ("nobody", []),
        ("\0", ["Ümit Özil", "100% Bob", "Ada King", "Ada Lovelace"]),
        ("9" * 30, []),
        ("'; DROP TABLE contacts_contact; --", []),
    ],
)
def test_finds_by_name_and_user_id(channel: Channel, q: str, expected: list[str]) -> None:
    add(channel, "Ada Lovelace", "user-21")
    add(channel, "Ada King", "user-22")
    add(channel, "100% Bob", "bob")
    add(channel, "Ümit Özil", "umit")
    assert names(q=q) == expected


def test_finds_by_contact_id(channel: Channel) -> None:
    ada = add(channel, "Ada", "x")
    assert names(q=str(ada.pk)) == ["Ada"]


def test_filters(channel: Channel) -> None:
    other = factory.channel("other")
    add(channel, "Ada", "a", tag="vip")
    add(channel, "Bob", "b", state="blocked", tag="vip")
    add(other, "Cem", "c", state="blocked")
    vip = Tag.objects.get(name="vip")
    assert names(tag=vip) == ["Bob", "Ada"]
    assert names(tag=vip, q="ada") == ["Ada"]
    assert names(channel=other) == ["Cem"]
    assert names(state="blocked") == ["Cem", "Bob"]
    assert names(state="active") == ["Ada"]
    assert names(state="blocked", channel=channel) == ["Bob"]
    assert names(state="active", channel=other) == []
    assert names(tag=vip, channel=channel, state="blocked", q="b") == ["Bob"]
    entries.add("a", kind=channel.kind, reason="blocked", by=factory.BY)
    assert names(state="suppressed") == names(state="suppressed", channel=channel) == ["Ada"]
    assert names(state="active") == []


@pytest.mark.parametrize("tagged", [False, True])
def test_pages_have_everybody_once(channel: Channel, tagged: bool) -> None:
    for number in range(23):
        add(channel, f"P{number}", f"p{number}", tag="all")
    tag = Tag.objects.get() if tagged else None

    seen: list[list[str]] = []
    after = None
    while not seen or after is not None:
        page = contact_list(tag=tag, after_id=after, limit=10)
        seen.append([row.name for row in page.rows])
        after = page.next
        add(channel, "new", f"new{len(seen)}", tag="all")
    assert [len(names) for names in seen] == [10, 10, 3]
    assert [name for names in seen for name in names] == [f"P{n}" for n in reversed(range(23))]


def test_an_empty_list() -> None:
    page = contact_list()
    assert (page.rows, page.next) == ([], None)
