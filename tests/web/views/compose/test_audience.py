"""Who a draft goes to: counted as it changes, ids from a file, chat numbers."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from clarion.chats.models import Chat
from clarion.contacts.models import Tag, Tagging
from clarion.engine import lifecycle
from clarion.kit import clock
from support import factory
from web.composing import compose_form, the_draft
from web.reading import words

pytestmark = pytest.mark.django_db


def test_a6_the_audience_is_counted_as_it_changes(admin: Client, channel: Channel) -> None:
    address = factory.people(channel, 1, prefix="gone")[0]
    address.state = "blocked"
    address.save()

    html = admin.post("/broadcasts/compose/audience", compose_form(channel)).content.decode()

    assert "Send to 5 recipients" in words(html)
    assert re.search(r'<span class="num">1</span>\s*blocked us', html)
    assert "For example Person" in html


def test_g2_contacts_in_an_open_chat_are_recipients_who_wait(
    admin: Client, channel: Channel
) -> None:
    Chat.objects.create(address=channel.addresses.earliest("pk"), state="open")

    html = words(admin.post("/broadcasts/compose/audience", compose_form(channel)).content.decode())

    assert "Send to 5 recipients" in html
    assert "1 of them when their open chat is closed" in html
    assert "open chat: held" not in html


def test_a4_tags_with_and_without(admin: Client, channel: Channel) -> None:
    tags = {name: Tag.objects.create(name=name) for name in ("vip", "gold", "staff", "unused")}
    people = [address.contact for address in channel.addresses.order_by("pk")]
    for person in people[:3]:
        Tagging.objects.create(tag=tags["vip"], contact=person)
    for person in people[2:4]:
        Tagging.objects.create(tag=tags["gold"], contact=person)
    Tagging.objects.create(tag=tags["staff"], contact=people[0])
    form = compose_form(channel, audience="tags", tags=["vip", "gold"], without_tags=["staff"])

    html = admin.post("/broadcasts/compose/audience", form).content.decode()
    page = admin.get("/broadcasts/new/").content.decode()

    assert "Send to 3 recipients" in words(html)
    assert re.search(r">1</span>\s*excluded by tag", html)
    assert re.search(r'value="unused"\s+disabled', page)


def test_channels_with_templates_say_that_these_reach_more_people(
    admin: Client, channel: Channel
) -> None:
    meta = {"token": "EAA", "app_secret": "s"}
    factory.people(factory.channel("wa", "whatsapp", phone_number_id="1", **meta), 1)
    factory.people(factory.channel("page", "messenger", account_id="1", **meta), 1)

    page = words(admin.get("/broadcasts/new/").content.decode())

    assert page.count("only those who wrote in the last 24 hours") == 2
    assert page.count("only those who wrote in the last 24 hours, unless you send a template") == 1


def test_a3_ids_need_exactly_one_channel(admin: Client, channel: Channel) -> None:
    other = factory.channel("Other")
    file = SimpleUploadedFile("ids.csv", b"id\nu1\n")

    both = compose_form(channels=[channel.pk, other.pk])
    html = admin.post("/broadcasts/compose/audience", both).content.decode()
    form = {**both, "audience": "ids", "ids_file": file}
    refused = admin.post("/broadcasts/compose/ids", form).content.decode()

    assert re.search(r'value="ids"[^>]*disabled', html)
    assert "Choose exactly one channel first" in html
    assert "Choose exactly one channel first" in refused


def test_a3_ids_from_a_file(admin: Client, channel: Channel) -> None:
    file = SimpleUploadedFile("ids.csv", b'\xef\xbb\xbfwhatever\n"u1"\nu2\nnobody\nu2\n')

    html = admin.post(
        "/broadcasts/compose/ids", compose_form(channel, ids_file=file)
    ).content.decode()

    assert "2 contacts selected" in html
    assert "Line 4: “nobody”, not known on Shop" in html
    assert "2 lines rejected" in html
    link = re.search(r'href="(/broadcasts/compose/left-out/[^"]+)"', html)
    assert link is not None
    assert len(admin.get(link[1]).getvalue().splitlines()) == 3
    assert the_draft().picks.count() == 2
    assert the_draft().audience["picked_from"] == "ids"

    # The people stay when the text is changed afterwards.
    form = compose_form(channel, audience="ids", draft=the_draft().pk, text="Hi")
    admin.post("/broadcasts/compose/text", form)
    assert the_draft().picks.count() == 2


def test_a3_a_file_that_can_not_be_used_is_called_by_its_name(
    admin: Client, channel: Channel
) -> None:
    file = SimpleUploadedFile("my people.csv", b"")
    form = compose_form(channel, ids_file=file)
    html = admin.post("/broadcasts/compose/ids", form).content.decode()

    assert "my people.csv: The file is empty. Choose a file with" in words(html)


def test_a3_another_encoding_is_refused_with_line_and_byte(admin: Client, channel: Channel) -> None:
    file = SimpleUploadedFile("ids.csv", b"id\nu1\n\xfc2\n")

    html = admin.post(
        "/broadcasts/compose/ids", compose_form(channel, ids_file=file)
    ).content.decode()

    assert "UTF-8" in html
    assert re.search(r"[Ll]ine 3", html)
    assert the_draft().picks.count() == 0


def test_a3_the_column_is_chosen_when_there_are_several(admin: Client, channel: Channel) -> None:
    file = SimpleUploadedFile("ids.csv", b"first,second\nx,u1\n")

    html = admin.post(
        "/broadcasts/compose/ids", compose_form(channel, ids_file=file)
    ).content.decode()
    token = re.search(r'name="ids_token" value="(\w+)"', html)
    assert token is not None
    form = compose_form(channel, draft=the_draft().pk, ids_token=token[1], ids_name="ids.csv")
    html = admin.post("/broadcasts/compose/ids", {**form, "ids_column": "second"}).content.decode()

    assert "1 contact selected" in html


@pytest.mark.parametrize("token", ["../../secret.key", "x" * 20])
def test_lines_left_out_are_all_that_can_be_downloaded(admin: Client, token: str) -> None:
    assert admin.get(f"/broadcasts/compose/left-out/{token}").status_code == 404


def test_a5_chat_numbers_on_any_mix_of_channels(admin: Client, channel: Channel) -> None:
    other = factory.channel("Other")
    there = factory.people(other, 1, prefix="o")[0]
    here = channel.addresses.order_by("pk")[0]
    form = compose_form(audience="chats", chats=f"{here.pk}, {there.pk}")

    html = admin.post("/broadcasts/compose/audience", form).content.decode()

    assert "Send to 2 recipients" in words(html)
    assert {c.name for c in the_draft().channels.all()} == {"Shop", "Other"}


def test_a5_unknown_chats_are_named(admin: Client, channel: Channel) -> None:
    unknown = compose_form(audience="chats", chats="999999, 99999999999999999999")
    odd = compose_form(audience="chats", chats="12x")

    html = admin.post("/broadcasts/compose/audience", unknown).content.decode()
    other = admin.post("/broadcasts/compose/audience", odd).content.decode()

    assert "There is no chat with the number 999999, 99999999999999999999." in html
    assert "“12x” is no chat number." in other


def test_a1_everyone_on_the_chosen_platforms_or_channels(admin: Client) -> None:
    shop, other = factory.channel("Shop"), factory.channel("Other")
    bot = factory.channel("Bot", "telegram")
    factory.people(shop, 5)
    factory.people(other, 3)
    factory.people(bot, 2)
    page = admin.get("/broadcasts/new/").content.decode()
    platforms = re.findall(r'class="platform-name".*?</svg>\s*(\w+)', page, re.DOTALL)
    form = {"title": "Spring", "text": "Hello", "audience": "all", "when": "now"}

    def counted(*channels: Any) -> str:
        chosen = {**form, "channels": [channel.pk for channel in channels]}
        return admin.post("/broadcasts/compose/audience", chosen).content.decode()

    assert sorted(platforms) == ["Telegram", "Webhook"]
    assert re.search(r">\s*5\s*</strong>", counted(shop))
    both = counted(shop, bot)
    assert re.search(r">\s*7\s*</strong>", both)
    assert "5 on Shop" in both
    assert "2 on Bot" in both
    assert "on Other" not in both

    assert (
        admin.post("/broadcasts/new/", {**form, "channels": [shop.pk, bot.pk]}).status_code == 302
    )
    sent = Broadcast.objects.get(state="scheduled")
    Broadcast.objects.filter(pk=sent.pk).update(scheduled_at=clock.now())
    lifecycle.start_due()
    sent.refresh_from_db()
    factory.expand(sent)
    assert factory.states(sent) == {"queued": 7}


def test_a8_only_those_who_have_written(admin: Client, channel: Channel) -> None:
    channel.addresses.filter(value="u0").update(has_written=False)
    page = admin.get("/broadcasts/new/").content.decode()
    assert 'name="only_written"' in page
    form = compose_form(channel, title="Kept", only_written="yes")

    html = admin.post("/broadcasts/compose/audience", form).content.decode()

    assert "Send to 4 recipients" in words(html)
    assert re.search(r">1</span>\s*have never written to the channel", html)
    draft = the_draft()
    assert draft.audience["only_written"] is True
    again = admin.get(f"/broadcasts/{draft.pk}/edit/").content.decode()
    assert re.search(r'name="only_written" value="yes" id="only-written"\s+checked', again)
    without = compose_form(channel, title="Kept", draft=draft.pk, revision=draft.revision)
    html = admin.post("/broadcasts/compose/audience", without).content.decode()
    assert "Send to 5 recipients" in words(html)
    assert the_draft().audience["only_written"] is False


def test_a8_a_file_lists_who_has_never_written_where_the_channel_demands_it(admin: Client) -> None:
    bot = factory.channel("Bot", "telegram")
    factory.address(bot, "1")
    factory.address(bot, "2", has_written=False)
    assert "only those who have written" in words(admin.get("/broadcasts/new/").content.decode())
    file = SimpleUploadedFile("ids.csv", b"id\n1\n2\n")

    html = admin.post("/broadcasts/compose/ids", compose_form(bot, ids_file=file)).content.decode()

    assert "has never written to Bot" in html
    assert the_draft().picks.count() == 1
