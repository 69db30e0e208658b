"""What a draft says: a text, a story or a template, and tests of it."""

import re

import pytest
from django.test import Client

from clarion.broadcasts import drafts, launch
from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from clarion.codes import batches, pools
from clarion.contacts.models import Contact
from clarion.contacts.tags import assign
from clarion.content import stories
from clarion.content.errors import NO_CODE
from clarion.content.models import Story
from clarion.records.models import Delivery
from support import factory
from web.composing import autosave, compose_form, seen, the_draft
from web.reading import words

pytestmark = pytest.mark.django_db


def test_b2_a_story_is_chosen_shown_and_sent(admin: Client, channel: Channel, story: Story) -> None:
    form = compose_form(channel, data_type="story", story=story.pk)

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
    assert "Story: There are no stories yet." in html
    assert 'href="/stories/new/"' in html


def test_b4_a_template_is_sent_by_name_language_and_variables(
    admin: Client, channel: Channel
) -> None:
    fields = {"template_name": "order_update", "template_language": "en_US"}
    rows = {"template_variables": ["{{ contact.name }}", "10 %", "", ""]}
    form = compose_form(channel, data_type="template", **fields, **rows)

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
    mail = factory.channel("Mail", "email")

    html = autosave(admin, compose_form(mail))
    # One that was chosen before stays, and says so.
    kept = autosave(admin, compose_form(mail, data_type="template", template_name="x"))

    assert re.search(r'value="template"\s+disabled', html)
    assert "None of the chosen channels has templates." in html
    assert re.search(r'value="template"\s+checked', kept)
    assert "Mail has no templates." in kept


def test_a5_chat_numbers_take_a_text_only(admin: Client, channel: Channel, story: Story) -> None:
    chat = channel.addresses.order_by("pk")[0].pk
    as_text = autosave(admin, compose_form(audience="chats", chats=str(chat)))
    form = compose_form(
        audience="chats", chats=str(chat), data_type="story", story=story.pk, **seen()
    )
    refused = admin.post("/broadcasts/new/", form)

    assert re.search(r'value="story"\s+disabled', as_text)
    assert "Story: Only a text can be sent to chat numbers." in as_text
    assert refused.status_code == 422
    assert "Only a text can be sent to chat numbers. Choose Text" in refused.content.decode()
    assert the_draft().state == "draft"


def test_b5_a_test_goes_to_the_address_that_the_agent_remembers(
    admin: Client, channel: Channel
) -> None:
    me = channel.addresses.order_by("pk")[2]
    first = admin.post("/broadcasts/compose/test", compose_form(channel)).content.decode()
    people = admin.get("/broadcasts/compose/contacts?test_q=Person 2").content.decode()
    chosen = admin.post("/broadcasts/compose/test-to", {"test_address": me.pk}).content.decode()

    draft = the_draft()
    sent = admin.post("/broadcasts/compose/test", compose_form(channel, **seen())).content.decode()

    assert "Choose where your tests go first." in first
    assert 'name="test_address"' in people
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
    admin.post("/broadcasts/compose/test", compose_form(channel))
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


def test_b1_unknown_variables_are_told_beside_the_text(admin: Client, channel: Channel) -> None:
    form = compose_form(channel, text="Hi {{ contact.nam }}")

    html = admin.post("/broadcasts/compose/text", form).content.decode()

    assert "No contact has “contact.nam”." in html


def test_b6_a_code_is_explained_as_what_it_is(admin: Client, channel: Channel) -> None:
    form = compose_form(channel, text="Your code: {{ code }}")
    response = admin.post("/broadcasts/compose/text", form)

    assert response.context["text_problems"] == [NO_CODE]
    assert "No contact has" not in response.content.decode()
    assert response.context["gaps"] == []
    (bubble,) = response.context["bubbles"]
    assert bubble.note.endswith(NO_CODE)


@pytest.mark.parametrize("text", ["{{ contact.name", "{% for x in y %}", "{{ 'a' * 100000000 }}"])
def test_a_broken_text_is_told_and_saved(admin: Client, channel: Channel, text: str) -> None:
    response = admin.post("/broadcasts/compose/text", compose_form(channel, text=text))

    assert response.status_code == 200
    assert len(response.context["text_problems"]) == 1
    assert the_draft().text == text


def test_b5_preview_as_a_chosen_person(admin: Client, channel: Channel) -> None:
    third = channel.addresses.order_by("pk")[2]

    people = admin.get("/broadcasts/compose/contacts?q=Person 2").content.decode()
    form = compose_form(
        channel, preview_address=third.pk, address_chosen="yes", audience="tags", tags=["none"]
    )
    html = admin.post("/broadcasts/compose/text", form).content.decode()

    assert f'value="{third.pk}"' in people
    assert '<span class="bubble-text" dir="auto">Hello Person 2</span>' in html
    assert 'name="address_chosen"' in html


def test_b5_the_preview_shows_recipients_of_this_broadcast(admin: Client, channel: Channel) -> None:
    first, _, third, fourth, _ = channel.addresses.select_related("contact").order_by("pk")
    assign(["vip"], [third.contact_id, fourth.contact_id], by=factory.BY)
    form = compose_form(channel, audience="tags", tags=["vip"], preview_address=first.pk)

    here = admin.post("/broadcasts/compose/audience", form).content.decode()
    following = admin.post("/broadcasts/compose/text", {**form, "after_address": third.pk})

    assert "Hello Person 2</span>" in here
    assert 'name="address_chosen"' not in here
    assert following.context["preview_address"] == fourth


def test_c5_sample_data_are_kept_with_the_draft_and_shown(admin: Client, channel: Channel) -> None:
    text = {"text": "Order {{ data.order }}", "title": "For {{ data.order }}", "when": "external"}
    form = compose_form(channel, **text, sample_data='{"order": "A-17 ü"}')

    html = autosave(admin, form, "text")
    draft = the_draft()
    page = admin.get(f"/broadcasts/{draft.pk}/edit/")

    assert '<span class="bubble-text" dir="auto">Order A-17 ü</span>' in html
    assert (draft.sample_data, draft.data) == ({"order": "A-17 ü"}, {})
    assert "A-17 ü&quot;" in page.content.decode()
    assert drafts.duplicate(draft, by=factory.BY).sample_data == draft.sample_data
    assert launch.start(draft, by=factory.BY).data == {}


def test_c5_without_sample_data_what_a_call_brings_is_shown_by_its_name(
    admin: Client, channel: Channel
) -> None:
    form = compose_form(channel, text="Order {{ data.order }}", when="external")
    response = admin.post("/broadcasts/compose/text", form)

    assert "Order ‹data.order›</span>" in response.content.decode()
    assert response.context["text_problems"] == []
    assert not [bubble.note for bubble in response.context["bubbles"] if bubble.note]


@pytest.mark.parametrize("typed", ["{", "[1]", "7", '{"a": NaN}', "[" * 100_000])
def test_sample_data_that_are_no_object_are_kept_and_named(
    admin: Client, channel: Channel, typed: str
) -> None:
    form = compose_form(channel, when="external", sample_data=typed)
    html = autosave(admin, form, "text")
    page = admin.get(f"/broadcasts/{the_draft().pk}/edit/")

    assert "The sample data is no JSON object." in html
    assert page.context["form"].sample_text == typed
    assert the_draft().sample_data == {}


def test_a_test_is_sent_with_the_sample_data(admin: Client, channel: Channel) -> None:
    address = channel.addresses.order_by("pk")[0]
    admin.post("/broadcasts/compose/test-to", {"test_address": address.pk})
    text = {"text": "Order {{ data.order }}", "when": "external"}
    admin.post(
        "/broadcasts/compose/test", compose_form(channel, **text, sample_data='{"order": "A-17"}')
    )

    single = Broadcast.objects.get(type="single")
    assert single.data == {"order": "A-17"}


def test_what_only_e_mails_have_is_saved_and_previewed(admin: Client) -> None:
    mail = factory.channel("Mail", "email")
    factory.address(mail, "dana@x.example", "Dana")
    form = compose_form(mail, preheader="For {{ contact.name }}", from_name="Anna", reply_to="no")

    html = autosave(admin, form, "text")
    page = words(admin.get(f"/broadcasts/{the_draft().pk}/edit/").content.decode())

    shouting = autosave(admin, {**form, **seen(), "title": "BIG SPRING SALE"}, "text")
    assert "The subject is in capital letters." in shouting
    assert the_draft().mail == {
        "preheader": "For {{ contact.name }}", "from_name": "Anna", "reply_to": "no",
    }  # fmt: skip
    assert "For Dana" in html
    assert "Reply-to: This is not an e-mail address." in page
    assert (
        'value="For {{ contact.name }}"'
        in admin.get(f"/broadcasts/{the_draft().pk}/edit/").content.decode()
    )


@pytest.mark.parametrize(
    "text", ["{{ contact.name | truncate('abc') }}", "{{ 5 is divisibleby(0) }}", "{{ 1 // 0 }}"]
)
def test_a_draft_that_can_not_be_shown_can_be_edited(
    admin: Client, channel: Channel, text: str
) -> None:
    saved = admin.post("/broadcasts/compose/text", compose_form(channel, text=text, title=text))
    page = admin.get(f"/broadcasts/{the_draft().pk}/edit/")

    assert (saved.status_code, page.status_code) == (200, 200)
    assert len(page.context["bubbles"]) == 1
    assert page.context["bubbles"][0].note
    assert page.context["head"][0][1].problem


def test_b7_a_title_is_checked_and_shown_like_a_text(admin: Client, channel: Channel) -> None:
    form = compose_form(channel, title="For {{ contact.name }}", text="Hello")
    right = admin.post("/broadcasts/compose/text", form).content.decode()
    form = compose_form(channel, title="For {{ contact.nam }}", text="Hello", draft=the_draft().pk)
    wrong = admin.post("/broadcasts/compose/text", form).content.decode()

    assert "For Person 0" in right
    assert "Title: No contact has “contact.nam”." in wrong


def test_b7_recipients_who_lack_a_variable_are_counted_and_accepted(
    admin: Client, channel: Channel
) -> None:
    Contact.objects.filter(name__in=["Person 1", "Person 2"]).update(name="")

    form = compose_form(channel)
    html = autosave(admin, form)
    draft = the_draft()
    refused = admin.post("/broadcasts/new/", {**form, **seen()})
    told = words(refused.content.decode())
    draft.refresh_from_db()

    assert "2 of 5 recipients have no “contact.name” and would get nothing." in words(html)
    assert "Send to the other 3 recipients" in words(html)
    assert refused.status_code == 422
    assert "or choose to send to the others." in told
    assert draft.state == "draft"

    accepting = {**form, **seen(), "accepted_gaps": ["contact.name"]}
    sent = admin.post("/broadcasts/new/", accepting)
    draft.refresh_from_db()
    page = words(admin.get(f"/broadcasts/{draft.pk}/").content.decode())

    assert sent.status_code == 302
    assert (draft.state, draft.accepted_gaps) == ("scheduled", ["contact.name"])
    assert "Recipients who lack contact.name get nothing" in page


def test_b7_what_was_accepted_is_shown_again(admin: Client, channel: Channel) -> None:
    Contact.objects.filter(name="Person 1").update(name="")
    draft = factory.draft([channel], accepted_gaps=["*"])

    page = admin.get(f"/broadcasts/{draft.pk}/edit/").content.decode()

    assert re.search(r'name="accepted_gaps" value="contact.name"\s+checked', page)


def test_the_chip_of_a_variable_offers_a_default(admin: Client, channel: Channel) -> None:
    page = admin.get("/broadcasts/new/").content.decode()

    assert 'data-variable="{{ contact.name | default(&quot;friend&quot;) }}"' in page
    assert 'data-variable="{{ contact.city | default(&quot;&quot;) }}"' in page
    assert 'data-variable="{{ contact.id }}"' in page


def test_b6_a_code_pool_is_chosen_previewed_and_sent(admin: Client, channel: Channel) -> None:
    assert 'name="code_pool"' not in admin.get("/broadcasts/new/").content.decode()
    pool = pools.create(pools.Rules(name="Spring", pattern="S-####-????"), by=factory.BY)
    batches.carry_out(batches.order_codes(pool, 5, by=factory.BY))
    page = admin.get("/broadcasts/new/").content.decode()
    assert 'data-variable="{{ code }}"' in page
    form = compose_form(channel, text="Yours: {{ code }}")

    html = autosave(admin, form | {"code_pool": pool.pk}, "text")
    admin.post("/broadcasts/new/", {**form, "code_pool": pool.pk, **seen()})

    assert f"Yours: {pools.sample(pool)}" in html
    sent = the_draft()
    assert (sent.state, sent.code_pool) == ("scheduled", pool)


def test_what_the_variables_that_are_links_are_is_explained(
    admin: Client, channel: Channel
) -> None:
    page = words(admin.get("/broadcasts/new/").content.decode())
    story = words(admin.get("/stories/new/").content.decode())

    explained = (
        "Each recipient gets links of their own: {{ preferences_url }} to choose what to receive, "
        "{{ unsubscribe_url }} to unsubscribe."
    )
    assert explained in page
    assert explained in story
