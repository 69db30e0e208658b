"""The page of a draft: what it says, when it leaves, and two agents at the same one."""

import re
from typing import Any

import pytest
from django.test import Client

from clarion.broadcasts import drafts, launch, problems
from clarion.broadcasts.errors import LaunchError
from clarion.broadcasts.models import Broadcast
from clarion.channels.manage import add_channel
from clarion.channels.models import Channel
from clarion.consents.models import Consent
from clarion.contacts.models import Tag
from clarion.content import stories
from clarion.content.models import Story
from clarion.engine import reap
from clarion.records.models import Delivery
from clarion.web.views import compose
from support import factory
from web.conftest import LogIn
from web.reading import words

pytestmark = pytest.mark.django_db(transaction=True)
BLOCKS = [
    {"kind": "text", "text": "Dear {{ contact.name }}"},
    {
        "kind": "buttons",
        "text": "Well?",
        "buttons": [{"kind": "link", "label": "Shop", "value": "https://shop.example/"}],
    },
    {"kind": "webhook", "url": "https://hook.example/answer"},
]


@pytest.fixture
def channel() -> Channel:
    channel = factory.channel("Shop", rate=10)
    factory.people(channel, 5)
    return channel


@pytest.fixture
def story() -> Story:
    return stories.create_story(name="Welcome", blocks=BLOCKS, by=factory.BY)


def given(channel: Channel | None = None, **fields: Any) -> dict[str, Any]:
    """The form as a browser sends it."""
    form = {"title": "Spring", "text": "Hello {{ contact.name }}", "who": "all", "when": "now"}
    channels = [channel.pk] if channel else []
    return {**form, "data_type": "text", "channels": channels, **fields}


def autosave(browser: Client, form: dict[str, Any], part: str = "audience") -> str:
    response = browser.post(f"/broadcasts/compose/{part}", form)
    assert response.status_code == 200
    return response.content.decode()


def the_draft() -> Broadcast:
    return Broadcast.objects.get()


def seen() -> dict[str, Any]:
    """What a page that shows the newest sends along."""
    return {"draft": the_draft().pk, "revision": the_draft().revision}


def test_b2_a_story_is_chosen_shown_and_sent(admin: Client, channel: Channel, story: Story) -> None:
    form = given(channel, data_type="story", story=story.pk)

    html = autosave(admin, form)
    admin.post("/broadcasts/new/", {**form, **seen()})

    assert '<span class="bubble-text" dir="auto">Dear Person 0</span>' in html
    assert '<span class="bubble-button">Shop</span>' in html
    assert "The messages that hook.example answers with appear here." in html
    assert "Story “Welcome”" in html
    sent = the_draft()
    assert (sent.state, sent.story) == ("scheduled", story)
    assert sent.story_version == stories.newest(story)
    assert sent.text == "Hello {{ contact.name }}"  # kept, should one change one's mind


def test_b2_why_a_story_can_not_be_chosen(admin: Client, channel: Channel) -> None:
    html = admin.get("/broadcasts/new/").content.decode()

    assert re.search(r'value="story"\s+disabled', html)
    assert "Story: There is no story yet." in html
    assert 'href="/stories/new/"' in html


def test_b4_a_template_is_sent_by_name_language_and_variables(
    admin: Client, channel: Channel
) -> None:
    fields = {"template_name": "order_update", "template_language": "en_US"}
    rows = {"template_variables": ["{{ contact.name }}", "10 %", "", ""]}
    form = given(channel, data_type="template", **fields, **rows)

    html = autosave(admin, form, "text")
    admin.post("/broadcasts/new/", {**form, **seen()})

    assert "1. Person 0" in html
    assert html.count('name="template_variables"') == 3  # and one to go on with
    sent = the_draft()
    assert sent.state == "scheduled"
    assert sent.template == {
        "name": "order_update",
        "language": "en_US",
        "variables": ["{{ contact.name }}", "10 %"],
    }


def test_b4_why_a_template_can_not_be_chosen(admin: Client) -> None:
    settings = {"host": "127.0.0.1", "port": "9", "sender": "Us <us@example.org>"}
    mail = add_channel(name="Mail", kind="email", settings=settings, by=factory.BY)

    html = autosave(admin, given(mail))
    # One that was chosen before stays, and says so.
    kept = autosave(admin, given(mail, data_type="template", template_name="x"))

    assert re.search(r'value="template"\s+disabled', html)
    assert "None of the chosen channels has templates." in html
    assert re.search(r'value="template"\s+checked', kept)
    assert "Mail has no templates." in kept


def test_a5_chat_numbers_take_a_text_only(admin: Client, channel: Channel, story: Story) -> None:
    chat = channel.addresses.order_by("pk")[0].pk
    as_text = autosave(admin, given(who="chats", chats=str(chat)))
    form = given(who="chats", chats=str(chat), data_type="story", story=story.pk, **seen())
    refused = admin.post("/broadcasts/new/", form)

    assert re.search(r'value="story"\s+disabled', as_text)
    assert "Story: Chat numbers take a text only." in as_text
    assert refused.status_code == 422
    assert "Chat numbers take a text only. Choose Text" in refused.content.decode()
    assert the_draft().state == "draft"


def test_b5_a_test_goes_to_the_address_that_the_agent_remembers(
    admin: Client, channel: Channel
) -> None:
    me = channel.addresses.order_by("pk")[2]
    first = admin.post("/broadcasts/compose/test", given(channel)).content.decode()
    found = admin.get("/broadcasts/compose/people?test_q=Person 2").content.decode()
    chosen = admin.post("/broadcasts/compose/test-to", {"test_address": me.pk}).content.decode()

    draft = the_draft()
    sent = admin.post("/broadcasts/compose/test", given(channel, **seen())).content.decode()

    assert "Choose where your tests go first." in first
    assert 'name="test_address"' in found
    assert "to Person 2 on Shop" in chosen
    single = Broadcast.objects.get(type="single")
    assert f"/broadcasts/compose/test/{single.pk}" in sent
    assert (single.title, single.text) == ("Spring", "Hello {{ contact.name }}")
    delivery = Delivery.objects.get()
    assert delivery.address_id == me.pk
    draft.refresh_from_db()
    assert draft.state == "draft"


def test_b5_the_result_of_a_test_is_asked_for_until_it_is_there(
    admin: Client, channel: Channel
) -> None:
    me = channel.addresses.order_by("pk")[0]
    admin.post("/broadcasts/compose/test-to", {"test_address": me.pk})
    admin.post("/broadcasts/compose/test", given(channel))
    there = f"/broadcasts/compose/test/{Broadcast.objects.get(type='single').pk}"

    waiting = admin.get(there).content.decode()
    Delivery.objects.update(state="sent")
    done = admin.get(there).content.decode()

    assert "hx-get" in waiting
    assert "No worker is running" in waiting
    assert "hx-get" not in done
    assert "The provider has accepted the message." in done
    draft = Broadcast.objects.get(type="broadcast")
    assert admin.get(f"/broadcasts/compose/test/{draft.pk}").status_code == 404


def test_c1_it_leaves_after_the_undo_time_and_can_be_taken_back(
    admin: Client, channel: Channel
) -> None:
    admin.post("/broadcasts/new/", given(channel))
    assert the_draft().state == "scheduled"

    taken = admin.post(f"/broadcasts/{the_draft().pk}/edit/", follow=True)

    assert the_draft().state == "draft"
    assert "Undone: nothing was sent. It is a draft again." in taken.content.decode()


def test_c2_a_chosen_time_is_still_there_after_taking_it_back(
    admin: Client, channel: Channel
) -> None:
    admin.post(
        "/broadcasts/new/", given(channel, when="later", at="2100-06-01T09:00", zone="Asia/Tokyo")
    )
    html = admin.post(f"/broadcasts/{the_draft().pk}/edit/", follow=True).content.decode()

    assert 'value="2100-06-01T09:00"' in html
    assert re.search(r'<option value="Asia/Tokyo"\s+selected', html)
    assert "1 Jun 2100, 09:00" in html


def test_c3_it_repeats_and_the_next_runs_are_shown(admin: Client, channel: Channel) -> None:
    reap.register()
    repeat = {"when": "repeat", "every": "week", "clock": "09:00", "days": ["0", "3"]}
    form = given(channel, **repeat, zone="Europe/Berlin")

    html = autosave(admin, form, "when")
    admin.post("/broadcasts/new/", {**form, **seen()})

    assert "Every Monday and Thursday at 09:00, Europe/Berlin" in html
    assert len(re.findall(r"<li>(?:Monday|Thursday), \d+ \w+ \d{4}, 09:00</li>", html)) == 3
    live = the_draft()
    assert live.state == "live"
    assert live.next_run_at is not None


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"every": "week", "clock": "09:00"}, "Choose the days of the week"),
        ({"every": "cron", "cron": "0 9 * *"}, "five"),
        ({"every": "cron", "cron": "0 9 31 2 *"}, "never runs"),
        ({"every": "day", "clock": ""}, "time of day"),
        ({"every": "day", "clock": "09:00", "zone": "Mars/Base"}, "There is no time zone"),
    ],
)
def test_c3_what_can_not_repeat_is_told_and_nothing_starts(
    admin: Client, channel: Channel, fields: dict[str, str], says: str
) -> None:
    form = given(channel, when="repeat", **fields)
    response = admin.post("/broadcasts/new/", form)

    assert response.status_code == 422
    assert says in response.content.decode()
    assert the_draft().state == "draft"
    assert problems.check(the_draft())  # nor from anywhere else


def test_c4_it_waits_for_a_tag(admin: Client, channel: Channel) -> None:
    conditions = {
        "condition_of": ["city", "#tag", ""],
        "condition_is": ["equals", "not", "equals"],
        "condition_value": ["Berlin", "tired", ""],
    }
    fields = {"on": "tag", "tag": "vip", "delay": "2", "delay_unit": "hours", "again": "yes"}
    form = given(channel, when="trigger", **fields, **conditions)

    html = autosave(admin, form, "when")
    admin.post("/broadcasts/new/", {**form, **seen()})

    assert "2 hours after the tag “vip” is assigned" in html
    live = the_draft()
    assert (live.state, live.type) == ("live", "trigger")
    assert live.trigger["delay"] == 7_200
    assert live.trigger["conditions"] == [
        {"attribute": "city", "tag": "", "is": "equals", "value": "Berlin"},
        {"attribute": "", "tag": "tired", "is": "has_not", "value": ""},
    ]
    assert Tag.objects.filter(name="vip").exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"on": "tag", "tag": ""},
        {"on": "event", "event": "paid", "delay": "soon"},
        {"on": "event", "event": "paid", "delay": "0"},
        {"on": "event", "event": "paid", "condition_of": ["#tag"], "condition_is": ["contains"],
         "condition_value": ["x"]},
    ],
)  # fmt: skip
def test_c4_a_trigger_that_can_not_be_is_told(
    admin: Client, channel: Channel, fields: dict[str, Any]
) -> None:
    response = admin.post("/broadcasts/new/", given(channel, when="trigger", **fields))

    assert response.status_code == 422
    assert response.context["made"].problems["trigger"]
    assert the_draft().state == "draft"


def test_c5_it_waits_for_a_call_that_brings_data(admin: Client, channel: Channel) -> None:
    form = given(channel, text="Order {{ data.number }} is ready")
    refused = admin.post("/broadcasts/new/", form)
    admin.post("/broadcasts/new/", {**form, **seen(), "when": "called"})

    assert "“data.number” comes only with an external call" in refused.content.decode()
    live = the_draft()
    assert (live.state, live.type) == ("live", "external")
    assert live.secret["token"]


def test_g1_a7_and_f5_the_options_are_saved(admin: Client, channel: Channel) -> None:
    Consent.objects.create(name="News")
    options = {"end_open_chats": "yes", "rate": "2,5", "consents": ["News"]}

    html = autosave(admin, given(channel, **options))
    page = admin.get(f"/broadcasts/{the_draft().pk}/edit/").content.decode()

    draft = the_draft()
    assert (draft.end_open_chats, draft.rate) == (True, 2.5)
    assert draft.audience["consents"] == ["News"]
    assert "have not given all required consents" in html
    assert re.search(r'name="end_open_chats" value="yes"\s+checked', page)
    assert 'value="2,5"' in page


@pytest.mark.parametrize("rate", ["fast", "0", "nan", "1e99"])
def test_a_speed_that_is_none_is_told_and_kept(admin: Client, channel: Channel, rate: str) -> None:
    response = admin.post("/broadcasts/new/", given(channel, rate=rate))

    assert response.status_code == 422
    assert "The send rate is a number of messages a second" in response.content.decode()
    assert f'value="{rate}"' in response.content.decode()
    assert the_draft().state == "draft"


def test_by_when_it_is_finished(admin: Client, channel: Channel, story: Story) -> None:
    other = factory.channel("Slow", rate=0.1)
    factory.people(other, 60, prefix="s")
    both = {"channels": [channel.pk, other.pk]}

    html = autosave(admin, given(**both))
    assert "after about 10 min · Slow takes longest" in words(html)
    counted = re.search(r'name="counted" id="counted" value="([^"]*)"', html)
    assert counted is not None
    assert counted[1] == f"{channel.pk}:5,{other.pk}:60"

    kept = {**seen(), "counted": counted[1]}
    twice = given(**both, **kept, data_type="story", story=story.pk)
    assert "after about 20 min" in autosave(admin, twice, "text")
    slower = given(**both, **{**kept, **seen()}, rate="0.01")
    assert "after about 1 h 48 min" in autosave(admin, slower, "when")
    free = factory.channel("Free")
    factory.people(free, 1, prefix="f")
    assert "no send rate is set" in autosave(admin, given(free, **seen()))


def test_d1_what_is_not_valid_yet_is_kept_and_stands_in_the_way(
    admin: Client, channel: Channel
) -> None:
    typed = {"when": "later", "at": "soon", "rate": "fast", "chats": "12, x", "cron": "0 9"}
    html = autosave(admin, given(channel, **typed, tags=["vip"]), "when")
    page = admin.get(f"/broadcasts/{the_draft().pk}/edit/").content.decode()

    assert "Saved" in html
    for value in ("soon", "fast", "0 9"):
        assert f'value="{value}"' in page
    assert ">12, x</textarea>" in page
    assert "“soon” is not a date and time." in page
    with pytest.raises(LaunchError, match="“soon” is not a date and time"):
        launch.start(the_draft(), by=factory.BY)


def test_d1_a_click_on_another_option_takes_nothing_away(
    admin: Client, channel: Channel, story: Story
) -> None:
    people = [str(address.pk) for address in channel.addresses.all()[:3]]
    autosave(admin, given(who="chats", chats=", ".join(people)))
    for who in ("all", "ids", "tags"):
        autosave(admin, given(channel, who=who, **seen()))
    html = autosave(admin, given(channel, who="chats", chats="", **seen()))

    assert the_draft().picks.count() == 3
    assert "Write chat numbers, separated by commas." in html
    assert "No chat numbers yet" in html
    as_story = given(channel, data_type="story", story=story.pk, template_name="x", **seen())
    autosave(admin, as_story)
    draft = the_draft()
    assert (draft.text, draft.template["name"]) == ("Hello {{ contact.name }}", "x")


def test_d1_closing_the_page_overtakes_what_it_saved_just_before(
    admin: Client, channel: Channel
) -> None:
    autosave(admin, given(channel, page="abc", text="H"), "text")
    before = seen()
    autosave(admin, given(channel, page="abc", text="He", **before), "text")

    # The answer never came, so the page still sends the revision before.
    late = given(channel, page="abc", text="Hel", **before)
    assert "in another window" in autosave(admin, late, "text")
    autosave(admin, {**late, "leaving": "yes"}, "text")
    assert the_draft().text == "Hel"


def test_d1_what_the_page_saves_at_the_very_moment_of_closing_is_no_conflict(
    admin: Client, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    autosave(admin, given(channel, page="abc", text="H"), "text")
    last = given(channel, page="abc", text="Hel", leaving="yes", **seen())
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
    autosave(ada, given(channel), "text")
    first = seen()
    autosave(bea, given(channel, text="Bea's", **first), "text")

    told = autosave(ada, given(channel, text="Ada's", **first), "text")
    pressed = ada.post("/broadcasts/new/", given(channel, text="Ada's", **first))

    assert re.search(r"Sender Example edited this draft at \d\d:\d\d\.", told)
    assert "Not saved" in told
    assert "Load the newest" in told
    assert pressed.status_code == 422
    assert "Sender Example edited this draft" in pressed.content.decode()
    assert "Ada&#x27;s</textarea>" in pressed.content.decode()
    assert (the_draft().text, the_draft().state) == ("Bea's", "draft")


def test_d2_who_only_looks_is_told_too(log_in: LogIn, channel: Channel) -> None:
    ada, bea = log_in("admin"), log_in("sender")
    autosave(ada, given(channel), "text")
    first = seen()
    watch = "/broadcasts/compose/watch?draft={draft}&revision={revision}".format(**first)

    assert ada.get("/broadcasts/compose/watch?draft=&revision=").status_code == 204
    assert ada.get(watch).status_code == 204
    autosave(bea, given(channel, text="Bea's", **first), "text")
    assert "Sender Example edited this draft" in ada.get(watch).content.decode()
    bea.post("/broadcasts/new/", given(channel, **seen()))
    assert "it is scheduled" in ada.get(watch).content.decode()
    Broadcast.objects.all().delete()
    assert "This draft was deleted." in ada.get(watch).content.decode()


@pytest.mark.parametrize("gone", [False, True])
def test_d2_mine_is_kept_as_a_copy(log_in: LogIn, channel: Channel, gone: bool) -> None:
    ada, bea = log_in("admin"), log_in("sender")
    autosave(ada, given(channel), "text")
    first = seen()
    autosave(bea, given(channel, text="Bea's", **first), "text")
    if gone:
        Broadcast.objects.all().delete()

    form = given(channel, text="Ada's", copy="yes", **first)
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
    autosave(ada, given(channel), "text")
    first = seen()
    bea.post("/broadcasts/new/", given(channel, **first))

    late = ada.post("/broadcasts/compose/text", given(channel, text="Late", **first))

    assert late["HX-Redirect"] == f"/broadcasts/{the_draft().pk}/"
    assert (the_draft().state, the_draft().text) == ("scheduled", "Hello {{ contact.name }}")


def test_an_exact_count_comes_after_an_about(admin: Client, channel: Channel) -> None:
    autosave(admin, given(channel))
    there = "/broadcasts/compose/count?draft={draft}&revision={revision}".format(**seen())

    assert "Send to 5 recipients" in words(admin.get(there).content.decode())
    assert "about" not in admin.get(there).content.decode()
    autosave(admin, given(channel, **seen()))
    assert admin.get(there).status_code == 204  # it has changed since: the newer one is asked for


@pytest.mark.parametrize(
    "odd",
    [
        {"revision": "x"},
        {"revision": "9" * 40},
        {"data_type": "opera", "story": "9" * 30},
        {"counted": "1:2:3,x,,4"},
        {"when": "repeat", "days": ["9", "x"], "day": "99"},
        {"when": "trigger", "delay": "9" * 40, "delay_unit": "eons", "on": "moon"},
        {"template_variables": ["x"] * 100, "data_type": "template"},
        {"page": "p" * 999, "typed": "x"},
    ],
)  # fmt: skip
def test_damaged_fields_do_not_break_the_page(
    admin: Client, channel: Channel, odd: dict[str, Any]
) -> None:
    for part in ("audience", "when", "text"):
        autosave(admin, given(channel) | odd, part)
    draft = Broadcast.objects.latest("pk")
    assert admin.get(f"/broadcasts/{draft.pk}/edit/").status_code == 200


def test_a_draft_of_the_command_line_opens_as_it_is(admin: Client, channel: Channel) -> None:
    trigger = {"on": "event", "event": "paid", "delay": 7_200, "at": "08:00", "conditions": []}
    forms = [
        ({"type": "trigger", "trigger": trigger}, ['value="paid"', 'value="08:00"']),
        ({"recurrence": {"every": "month", "day": 31, "at": "07:30"}}, ['value="07:30"']),
        ({"type": "external"}, [r'value="called"\s+checked']),
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
