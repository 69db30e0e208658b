"""The pages of segments, and segments on the compose page."""

import pytest
from django.test import Client

from clarion.channels.models import Channel
from clarion.contacts.attributes import note_attributes
from clarion.contacts.models import Contact
from clarion.segments import manage
from clarion.segments.conditions import Condition
from clarion.segments.models import Segment
from support import factory
from web.composing import compose_form, the_draft
from web.conftest import LogIn
from web.reading import words

pytestmark = pytest.mark.django_db
BONN = {
    "name": "Bonn",
    "match": "all",
    "of": ["city", "", "#wrote", ""],
    "is": ["equals"] * 4,
    "value": ["Bonn", "", "30", ""],
}


@pytest.fixture
def bonn(channel: Channel) -> Segment:
    factory.people(channel, 5)
    Contact.objects.filter(name__in=["Person 0", "Person 1"]).update(attributes={"city": "Bonn"})
    note_attributes(["city"])
    conditions = [Condition.parse("city=Bonn")]
    return manage.define(name="Bonn", conditions=conditions, by=factory.BY)


def test_a_segment_from_adding_to_deleting(admin: Client) -> None:
    assert "No segments yet" in admin.get("/contacts/segments/").content.decode()
    note_attributes(["city"])
    page = admin.get("/contacts/segments/new/").content.decode()
    assert 'value="city"' in page
    assert 'value="#read-none"' in page

    response = admin.post("/contacts/segments/new/", BONN)

    assert response["Location"] == "/contacts/segments/"
    segment = Segment.objects.get()
    assert [one["of"] for one in segment.conditions] == ["attribute", "wrote"]
    html = admin.get("/contacts/segments/").content.decode()
    assert "city is “Bonn”" in html
    assert "wrote in the last 30 days" in html
    edit = admin.get(f"/contacts/segments/{segment.pk}/").content.decode()
    assert '<option value="#wrote" selected' in edit
    admin.post(f"/contacts/segments/{segment.pk}/", BONN | {"name": "B", "match": "any"})
    segment.refresh_from_db()
    assert (segment.name, segment.match) == ("B", "any")
    assert "Delete “B”?" in admin.get(f"/contacts/segments/{segment.pk}/delete/").content.decode()
    admin.post(f"/contacts/segments/{segment.pk}/delete/")
    assert not Segment.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"value": ["", "", "30", ""]}, "Give a short value"),
        ({"value": ["Bonn", "", "soon", ""]}, "Give a number of days"),
        ({"of": ["#tag", "", "", ""], "is": ["above", "", "", ""]}, "Choose “is” or “is not”"),
        ({"of": ["", "", "", ""], "value": ["", "", "", ""]}, "1 to 20 conditions"),
        ({"name": " "}, "a name of 1 to 100"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    admin: Client, wrong: dict[str, object], said: str
) -> None:
    html = admin.post("/contacts/segments/new/", BONN | wrong).content.decode()
    assert said in html
    assert not Segment.objects.exists()


def test_the_count_follows_what_is_typed(admin: Client, bonn: Segment) -> None:
    form = BONN | {"of": ["city"], "is": ["equals"], "value": ["Bonn"]}
    html = admin.post("/contacts/segments/count", form).content.decode()
    assert "2 contacts." in words(html)
    assert "For example Person" in words(html)
    listed = admin.get("/contacts/segments/").content.decode()
    assert f'hx-get="/contacts/segments/{bonn.pk}/count"' in listed
    assert admin.get(f"/contacts/segments/{bonn.pk}/count").content.decode().strip() == "2"
    empty = admin.post("/contacts/segments/count", {"name": "x"}).content.decode()
    assert "Fill in a condition" in empty


def test_a_viewer_sees_and_changes_nothing(log_in: LogIn, bonn: Segment) -> None:
    viewer = log_in("viewer")
    assert "Bonn" in viewer.get("/contacts/segments/").content.decode()
    assert viewer.get(f"/contacts/segments/{bonn.pk}/").status_code == 403
    assert viewer.post(f"/contacts/segments/{bonn.pk}/delete/").status_code == 403


def test_a9_a_segment_is_an_audience_and_an_exclusion(
    admin: Client, channel: Channel, bonn: Segment
) -> None:
    page = admin.get("/broadcasts/new/").content.decode()
    assert "Contacts in segments" in page
    chosen = compose_form(channel, title="Kept", audience="segments", segments=[bonn.pk])
    html = admin.post("/broadcasts/compose/audience", chosen).content.decode()
    assert "Send to 2 recipients" in words(html)
    assert "In the segment Bonn" in words(html)
    draft = the_draft()
    again = admin.get(f"/broadcasts/{draft.pk}/edit/").content.decode()
    assert 'name="segments"' in again

    rest = compose_form(
        channel, title="Kept", without_segments=[bonn.pk], draft=draft.pk, revision=draft.revision
    )
    html = admin.post("/broadcasts/compose/audience", rest).content.decode()
    assert "Send to 3 recipients" in words(html)
    assert "excluded by segment" in html


def test_c4_a_trigger_on_joining_a_segment(admin: Client, channel: Channel, bonn: Segment) -> None:
    form = compose_form(
        channel, title="Welcome", when="trigger", on="segment", segment=bonn.pk, delay="1",
        delay_unit="hours",
    )  # fmt: skip
    admin.post("/broadcasts/compose/when", form)
    draft = the_draft()
    assert draft.trigger["segment"] == bonn.pk
    page = admin.get(f"/broadcasts/{draft.pk}/edit/").content.decode()
    assert 'value="segment" selected' in page
