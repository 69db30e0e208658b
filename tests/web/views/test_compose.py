"""New broadcast: saved as one types, counted, previewed, sent."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from clarion.contacts.models import Tag, Tagging
from clarion.engine import reap
from support import factory
from web.reading import words

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def channel() -> Channel:
    channel = factory.channel("Shop")
    factory.people(channel, 5)
    return channel


def given(channel: Channel | None = None, **fields: Any) -> dict[str, Any]:
    """The form as a browser sends it."""
    form = {"title": "Spring", "text": "Hello {{ contact.name }}", "who": "all", "when": "now"}
    channels = [channel.pk] if channel else []
    return {**form, "channels": channels, **fields}


def the_draft() -> Broadcast:
    return Broadcast.objects.get()


def test_looking_at_the_page_saves_nothing(admin: Client, channel: Channel) -> None:
    response = admin.get("/broadcasts/new/")

    assert not Broadcast.objects.exists()
    assert response.context["made"].channel_ids == [channel.pk]  # the only one there is


def test_the_first_change_makes_a_draft(admin: Client, channel: Channel) -> None:
    response = admin.post("/broadcasts/compose/text", given(channel, text="Hel"))

    draft = the_draft()
    assert response["HX-Replace-Url"] == f"/broadcasts/{draft.pk}/edit/"
    assert f'name="draft" id="draft" value="{draft.pk}"' in response.content.decode()

    again = admin.post("/broadcasts/compose/text", given(channel, draft=draft.pk))
    assert "HX-Replace-Url" not in again
    assert the_draft().text == "Hello {{ contact.name }}"


def test_a6_the_audience_is_counted_as_it_changes(admin: Client, channel: Channel) -> None:
    address = factory.people(channel, 1, prefix="gone")[0]
    address.state = "blocked"
    address.save()

    html = admin.post("/broadcasts/compose/audience", given(channel)).content.decode()

    assert "Send to 5 recipients" in words(html)
    assert re.search(r'<span class="num">1</span>\s*blocked us', html)
    assert "For example Person" in html


def test_a4_tags_with_and_without(admin: Client, channel: Channel) -> None:
    tags = {name: Tag.objects.create(name=name) for name in ("vip", "staff", "unused")}
    people = [address.contact for address in channel.addresses.order_by("pk")]
    for person in people[:3]:
        Tagging.objects.create(tag=tags["vip"], contact=person)
    Tagging.objects.create(tag=tags["staff"], contact=people[0])
    form = given(channel, who="tags", tags=["vip"], without_tags=["staff"])

    html = admin.post("/broadcasts/compose/audience", form).content.decode()
    page = admin.get("/broadcasts/new/").content.decode()

    assert "Send to 2 recipients" in words(html)
    assert "excluded by tag" in html
    assert re.search(r'value="unused"\s+disabled', page)


def test_b1_unknown_variables_are_told_beside_the_text(admin: Client, channel: Channel) -> None:
    form = given(channel, text="Hi {{ contact.nam }}")

    html = admin.post("/broadcasts/compose/text", form).content.decode()

    assert "No contact has “contact.nam”." in html


@pytest.mark.parametrize("text", ["{{ contact.name", "{% for x in y %}", "{{ 'a' * 100000000 }}"])
def test_a_broken_text_is_told_and_saved(admin: Client, channel: Channel, text: str) -> None:
    response = admin.post("/broadcasts/compose/text", given(channel, text=text))

    assert response.status_code == 200
    assert len(response.context["text_problems"]) == 1
    assert the_draft().text == text


def test_b5_preview_as_a_chosen_person(admin: Client, channel: Channel) -> None:
    third = channel.addresses.order_by("pk")[2]

    found = admin.get("/broadcasts/compose/people?q=Person 2").content.decode()
    form = given(channel, person=third.pk)
    html = admin.post("/broadcasts/compose/text", form).content.decode()

    assert f'value="{third.pk}"' in found
    assert '<span class="bubble-text" dir="auto">Hello Person 2</span>' in html


def test_a3_ids_need_exactly_one_channel(admin: Client, channel: Channel) -> None:
    other = factory.channel("Other")
    file = SimpleUploadedFile("ids.csv", b"id\nu1\n")

    both = given(channels=[channel.pk, other.pk])
    html = admin.post("/broadcasts/compose/audience", both).content.decode()
    form = {**both, "who": "ids", "ids_file": file}
    refused = admin.post("/broadcasts/compose/ids", form).content.decode()

    assert re.search(r'value="ids"[^>]*disabled', html)
    assert "Choose exactly one channel first" in html
    assert "Choose exactly one channel first" in refused


def test_a3_ids_from_a_file(admin: Client, channel: Channel) -> None:
    file = SimpleUploadedFile("ids.csv", b'\xef\xbb\xbfwhatever\n"u1"\nu2\nnobody\nu2\n')

    html = admin.post("/broadcasts/compose/ids", given(channel, ids_file=file)).content.decode()

    assert "2 contacts selected" in html
    assert "Line 4: “nobody”, not known on Shop" in html
    assert "2 lines rejected" in html
    link = re.search(r'href="(/broadcasts/compose/left-out/[^"]+)"', html)
    assert link is not None
    assert len(admin.get(link[1]).getvalue().splitlines()) == 3
    assert the_draft().picks.count() == 2
    assert the_draft().audience["picked_from"] == "ids"

    # The people stay when the text is changed afterwards.
    form = given(channel, who="ids", draft=the_draft().pk, text="Hi")
    admin.post("/broadcasts/compose/text", form)
    assert the_draft().picks.count() == 2


def test_a3_another_encoding_is_refused_with_line_and_byte(admin: Client, channel: Channel) -> None:
    file = SimpleUploadedFile("ids.csv", b"id\nu1\n\xfc2\n")

    html = admin.post("/broadcasts/compose/ids", given(channel, ids_file=file)).content.decode()

    assert "UTF-8" in html
    assert re.search(r"[Ll]ine 3", html)
    assert the_draft().picks.count() == 0


def test_a3_the_column_is_chosen_when_there_are_several(admin: Client, channel: Channel) -> None:
    file = SimpleUploadedFile("ids.csv", b"first,second\nx,u1\n")

    html = admin.post("/broadcasts/compose/ids", given(channel, ids_file=file)).content.decode()
    token = re.search(r'name="ids_token" value="(\w+)"', html)
    assert token is not None
    form = given(channel, draft=the_draft().pk, ids_token=token[1], ids_name="ids.csv")
    html = admin.post("/broadcasts/compose/ids", {**form, "ids_column": "second"}).content.decode()

    assert "1 contact selected" in html


@pytest.mark.parametrize("token", ["../../secret.key", "x" * 20])
def test_lines_left_out_are_all_that_can_be_downloaded(admin: Client, token: str) -> None:
    assert admin.get(f"/broadcasts/compose/left-out/{token}").status_code == 404


def test_a5_chat_numbers_on_any_mix_of_channels(admin: Client, channel: Channel) -> None:
    other = factory.channel("Other")
    there = factory.people(other, 1, prefix="o")[0]
    here = channel.addresses.order_by("pk")[0]
    form = given(who="chats", chats=f"{here.pk}, {there.pk}")

    html = admin.post("/broadcasts/compose/audience", form).content.decode()

    assert "Send to 2 recipients" in words(html)
    assert {c.name for c in the_draft().channels.all()} == {"Shop", "Other"}


def test_a5_unknown_chats_are_named(admin: Client, channel: Channel) -> None:
    unknown = given(who="chats", chats="999999, 99999999999999999999")
    odd = given(who="chats", chats="12x")

    html = admin.post("/broadcasts/compose/audience", unknown).content.decode()
    other = admin.post("/broadcasts/compose/audience", odd).content.decode()

    assert "There is no chat with the number 999999, 99999999999999999999." in html
    assert "“12x” is no chat number." in other


def test_send_now(admin: Client, channel: Channel) -> None:
    reap.register()

    response = admin.post("/broadcasts/new/", given(channel))

    broadcast = the_draft()
    assert response["Location"] == f"/broadcasts/{broadcast.pk}/"
    assert broadcast.state == "scheduled"
    assert broadcast.agent is not None


def test_sending_the_same_page_twice_makes_one_broadcast(admin: Client, channel: Channel) -> None:
    admin.post("/broadcasts/compose/text", given(channel))
    form = given(channel, draft=the_draft().pk)

    admin.post("/broadcasts/new/", form)
    second = admin.post("/broadcasts/new/", form, follow=True)

    assert the_draft().state == "scheduled"
    assert "no draft any more" in second.content.decode()


def test_c2_send_at_a_time_in_a_zone(admin: Client, channel: Channel) -> None:
    form = given(channel, when="later", at="2100-06-01T09:00", zone="Asia/Tokyo")

    admin.post("/broadcasts/new/", form)

    scheduled = the_draft().scheduled_at
    assert scheduled is not None
    assert scheduled.isoformat() == "2100-06-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("at", "zone", "says"),
    [
        ("", "UTC", "Choose a date and a time."),
        ("2001-01-01T09:00", "UTC", "That time has passed."),
        ("2100-03-28T02:30", "Europe/Berlin", "does not exist in Europe/Berlin"),
        ("soon", "UTC", "is not a date and time"),
        ("2100-01-01T09:00", "Mars/Base", "There is no time zone"),
    ],
)
def test_a_time_that_can_not_be_is_told_and_nothing_leaves(
    admin: Client, channel: Channel, at: str, zone: str, says: str
) -> None:
    response = admin.post("/broadcasts/new/", given(channel, when="later", at=at, zone=zone))

    assert response.status_code == 422
    assert says in response.content.decode()
    assert the_draft().state == "draft"


def test_an_empty_form_says_all_that_is_missing_and_keeps_what_was_typed(
    admin: Client, channel: Channel
) -> None:
    response = admin.post("/broadcasts/new/", given(text="", title="My title"))
    html = response.content.decode()

    assert response.status_code == 422
    assert "Choose at least one channel." in html
    assert "Write a text." in html
    assert 'value="My title"' in html


def test_d1_a_draft_is_saved_with_whatever_there_is(admin: Client, channel: Channel) -> None:
    response = admin.post("/broadcasts/new/", given(text="", save="yes"))

    assert response["Location"] == "/?section=drafts"
    draft = the_draft()
    html = admin.get(f"/broadcasts/{draft.pk}/edit/").content.decode()
    assert 'value="Spring"' in html
    assert "ask-delete" in html


def test_only_drafts_are_edited(admin: Client, channel: Channel) -> None:
    admin.post("/broadcasts/new/", given(channel))

    response = admin.get(f"/broadcasts/{the_draft().pk}/edit/")
    late = given(channel, draft=the_draft().pk, text="Too late")
    for part in ("text", "audience", "ids"):
        saved = admin.post(f"/broadcasts/compose/{part}", late)
        assert saved["HX-Redirect"] == f"/broadcasts/{the_draft().pk}/"

    assert response["Location"] == f"/broadcasts/{the_draft().pk}/"
    assert the_draft().text == "Hello {{ contact.name }}"


@pytest.mark.parametrize(
    "odd",
    [
        {"channels": ["x", "9" * 30]},
        {"who": "martians"},
        {"draft": "9" * 30},
        {"person": "9" * 30},
        {"text": "a\x00b"},
        {"title": "t" * 10_000},
        {"tags": ["no such", "a\x00"], "who": "tags"},
    ],
)
def test_damaged_forms_do_not_break_the_page(
    admin: Client, channel: Channel, odd: dict[str, Any]
) -> None:
    assert admin.post("/broadcasts/compose/audience", given(channel) | odd).status_code == 200


@pytest.mark.parametrize(
    "text", ["{{ contact.name | truncate('abc') }}", "{{ 5 is divisibleby(0) }}", "{{ 1 // 0 }}"]
)
def test_a_draft_that_can_not_be_shown_can_be_edited(
    admin: Client, channel: Channel, text: str
) -> None:
    saved = admin.post("/broadcasts/compose/text", given(channel, text=text, title=text))
    page = admin.get(f"/broadcasts/{the_draft().pk}/edit/")

    assert (saved.status_code, page.status_code) == (200, 200)
    assert len(page.context["bubbles"]) == 1
    assert page.context["bubbles"][0].note
    assert page.context["subject"].problem


def test_b7_a_title_is_checked_and_shown_like_a_text(admin: Client, channel: Channel) -> None:
    form = given(channel, title="For {{ contact.name }}", text="Hello")
    right = admin.post("/broadcasts/compose/text", form).content.decode()
    form = given(channel, title="For {{ contact.nam }}", text="Hello", draft=the_draft().pk)
    wrong = admin.post("/broadcasts/compose/text", form).content.decode()

    assert "For Person 0" in right
    assert "Title: No contact has “contact.nam”." in wrong
