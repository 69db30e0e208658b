"""Whose message can't be made, counted before sending."""

from typing import Any

import pytest

from clarion.accounts.models import AuditEntry
from clarion.broadcasts import launch
from clarion.broadcasts.errors import GapsError
from clarion.broadcasts.gaps import Gap, find_gaps
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.query import Audience
from clarion.channels.models import Channel
from clarion.chats.models import Chat
from clarion.contacts.models import Address, Contact
from clarion.content import stories
from support import factory

pytestmark = pytest.mark.django_db
TWO = [("contact.name", 3, 10), ("contact.city", 1, 10)]


@pytest.fixture
def channel() -> Channel:
    """Ten people; three have no name, two of these and another one no city, one an odd plan."""
    channel = factory.channel()
    people = factory.people(channel, 10)
    for n, address in enumerate(people):
        fields: dict[str, Any] = {"attributes": {"city": "Bonn", "order": {"total": n}}}
        if n in {0, 1, 2}:
            fields["name"] = ""
        if n in {1, 2, 3}:
            fields["attributes"] = {"city": ["", None, 0][n - 1] or None}
        Contact.objects.filter(pk=address.contact_id).update(**fields)
    return channel


def found(channel: Channel, *, quick: bool = False, **fields: Any) -> list[tuple[str, int, int]]:
    draft = factory.draft([channel], **({"title": "News"} | fields))
    return [(gap.variable, gap.people, gap.of) for gap in find_gaps(draft, [channel], quick=quick)]


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize(
    ("text", "gaps"),
    [
        ("Hello", []),
        ("Hello {{ contact.id }}", []),
        ("Hello {{ contact.name }}", [("contact.name", 3, 10)]),
        ('Hello {{ contact.name | default("friend") }}', []),
        ("Hello {% if contact.name %}{{ contact.name }}{% endif %}", []),
        (
            "{{ contact.name }}{{ contact.city }}",
            [("contact.name", 3, 10), ("contact.city", 1, 10)],
        ),
        ("{{ contact.city }}", [("contact.city", 3, 10)]),
        ("{{ contact['city'] }}", [("contact['city']", 3, 10)]),
        ("{{ contact.order.total }}", [("contact.order", 3, 10)]),
        ("{{ contact.nobody }}", [("contact.nobody", 10, 10)]),
        ("{{ contact.id | truncate('abc') }}", [("", 10, 10)]),
        ("{{ contact.name", []),  # wrong as it stands: problems.check says so
    ],
)
def test_b1_people_who_lack_a_variable_are_counted(
    channel: Channel, text: str, gaps: list[tuple[str, int, int]], quick: bool
) -> None:
    assert found(channel, text=text, quick=quick) == gaps


def test_b7_every_field_that_people_see_counts(channel: Channel) -> None:
    block = {"kind": "file", "url": "https://example.org/a", "name": "{{ contact.name }}.pdf"}
    story = stories.create_story(name="A", blocks=[block], by=factory.BY)
    template = {"name": "a", "language": "en", "variables": ["{{ contact.city }}"]}
    lack_name = [("contact.name", 3, 10)]

    assert found(channel, text="Hi", title="For {{ contact.name }}") == lack_name
    assert found(channel, data_type="story", story=story) == lack_name
    assert found(channel, data_type="template", template=template) == [("contact.city", 3, 10)]


def test_only_those_who_would_get_it_are_counted(channel: Channel) -> None:
    nameless = list(Address.objects.filter(contact__name="").order_by("pk"))
    Address.objects.filter(pk=nameless[0].pk).update(state="blocked")
    Chat.objects.create(address=nameless[1], state="open")  # is held, and gets it later
    picked = {"audience": Audience(kind="picks", picked_from="hand")}

    assert found(channel) == [("contact.name", 2, 9)]
    assert found(channel, **picked, picks=[nameless[2].pk, nameless[2].pk + 1]) == [
        ("contact.name", 1, 2)
    ]


def test_values_that_come_with_the_sending_are_no_gap(channel: Channel) -> None:
    text = "{{ data.price | round(2) }} {{ contact.name }}"
    assert found(channel, text=text, type="external") == [("contact.name", 3, 10)]
    assert found(channel, text="{{ data.price | round(2) }}", type="external") == []


@pytest.mark.parametrize("accepted", [["contact.name"], ["*"]])
def test_sending_to_the_others_is_decided_and_recorded(
    channel: Channel, accepted: list[str]
) -> None:
    draft = factory.draft([channel])
    with pytest.raises(GapsError, match=r"3 of 10 recipients have no “contact.name”"):
        launch.start(draft, by=factory.BY)

    draft = factory.draft([channel], accepted_gaps=accepted)
    launch.start(draft, by=factory.BY)

    draft.refresh_from_db()
    assert (draft.state, draft.accepted_gaps) == ("scheduled", ["contact.name"])
    noted = AuditEntry.objects.get(action="broadcast.send_to_others")
    assert noted.detail == {"without": {"contact.name": 3}}


def test_another_variable_has_to_be_accepted_anew(channel: Channel) -> None:
    draft = factory.draft([channel], text="{{ contact.city }}", accepted_gaps=["contact.name"])
    with pytest.raises(GapsError, match=r"“contact.city”"):
        launch.start(draft, by=factory.BY)


def test_what_fails_for_everybody_can_not_be_accepted(channel: Channel) -> None:
    text = "{{ contact.name | truncate('abc') }}"
    Contact.objects.update(name="Ann")
    draft = factory.draft([channel], text=text, accepted_gaps=["*"])
    with pytest.raises(GapsError, match=r"can't be made for 10 of 10 recipients: .*whole number"):
        launch.start(draft, by=factory.BY)


def test_a_broadcast_without_gaps_keeps_none(channel: Channel) -> None:
    draft = factory.draft([channel], text="Hello", accepted_gaps=["contact.name"])
    launch.start(draft, by=factory.BY)
    assert Broadcast.objects.get().accepted_gaps == []


def test_a_live_broadcast_keeps_what_was_accepted_for_people_to_come(channel: Channel) -> None:
    recurrence = {"every": "day", "at": "09:00"}
    draft = factory.draft([channel], accepted_gaps=["contact.name"], recurrence=recurrence)
    launch.start(draft, by=factory.BY)
    assert Broadcast.objects.get().accepted_gaps == ["contact.name"]


def test_an_estimate_says_so() -> None:
    gap = Gap("contact.name", 210, 8_346, about=True, reason="")
    assert gap.words == (
        "About 210 of 8,346 recipients have no “contact.name” and would get nothing."
    )


def test_what_a_channel_refuses_for_some_is_counted_too(channel: Channel) -> None:
    """A variable of a template may not be empty on WhatsApp; on a webhook it may."""
    whatsapp = factory.channel("wa", "whatsapp", phone_number_id="1234567", token="t" * 40)
    for number, name in enumerate(["", "", "Ann"]):
        factory.address(whatsapp, f"1555123456{number}", name)
    variable = '{{ contact.name | default("") }}'
    template = {"name": "a", "language": "en", "variables": [variable]}
    draft = factory.draft([channel, whatsapp], data_type="template", template=template)

    (gap,) = find_gaps(draft, [channel, whatsapp])

    assert (gap.key, gap.people, gap.of) == ("other", 2, 13)
    assert gap.words.startswith("The message can't be made for 2 of 13 recipients: wa: Variable 1")
