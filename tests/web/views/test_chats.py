"""Chats: the list, and one of them with its agent."""

import json
from collections.abc import Callable

import pytest
from django.test import Client

from clarion.accounts.models import Agent
from clarion.broadcasts import launch, singles
from clarion.broadcasts.conversations import thread
from clarion.broadcasts.models import Broadcast
from clarion.channels.contract import Inbound
from clarion.channels.models import Channel
from clarion.chats import control
from clarion.chats.inbound import receive
from clarion.chats.models import Chat
from clarion.clicks.links import number_links
from clarion.clicks.store import Visit, store
from clarion.contacts import addresses
from clarion.contacts.models import Address
from clarion.engine import lifecycle
from clarion.kit import clock
from clarion.records.models import Delivery, Record
from support import factory

pytestmark = pytest.mark.django_db
LogIn = Callable[[str], Client]


@pytest.fixture
def shop() -> Channel:
    return factory.channel("Shop")


@pytest.fixture
def person(shop: Channel) -> Address:
    """Somebody who has written."""
    address = factory.people(shop, 1)[0]
    write(address, "Where is my parcel?")
    return address


@pytest.fixture
def ada(admin: Client) -> Agent:
    """The agent whose browser ``admin`` is."""
    return Agent.objects.get(email="admin@example.org")


def write(address: Address, text: str, number: str = "1") -> None:
    receive(address.channel, Inbound(address.value, number, text, clock.now()))


def html_of(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, path
    return response.content.decode()


def said(client: Client, address: Address) -> list[tuple[str, str]]:
    shown = client.get(f"/chats/{address.pk}/").context["lines"]
    return [(one.kind, one.text) for one in shown]


def test_g3_an_empty_list_leads_on(admin: Client) -> None:
    html = html_of(admin, "/chats/")
    assert "No chats yet" in html
    assert 'class="btn btn-primary" href="/channels/add/"' in html

    factory.channel()
    assert 'class="btn btn-primary" href="/contacts/"' in html_of(admin, "/chats/")


def test_g3_the_list_says_who_where_and_what_last(
    admin: Client, ada: Agent, person: Address
) -> None:
    control.take_over(person.pk, by=ada)
    factory.sending([person.channel])

    (row,) = admin.get("/chats/").context["page"].rows
    html = html_of(admin, "/chats/")

    assert (row.chat.number, row.chat.state, row.chat.agent) == (person.pk, "open", ada.name)
    assert (row.text, row.ours, row.held) == ("Where is my parcel?", False, 1)
    assert "Where is my parcel?" in html
    assert "Person 0" in html
    singles.reply(person.pk, "It is {{ here }}.", by=ada)
    (row,) = admin.get("/chats/").context["page"].rows
    assert (row.text, row.ours) == ("It is {{ here }}.", True)


def test_g3_filters_combine_and_stay_in_the_address(
    admin: Client, ada: Agent, shop: Channel
) -> None:
    other = factory.channel("Other")
    for address in [*factory.people(shop, 3), *factory.people(other, 2, prefix="o")]:
        write(address, "Hi")
    mine = Address.objects.get(value="u1")
    control.take_over(mine.pk, by=ada)

    def matches(query: str) -> set[str]:
        return {row.chat.user_id for row in admin.get(f"/chats/?{query}").context["page"].rows}

    assert matches("") == {"u0", "u1", "u2", "o0", "o1"}
    assert matches("state=open") == {"u1"}
    assert matches(f"agent={ada.pk}") == {"u1"}
    assert matches(f"channel={other.pk}") == {"o0", "o1"}
    assert matches("q=PERSON 2") == {"u2"}
    assert matches("q=o") == {"u0", "u1", "u2", "o0", "o1"}
    assert matches("q=u0") == {"u0"}
    assert mine.value in matches(f"q=№ {mine.pk}")
    assert matches(f"q=u&channel={other.pk}&state=bot") == set()
    html = html_of(admin, f"/chats/?state=open&channel={shop.pk}")
    assert f'href="/chats/{mine.pk}/?state=open&amp;channel={shop.pk}"' in html
    assert "No chats found" in html_of(admin, "/chats/?q=zzz")


@pytest.mark.parametrize(
    "query",
    ["q=%00", "state=x", "agent=%FF", "agent=" + "9" * 40, "channel=-1", "cursor=", "agent=²"],
)
def test_damaged_addresses_show_something(admin: Client, person: Address, query: str) -> None:
    assert admin.get(f"/chats/?{query}").status_code == 200
    assert admin.get(f"/chats/{person.pk}/?{query}").status_code == 200


def test_damaged_cursors_lead_to_the_first_page(admin: Client, person: Address) -> None:
    assert admin.get("/chats/?cursor=x&state=bot")["Location"] == "/chats/?state=bot"
    assert admin.get(f"/chats/{person.pk}/?before=x")["Location"] == f"/chats/{person.pk}/"
    assert admin.get("/chats/live?cursor=x").status_code == 404
    assert admin.get(f"/chats/{person.pk}/live?before=x").status_code == 404


@pytest.mark.parametrize("number", [999, 0, 2**63, 10**30])
def test_a_chat_that_is_none(admin: Client, number: int) -> None:
    for part in ("", "live"):
        assert admin.get(f"/chats/{number}/{part}").status_code == 404
    for act in ("take", "reply", "close", "release"):
        assert admin.post(f"/chats/{number}/{act}").status_code == 404


def test_g3_pages_go_on_where_the_last_one_ended(admin: Client, shop: Channel) -> None:
    people = factory.people(shop, 120)
    Chat.objects.bulk_create(Chat(address=one, last_message_at=clock.now()) for one in people)
    Chat.objects.filter(address_id__in=[one.pk for one in people[:70]]).update(
        last_message_at=clock.now()
    )

    numbers: list[int] = []
    page = admin.get("/chats/")
    while True:
        numbers += [row.chat.number for row in page.context["page"].rows]
        if not page.context["next_url"]:
            break
        page = admin.get(page.context["next_url"])

    assert len(numbers) == len(set(numbers)) == 120
    assert set(numbers[:70]) == {one.pk for one in people[:70]}


def test_g3_take_over_reply_and_close(admin: Client, ada: Agent, person: Address) -> None:
    page = html_of(admin, f"/chats/{person.pk}/")
    assert "Where is my parcel?" in page
    assert "Take over" in page
    assert "<textarea" not in page

    taken = admin.post(f"/chats/{person.pk}/take?state=bot")
    assert taken["Location"] == f"/chats/{person.pk}/?state=bot"
    assert "<textarea" in html_of(admin, f"/chats/{person.pk}/")
    assert admin.post(f"/chats/{person.pk}/reply", {"text": "On {{ its }} way"}).status_code == 302
    assert said(admin, person)[-1] == ("reply", "On {{ its }} way")
    assert "Queued" in html_of(admin, f"/chats/{person.pk}/live")
    factory.settle_all(person.channel)
    assert said(admin, person)[-1][0] == "reply"
    assert "Sent" in html_of(admin, f"/chats/{person.pk}/live")

    admin.post(f"/chats/{person.pk}/close")
    assert [kind for kind, _ in said(admin, person)] == ["them", "note", "reply", "note"]
    assert Chat.objects.get().state == "closed"


def test_g3_a_failed_reply_says_why(admin: Client, ada: Agent, person: Address) -> None:
    control.take_over(person.pk, by=ada)
    singles.reply(person.pk, "Hello", by=ada)
    factory.settle_all(person.channel, "failed")

    html = html_of(admin, f"/chats/{person.pk}/")

    assert "The receiver answered 500 (server error)." in html
    assert "Failed" in html


def test_g3_what_broadcasts_sent_stands_in_the_chat(admin: Client, person: Address) -> None:
    broadcast = factory.sending([person.channel], title="Autumn sale")
    factory.settle_all(person.channel)
    write(person, "Thanks", "2")

    assert [kind for kind, _ in said(admin, person)] == ["them", "broadcast", "them"]
    html = html_of(admin, f"/chats/{person.pk}/")
    assert "Autumn sale" in html
    assert f'href="/broadcasts/{broadcast.pk}/"' in html


def test_g3_clicks_stand_in_the_chat_after_their_message(admin: Client, person: Address) -> None:
    """Those of the contact, and none of link scanners; an earlier page has the earlier ones."""
    broadcast = factory.sending([person.channel], title="Spring")
    factory.settle_all(person.channel)
    link = number_links(broadcast.pk, ["https://a.example/<b>"])["https://a.example/<b>"]
    delivery = Delivery.objects.get(broadcast=broadcast)
    now = clock.now_us()
    store([Visit(delivery.pk, link, now + n * clock.SECOND) for n in range(3)])
    store([Visit(delivery.pk, link, now, "head")])

    html = admin.get(f"/chats/{person.pk}/").content.decode()

    assert html.count("Clicked <bdi>https://a.example/&lt;b&gt;</bdi>") == 3
    assert html.index("Hello Person 0") < html.index("Clicked <bdi>")
    newest = thread(person.pk, limit=2)
    rest = thread(person.pk, newest.next_cursor, limit=50)
    assert [line.kind for line in newest.rows] == ["click", "click"]
    assert [line.kind for line in rest.rows].count("click") == 1
    assert len({line.ident for line in (*newest.rows, *rest.rows)}) == len(
        [*newest.rows, *rest.rows]
    )


def test_g3_a_reply_that_can_not_be_sent_keeps_what_was_typed(
    admin: Client, ada: Agent, person: Address
) -> None:
    typed = "A long answer <b>"
    response = admin.post(f"/chats/{person.pk}/reply", {"text": typed})
    assert response.status_code == 422
    assert "A long answer &lt;b&gt;</textarea>" in response.content.decode()
    assert "Take it over first" in response.content.decode()

    control.take_over(person.pk, by=ada)
    addresses.mark(person.pk, "blocked", clock.now())
    part = admin.post(f"/chats/{person.pk}/reply", {"text": typed}, headers={"HX-Request": "true"})
    assert part.status_code == 422
    assert "The contact blocked this channel." in part.content.decode()
    assert "A long answer &lt;b&gt;</textarea>" in part.content.decode()
    assert b"<html" not in part.content
    assert not Broadcast.objects.exists()


def test_g3_a_reply_to_who_opted_out_is_sent_after_a_question(
    admin: Client, ada: Agent, person: Address
) -> None:
    control.take_over(person.pk, by=ada)
    addresses.mark(person.pk, "opted_out", clock.now())
    asked = admin.post(f"/chats/{person.pk}/reply", {"text": "Bye"})
    assert asked.status_code == 422
    html = asked.content.decode()
    assert "has written nothing since" in html
    assert "Send anyway" in html
    assert "Bye</textarea>" in html
    assert not Broadcast.objects.exists()
    admin.post(f"/chats/{person.pk}/reply", {"text": "Bye", "to_opted_out": "1"})
    assert Broadcast.objects.get().agent == ada


def test_g3_a_sent_reply_empties_the_box_and_tells_the_page(
    admin: Client, ada: Agent, person: Address
) -> None:
    control.take_over(person.pk, by=ada)
    part = admin.post(
        f"/chats/{person.pk}/reply", {"text": "Hello"}, headers={"HX-Request": "true"}
    )
    assert part.status_code == 200
    assert json.loads(part["HX-Trigger"]) == {"said": {}}
    assert "Hello" not in part.content.decode()
    assert Broadcast.objects.get().agent == ada


def test_g2_held_broadcasts_are_shown_and_released_by_hand(
    admin: Client, ada: Agent, person: Address
) -> None:
    control.take_over(person.pk, by=ada)
    held = [factory.sending([person.channel], title=title) for title in ("One", "Two")]
    html = html_of(admin, f"/chats/{person.pk}/")
    assert "2 broadcasts are held for this contact." in html
    assert "held since" in html

    page = admin.post(f"/chats/{person.pk}/release", follow=True).content.decode()

    assert "The 2 broadcasts that were held are being sent now." in page
    assert [factory.states(one) for one in held] == [{"queued": 1}, {"queued": 1}]
    assert Chat.objects.get().state == "open"
    again = admin.post(f"/chats/{person.pk}/release", follow=True).content.decode()
    assert "Nothing is held for this contact any more." in again


def test_g2_closing_says_what_leaves(admin: Client, ada: Agent, person: Address) -> None:
    control.take_over(person.pk, by=ada)
    held = factory.sending([person.channel])
    page = admin.post(f"/chats/{person.pk}/close", follow=True).content.decode()
    assert "The broadcast that was held is sent now." in page
    assert factory.states(held) == {"queued": 1}
    assert (
        "This chat is not open."
        in admin.post(f"/chats/{person.pk}/close", follow=True).content.decode()
    )


def test_g1_the_chat_says_which_broadcast_closed_it(
    admin: Client, ada: Agent, person: Address
) -> None:
    control.take_over(person.pk, by=ada)
    draft = factory.draft([person.channel], title="Now")
    Broadcast.objects.filter(pk=draft.pk).update(end_open_chats=True)
    draft.refresh_from_db()
    launch.start(draft, by=factory.BY, undo_seconds=0)
    lifecycle.start_due()
    factory.expand(draft)

    assert factory.states(draft) == {"queued": 1}
    assert Chat.objects.get().state == "closed"
    assert ("note", f"Closed by broadcast {draft.pk}.") in said(admin, person)


def test_a_chat_of_another_agent_is_left_to_them(admin: Client, person: Address) -> None:
    control.take_over(person.pk, by=factory.agent(name="Bob"))
    page = admin.post(f"/chats/{person.pk}/take", follow=True).content.decode()
    assert "This chat is open with Bob." in page
    assert "<textarea" not in page
    assert "with Bob" in page


def test_viewers_see_and_senders_act(log_in: LogIn, person: Address) -> None:
    viewer = log_in("viewer")
    html = html_of(viewer, f"/chats/{person.pk}/")
    assert "Where is my parcel?" in html
    assert "Take over" not in html
    for act in ("take", "reply", "close", "release"):
        assert viewer.post(f"/chats/{person.pk}/{act}").status_code == 403
    assert not Chat.objects.filter(state="open").exists()
    sender = log_in("sender")
    assert sender.post(f"/chats/{person.pk}/take").status_code == 302
    assert sender.get(f"/chats/{person.pk}/take").status_code == 405


def test_nothing_new_is_304(admin: Client, person: Address) -> None:
    for path in ("/chats/live", f"/chats/{person.pk}/live", f"/chats/{person.pk}/side"):
        first = admin.get(path)
        again = admin.get(path, headers={"If-None-Match": first["ETag"]})
        assert again.status_code == 304, path
        write(person, f"More for {path}", path)
        changed = admin.get(path, headers={"If-None-Match": first["ETag"]})
        assert changed.status_code == 200, path


def test_names_and_words_are_only_text(admin: Client, person: Address) -> None:
    bad = "<script>alert(1)</script>"
    person.contact.name = bad
    person.contact.save()
    write(person, bad, "2")
    for path in ("/chats/", f"/chats/{person.pk}/"):
        assert bad not in html_of(admin, path)


def test_g3_earlier_messages_are_a_click_away(
    admin: Client, person: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clarion.web.views.chats.WRITTEN", 10)
    for number in range(26):
        write(person, f"Message {number}", f"n{number}")
    singles.send_single(person, by=factory.BY, text="At last")

    texts: list[str] = []
    page = admin.get(f"/chats/{person.pk}/")
    while True:
        texts = [one.text for one in page.context["lines"]] + texts
        if not page.context["earlier_url"]:
            break
        page = admin.get(page.context["earlier_url"])

    assert texts == ["Where is my parcel?", *(f"Message {n}" for n in range(26)), "At last"]
    assert "Newest messages" in page.content.decode()


def test_what_happened_at_one_moment_is_shown_once(admin: Client, person: Address) -> None:
    at = clock.now()
    for number in range(70):
        receive(person.channel, Inbound(person.value, f"n{number}", f"M{number}", at))
    singles.send_single(person, by=factory.BY, text="Same moment")
    Broadcast.objects.update(created_at=at)
    factory.sending([person.channel], title="Too")
    factory.settle_all(person.channel)
    Record.objects.update(recorded_at=at)

    first = admin.get(f"/chats/{person.pk}/")
    second = admin.get(first.context["earlier_url"])
    keys = [one.key for page in (second, first) for one in page.context["lines"]]
    assert len(keys) == len(set(keys)) == 73
    assert keys == sorted(keys)


def test_somebody_who_never_wrote_can_be_written_to(
    admin: Client, ada: Agent, shop: Channel
) -> None:
    address = factory.people(shop, 1)[0]
    assert f'href="/chats/{address.pk}/"' in html_of(admin, f"/contacts/{address.contact_id}/")
    assert "No messages yet." in html_of(admin, f"/chats/{address.pk}/")
    admin.post(f"/chats/{address.pk}/take")
    admin.post(f"/chats/{address.pk}/reply", {"text": "Hello"})
    assert Delivery.objects.get().address_id == address.pk
    assert len(admin.get("/chats/").context["page"].rows) == 1
