"""How a draft is saved while it is written: nothing is lost, and two agents at the same one."""

import re
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from clarion.broadcasts import drafts, launch
from clarion.broadcasts.errors import LaunchError
from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from clarion.content.models import Story
from clarion.web.views import compose
from support import factory
from web.composing import autosave, compose_form, seen, the_draft
from web.conftest import LogIn
from web.reading import words

pytestmark = pytest.mark.django_db


def test_d1_what_is_not_valid_yet_is_kept_and_stands_in_the_way(
    admin: Client, channel: Channel
) -> None:
    typed = {"when": "scheduled", "at": "soon", "rate": "fast", "chats": "12, x", "cron": "0 9"}
    html = autosave(admin, compose_form(channel, **typed, tags=["vip"]), "when")
    page = admin.get(f"/broadcasts/{the_draft().pk}/edit/").content.decode()

    assert "Saved" in html
    for value in ("soon", "fast", "0 9"):
        assert f'value="{value}"' in page
    assert ">12, x</textarea>" in page
    assert "“soon” is not a date and time." in page
    with pytest.raises(LaunchError, match="“soon” is not a date and time"):
        launch.start(the_draft(), by=factory.BY)


def test_i6_the_choice_to_track_clicks(admin: Client, channel: Channel, settings: Settings) -> None:
    page = admin.get("/broadcasts/new/").content.decode()
    assert re.search(r'name="track_clicks" value="yes"\s+disabled', page)
    assert "no public URL for the links" in words(page)
    settings.CLARION = settings.CLARION.model_copy(update={"public_url": "https://c.example"})
    form = compose_form(
        channel, text="See https://shop.example/", track_clicks="yes", track_opens="yes"
    )

    html = autosave(admin, form, "when")

    assert "Saved" in html
    assert the_draft().track_clicks
    assert the_draft().track_opens
    page = admin.get(f"/broadcasts/{the_draft().pk}/edit/").content.decode()
    assert re.search(r'name="track_clicks" value="yes"\s+checked', page)
    assert re.search(r'name="track_opens" value="yes"\s+checked', page)
    assert "The number is unreliable" in words(page)
    # The preview shows where the link leads.
    assert "https://shop.example/" in html + page


def test_d1_a_click_on_another_option_takes_nothing_away(
    admin: Client, channel: Channel, story: Story
) -> None:
    people = [str(address.pk) for address in channel.addresses.all()[:3]]
    autosave(admin, compose_form(audience="chats", chats=", ".join(people)))
    for audience in ("all", "ids", "tags"):
        autosave(admin, compose_form(channel, audience=audience, **seen()))
    html = autosave(admin, compose_form(channel, audience="chats", chats="", **seen()))

    assert the_draft().picks.count() == 3
    assert "Write chat numbers, separated by commas." in html
    assert "No chat numbers yet" in html
    as_story = compose_form(channel, data_type="story", story=story.pk, template_name="x", **seen())
    autosave(admin, as_story)
    draft = the_draft()
    assert (draft.text, draft.template["name"]) == ("Hello {{ contact.name }}", "x")


def test_d1_closing_the_page_overtakes_what_it_saved_just_before(
    admin: Client, channel: Channel
) -> None:
    autosave(admin, compose_form(channel, page="abc", text="H"), "text")
    before = seen()
    autosave(admin, compose_form(channel, page="abc", text="He", **before), "text")

    # The answer never came, so the page still sends the revision before.
    late = compose_form(channel, page="abc", text="Hel", **before)
    assert "in another window" in autosave(admin, late, "text")
    autosave(admin, {**late, "leaving": "yes"}, "text")
    assert the_draft().text == "Hel"


def test_d1_what_the_page_saves_at_the_very_moment_of_closing_is_no_conflict(
    admin: Client, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    autosave(admin, compose_form(channel, page="abc", text="H"), "text")
    last = compose_form(channel, page="abc", text="Hel", leaving="yes", **seen())
    find = compose.draft_of

    def found_just_before(request: Any) -> Broadcast | None:
        draft = find(request)
        drafts.edit_draft(the_draft(), by=factory.BY, text="He", form_state={"page": "abc"})
        return draft

    monkeypatch.setattr(compose, "draft_of", found_just_before)
    autosave(admin, last, "text")
    assert the_draft().text == "Hel"


def test_d2_the_second_editor_is_told_and_nothing_of_the_first_is_lost(
    log_in: LogIn, channel: Channel
) -> None:
    ada, bea = log_in("admin"), log_in("sender")
    autosave(ada, compose_form(channel), "text")
    first = seen()
    autosave(bea, compose_form(channel, text="Bea's", **first), "text")

    told = autosave(ada, compose_form(channel, text="Ada's", **first), "text")
    pressed = ada.post("/broadcasts/new/", compose_form(channel, text="Ada's", **first))

    assert re.search(r"Sender Example edited this draft at \d\d:\d\d\.", told)
    assert "Not saved" in told
    assert "Load the newest" in told
    assert pressed.status_code == 422
    assert "Sender Example edited this draft" in pressed.content.decode()
    assert "Ada&#x27;s</textarea>" in pressed.content.decode()
    assert (the_draft().text, the_draft().state) == ("Bea's", "draft")


def test_d2_who_only_looks_is_told_too(log_in: LogIn, channel: Channel) -> None:
    ada, bea = log_in("admin"), log_in("sender")
    autosave(ada, compose_form(channel), "text")
    first = seen()
    watch = "/broadcasts/compose/watch?draft={draft}&revision={revision}".format(**first)

    assert ada.get("/broadcasts/compose/watch?draft=&revision=").status_code == 204
    assert ada.get(watch).status_code == 204
    autosave(bea, compose_form(channel, text="Bea's", **first), "text")
    assert "Sender Example edited this draft" in ada.get(watch).content.decode()
    bea.post("/broadcasts/new/", compose_form(channel, **seen()))
    assert "it is scheduled" in ada.get(watch).content.decode()
    Broadcast.objects.all().delete()
    assert "This draft was deleted." in ada.get(watch).content.decode()


@pytest.mark.parametrize("gone", [False, True])
def test_d2_mine_is_kept_as_a_copy(log_in: LogIn, channel: Channel, gone: bool) -> None:
    ada, bea = log_in("admin"), log_in("sender")
    autosave(ada, compose_form(channel), "text")
    first = seen()
    autosave(bea, compose_form(channel, text="Bea's", **first), "text")
    if gone:
        Broadcast.objects.all().delete()

    form = compose_form(channel, text="Ada's", copy="yes", **first)
    kept = ada.post(f"/broadcasts/{first['draft']}/edit/" if not gone else "/broadcasts/new/", form)

    copy = Broadcast.objects.latest("pk")
    assert kept["Location"] == f"/broadcasts/{copy.pk}/edit/"
    assert (copy.text, copy.state) == ("Ada's", "draft")
    assert [c.pk for c in copy.channels.all()] == [channel.pk]
    if not gone:
        assert copy.title == "Copy of Spring"
        assert Broadcast.objects.get(pk=first["draft"]).text == "Bea's"


def test_d2_sent_while_the_other_edits(log_in: LogIn, channel: Channel) -> None:
    ada, bea = log_in("admin"), log_in("sender")
    autosave(ada, compose_form(channel), "text")
    first = seen()
    bea.post("/broadcasts/new/", compose_form(channel, **first))

    late = ada.post("/broadcasts/compose/text", compose_form(channel, text="Late", **first))

    assert late["HX-Redirect"] == f"/broadcasts/{the_draft().pk}/"
    assert (the_draft().state, the_draft().text) == ("scheduled", "Hello {{ contact.name }}")


def test_an_exact_count_comes_after_an_about(admin: Client, channel: Channel) -> None:
    autosave(admin, compose_form(channel))
    there = "/broadcasts/compose/count?draft={draft}&revision={revision}".format(**seen())

    assert "Send to 5 recipients" in words(admin.get(there).content.decode())
    assert "about" not in admin.get(there).content.decode()
    autosave(admin, compose_form(channel, **seen()))
    assert admin.get(there).status_code == 204  # it has changed since: the newer one is asked for


@pytest.mark.parametrize(
    "odd",
    [
        {"revision": "x"},
        {"revision": "9" * 40},
        {"data_type": "opera", "story": "9" * 30},
        {"counted": "1:2:3,x,,4"},
        {"when": "periodic", "days": ["9", "x"], "day": "99"},
        {"when": "trigger", "delay": "9" * 40, "delay_unit": "eons", "on": "moon"},
        {"template_variables": ["x"] * 100, "data_type": "template"},
        {"page": "p" * 999, "typed": "x"},
    ],
)  # fmt: skip
def test_damaged_fields_do_not_break_the_page(
    admin: Client, channel: Channel, odd: dict[str, Any]
) -> None:
    for part in ("audience", "when", "text"):
        autosave(admin, compose_form(channel) | odd, part)
    draft = Broadcast.objects.latest("pk")
    assert admin.get(f"/broadcasts/{draft.pk}/edit/").status_code == 200


def test_a_draft_of_the_command_line_opens_as_it_is(admin: Client, channel: Channel) -> None:
    trigger = {"on": "event", "event": "paid", "delay": 7_200, "at": "08:00", "conditions": []}
    forms = [
        ({"type": "trigger", "trigger": trigger}, ['value="paid"', 'value="08:00"']),
        ({"recurrence": {"every": "month", "day": 31, "at": "07:30"}}, ['value="07:30"']),
        ({"type": "external"}, [r'value="external"\s+checked']),
        ({"data_type": "template", "template": {"name": "hi"}}, ['value="hi"']),
    ]
    for fields, shown in forms:
        draft = drafts.edit_draft(factory.draft([channel]), by=factory.BY, **fields)  # type: ignore[typeddict-item]
        html = admin.get(f"/broadcasts/{draft.pk}/edit/").content.decode()
        assert all(re.search(part, html) for part in shown), fields


def test_a_viewer_composes_nothing(log_in: LogIn) -> None:
    viewer = log_in("viewer")
    assert viewer.get("/broadcasts/new/").status_code == 403
    assert viewer.post("/broadcasts/compose/text").status_code == 403
    assert viewer.post("/broadcasts/compose/test").status_code == 403
    assert viewer.get("/broadcasts/compose/watch").status_code == 403


def test_looking_at_the_page_saves_nothing(admin: Client, channel: Channel) -> None:
    response = admin.get("/broadcasts/new/")

    assert not Broadcast.objects.exists()
    assert response.context["form"].channel_ids == [channel.pk]  # the only one there is


def test_the_first_change_makes_a_draft(admin: Client, channel: Channel) -> None:
    response = admin.post("/broadcasts/compose/text", compose_form(channel, text="Hel"))

    draft = the_draft()
    assert response["HX-Replace-Url"] == f"/broadcasts/{draft.pk}/edit/"
    assert f'name="draft" id="draft" value="{draft.pk}"' in response.content.decode()

    again = admin.post("/broadcasts/compose/text", compose_form(channel, draft=draft.pk))
    assert "HX-Replace-Url" not in again
    assert the_draft().text == "Hello {{ contact.name }}"


def test_d1_a_draft_is_saved_with_whatever_there_is(admin: Client, channel: Channel) -> None:
    response = admin.post("/broadcasts/new/", compose_form(text="", save="yes"))

    assert response["Location"] == "/broadcasts/?section=drafts"
    draft = the_draft()
    html = admin.get(f"/broadcasts/{draft.pk}/edit/").content.decode()
    assert 'value="Spring"' in html
    assert "ask-delete" in html


def test_only_drafts_are_edited(admin: Client, channel: Channel) -> None:
    admin.post("/broadcasts/new/", compose_form(channel))

    response = admin.get(f"/broadcasts/{the_draft().pk}/edit/")
    late = compose_form(channel, draft=the_draft().pk, text="Too late")
    for part in ("text", "audience", "ids"):
        saved = admin.post(f"/broadcasts/compose/{part}", late)
        assert saved["HX-Redirect"] == f"/broadcasts/{the_draft().pk}/"

    assert response["Location"] == f"/broadcasts/{the_draft().pk}/"
    assert the_draft().text == "Hello {{ contact.name }}"


@pytest.mark.parametrize(
    "odd",
    [
        {"channels": ["x", "9" * 30]},
        {"audience": "martians"},
        {"draft": "9" * 30},
        {"preview_address": "9" * 30},
        {"text": "a\x00b"},
        {"title": "t" * 10_000},
        {"tags": ["no such", "a\x00"], "audience": "tags"},
    ],
)
def test_damaged_forms_do_not_break_the_page(
    admin: Client, channel: Channel, odd: dict[str, Any]
) -> None:
    assert (
        admin.post("/broadcasts/compose/audience", compose_form(channel) | odd).status_code == 200
    )
