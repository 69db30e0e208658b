"""Saved filters on the pages of all lists that have them."""

import pytest
from django.test import Client

from clarion.accounts import saved_filters
from clarion.accounts.models import Role, SavedFilter
from support import factory
from web.conftest import LogIn
from web.reading import words

pytestmark = pytest.mark.django_db
QUERIES = {
    "records": "status=completed",
    "clicks": "clicked_by=person",
    "logs": "q=spring",
    "contacts": "q=per",
    "broadcasts": "section=active&q=spring",
}


@pytest.fixture
def something(db: None) -> None:
    """Enough for every list to have filters."""
    channel = factory.channel()
    factory.people(channel, 1)
    broadcast = factory.sending([channel])
    factory.settle_all(channel)
    assert broadcast.pk


@pytest.mark.usefixtures("something")
@pytest.mark.parametrize("name", ["records", "clicks"])
def test_the_menu_is_there_beside_a_filter_that_can_not_be_applied(
    admin: Client, name: str
) -> None:
    assert "Saved filters" in admin.get(f"/{name}/?before=nonsense").content.decode()


@pytest.mark.usefixtures("something")
@pytest.mark.parametrize("name", QUERIES)
def test_a_filter_is_saved_beside_its_list_and_opens_it(admin: Client, name: str) -> None:
    query = QUERIES[name]
    page = admin.get(f"/{name}/?{query}").content.decode()
    assert "Save this filter as" in page

    made = {"list": name, "query": query, "name": "Mine <b>", "shared": "yes"}
    answer = admin.post("/filters/new", made, follow=True)

    assert answer.redirect_chain[-1][0] == f"/{name}/?{query}"
    html = answer.content.decode()
    assert "The filter “Mine &lt;b&gt;” is saved." in html
    assert f'href="/{name}/?{query.replace("&", "&amp;")}" aria-current="true"' in html
    assert "Save this filter as" not in html, "it is saved already"
    saved = SavedFilter.objects.get()
    assert (saved.list, saved.query, saved.is_shared) == (name, query, True)


@pytest.mark.usefixtures("something")
def test_the_default_is_opened_from_the_navigation_alone(admin: Client, log_in: LogIn) -> None:
    admin.post("/filters/new", {"list": "records", "query": "status=error", "name": "Failures"})
    saved = SavedFilter.objects.get()

    admin.post(f"/filters/{saved.pk}/default")

    html = admin.get("/").content.decode()
    assert 'href="/records/?status=error"' in html
    assert 'href="/records/?status=error"' not in log_in(Role.VIEWER).get("/").content.decode()
    assert admin.get("/records/").context["chips"] == [], "the address itself has no filter"
    assert "Failures Default" in words(admin.get("/filters/").content.decode())
    admin.post("/filters/records/no-default")
    assert 'href="/records/"' in admin.get("/").content.decode()


def test_they_are_renamed_shared_and_deleted(admin: Client, log_in: LogIn) -> None:
    assert "No saved filters yet" in admin.get("/filters/").content.decode()
    admin.post("/filters/new", {"list": "logs", "query": "q=spring", "name": "Spring"})
    saved = SavedFilter.objects.get()
    viewer = log_in(Role.VIEWER)
    assert viewer.post(f"/filters/{saved.pk}/delete").status_code == 404, "it is not shared"

    admin.post(f"/filters/{saved.pk}/share")
    admin.post(f"/filters/{saved.pk}/rename", {"name": "Summer"})
    html = viewer.get("/filters/").content.decode()
    assert "Summer" in html
    assert f'data-opens="delete-{saved.pk}"' not in html
    refused = viewer.post(f"/filters/{saved.pk}/delete", follow=True).content.decode()
    assert "Only the agent who saved this filter, or a manager, can change it." in refused
    assert "Enter a name" in admin.post(
        f"/filters/{saved.pk}/rename", {"name": " "}, follow=True
    ).content.decode()  # fmt: skip

    admin.post(f"/filters/{saved.pk}/delete")
    assert not SavedFilter.objects.exists()


def test_what_can_not_be_saved(admin: Client) -> None:
    nothing = {"list": "logs", "query": "after=7", "name": "X"}
    answer = admin.post("/filters/new", nothing, follow=True)
    assert "Filter the list first, then save its filter." in answer.content.decode()
    assert admin.post("/filters/new", nothing | {"list": "chats"}).status_code == 404
    saved = saved_filters.save("logs", "Spring", "q=spring", shared=True, by=factory.BY)
    assert admin.post(f"/filters/{saved.pk}/other").status_code == 404
