"""Selected contacts: a part of the page of a draft, and a page of its own."""

import re

import pytest
from django.test import Client

from clarion.accounts.models import Role
from clarion.broadcasts import picker
from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from clarion.contacts.models import Address, Tag, Tagging
from support import factory
from web.conftest import LogIn

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true", "HX-Target": "picker-lists"}


@pytest.fixture
def draft(channel: Channel) -> Broadcast:
    return factory.draft([channel])


def picked(draft: Broadcast) -> list[str]:
    return sorted(draft.picks.values_list("address__value", flat=True))


def test_a2_search_tick_and_untick(admin: Client, draft: Broadcast, channel: Channel) -> None:
    people = factory.people(channel, 30)
    url = f"/picker/{draft.pk}/"
    part = admin.get(f"{url}?picker_q=person 29", headers=HTMX).content.decode()
    assert "Person 29" in part
    assert "Person 3<" not in part
    assert "<main" not in part
    ticked = {"address": people[29].pk, "picker_q": "person 29"}
    answer = admin.post(f"{url}tick", ticked, headers=HTMX)
    assert answer.headers["HX-Trigger"] == '{"picked": {}}'
    assert 'aria-checked="true"' in answer.content.decode()
    # Another search loses nothing.
    admin.post(f"{url}tick", {"address": people[3].pk, "picker_q": "u3"}, headers=HTMX)
    part = admin.get(f"{url}?picker_q=zzz", headers=HTMX).content.decode()
    assert "2 selected" in part
    assert "No contacts found on the chosen channels" in part
    assert picked(draft) == ["u29", "u3"]
    part = admin.post(f"{url}untick", {"address": people[3].pk}, headers=HTMX).content.decode()
    assert picked(draft) == ["u29"]
    assert "Removed." in part
    admin.post(f"{url}tick", {"address": people[3].pk}, headers=HTMX)
    assert picked(draft) == ["u29", "u3"]


def test_a2_all_that_were_found_and_back(admin: Client, draft: Broadcast, channel: Channel) -> None:
    people = factory.people(channel, 30)
    tag = Tag.objects.create(name="vip")
    Tagging.objects.bulk_create(Tagging(tag=tag, contact=each.contact) for each in people[:7])
    url = f"/picker/{draft.pk}/"
    part = admin.get(f"{url}?picker_tag={tag.pk}", headers=HTMX).content.decode()
    assert "Select all 7 found" in part
    part = admin.post(f"{url}all", {"picker_tag": tag.pk}, headers=HTMX).content.decode()
    assert "7 more contacts are selected." in part
    assert len(picked(draft)) == 7
    part = admin.post(f"{url}clear", headers=HTMX).content.decode()
    assert "7 contacts were removed." in part
    assert picked(draft) == []
    admin.post(f"{url}undo", headers=HTMX)
    assert len(picked(draft)) == 7
    part = admin.post(f"{url}undo", headers=HTMX).content.decode()
    assert "There is nothing left to undo." in part


def test_a2_more_than_a_thousand_asks_first(
    admin: Client, draft: Broadcast, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picker, "ASKS", 10)
    factory.people(channel, 30)
    url = f"/picker/{draft.pk}/"
    assert "Select all found…" in admin.get(url, headers=HTMX).content.decode()
    asked = admin.post(f"{url}all", headers=HTMX).content.decode()
    assert "Select all 30 contacts found?" in asked
    assert picked(draft) == []
    admin.post(f"{url}all", {"confirmed": "yes"}, headers=HTMX)
    assert len(picked(draft)) == 30
    asked = admin.post(f"{url}clear", headers=HTMX).content.decode()
    assert "Remove all 30 selected contacts? This can&#x27;t be undone." in asked or (
        "Remove all 30 selected contacts? This can't be undone." in asked
    )
    assert len(picked(draft)) == 30
    admin.post(f"{url}clear", {"confirmed": "yes"}, headers=HTMX)
    assert picked(draft) == []


def test_a2_pages(admin: Client, draft: Broadcast, channel: Channel) -> None:
    factory.people(channel, 45)
    picker.tick_found(draft)
    url = f"/picker/{draft.pk}/"
    seen, chosen = [], []
    after = picked_from = ""
    for _ in range(3):
        page = admin.get(url, {"picker_after": after, "picker_from": picked_from}, headers=HTMX)
        seen += [row.value for row in page.context["page"].rows]
        chosen += [row.value for row in page.context["selected"].rows]
        after, picked_from = page.context["page"].next or "", page.context["selected"].next or ""
    assert (after, picked_from) == ("", "")
    assert len(set(seen)) == len(seen) == 45
    assert len(set(chosen)) == len(chosen) == 45


def test_a2_ticked_people_are_the_audience(
    admin: Client, draft: Broadcast, channel: Channel
) -> None:
    """The page of a draft offers it, saves it, and counts who is ticked."""
    people = factory.people(channel, 5)
    page = admin.get(f"/broadcasts/{draft.pk}/edit/").content.decode()
    assert f'hx-get="/picker/{draft.pk}/"' in page
    admin.post(f"/picker/{draft.pk}/tick", {"address": [people[0].pk, people[4].pk]}, headers=HTMX)
    revision = Broadcast.objects.get(pk=draft.pk).revision
    fields = {"draft": draft.pk, "revision": revision, "audience": "hand", "channels": channel.pk,
              "text": "Hello", "data_type": "text"}  # fmt: skip
    saved = admin.post("/broadcasts/compose/audience", fields, headers=HTMX)
    assert "audience-saved" in saved.headers["HX-Trigger"]
    assert saved.context["summary"].total == 2
    draft.refresh_from_db()
    assert (draft.audience["kind"], draft.audience["picked_from"]) == ("picks", "hand")
    # The list comes anew with other channels only.
    same = admin.get(f"/picker/{draft.pk}/?picker_on={channel.pk}", headers=HTMX)
    assert same.status_code == 204
    assert admin.get(f"/picker/{draft.pk}/?picker_on=1,2", headers=HTMX).status_code == 200


def test_a2_without_javascript_it_is_a_page(
    admin: Client, draft: Broadcast, channel: Channel
) -> None:
    person = factory.people(channel, 1)[0]
    page = admin.get(f"/picker/{draft.pk}/").content.decode()
    assert "<main" in page
    button = re.search(r'<button[^>]*id="tick-\d+"[^>]*>', page)
    assert button is not None
    assert 'type="submit"' in button[0]
    assert f'formaction="/picker/{draft.pk}/tick"' in button[0]
    answer = admin.post(f"/picker/{draft.pk}/tick", {"address": person.pk, "picker_q": "u"})
    assert answer.headers["Location"] == f"/picker/{draft.pk}/?picker_q=u"
    assert picked(draft) == ["u0"]


def test_empty_states(admin: Client, draft: Broadcast) -> None:
    part = admin.get(f"/picker/{draft.pk}/", headers=HTMX).content.decode()
    assert "The chosen channels have no contacts yet." in part
    assert "No contacts selected yet." in part
    draft.channels.clear()
    part = admin.get(f"/picker/{draft.pk}/", headers=HTMX).content.decode()
    assert "Choose a channel first" in part


def test_what_is_no_draft_any_more(admin: Client, draft: Broadcast, channel: Channel) -> None:
    person = factory.people(channel, 1)[0]
    Broadcast.objects.filter(pk=draft.pk).update(state="scheduled")
    url = f"/picker/{draft.pk}/"
    assert admin.get(url).headers["Location"] == f"/broadcasts/{draft.pk}/"
    assert admin.get(url, headers=HTMX).headers["HX-Redirect"] == f"/broadcasts/{draft.pk}/"
    said = admin.post(f"{url}tick", {"address": person.pk}, headers=HTMX).content.decode()
    assert "This broadcast is no draft any more." in said
    assert picked(draft) == []


@pytest.mark.parametrize(
    "query",
    ["?picker_after=x", "?picker_tag=99", "?picker_q=%00", "?picker_from=" + "9" * 40,
     "?picker_q=" + "x" * 5000],
)  # fmt: skip
def test_damaged_addresses_show_something(admin: Client, draft: Broadcast, query: str) -> None:
    assert admin.get(f"/picker/{draft.pk}/{query}", headers=HTMX).status_code == 200


def test_damaged_ticks_change_nothing(admin: Client, draft: Broadcast, channel: Channel) -> None:
    factory.people(channel, 1)
    url = f"/picker/{draft.pk}/"
    for typed in ("x", "", "-1", "9" * 30, "٣", str(Address.objects.get().pk + 9)):
        assert admin.post(f"{url}tick", {"address": typed}, headers=HTMX).status_code == 200
    assert admin.post(f"{url}explode", headers=HTMX).status_code == 404
    assert picked(draft) == []


def test_who_may(log_in: LogIn, draft: Broadcast) -> None:
    viewer = log_in(Role.VIEWER)
    assert viewer.get(f"/picker/{draft.pk}/").status_code == 403
    assert viewer.post(f"/picker/{draft.pk}/clear").status_code == 403
