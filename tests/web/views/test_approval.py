"""Approval on the pages."""

import pytest
from django.test import Client

from clarion.accounts.models import Agent
from clarion.broadcasts import approvals
from clarion.broadcasts.models import Approval, Broadcast
from clarion.channels.models import Channel
from support import factory
from web.composing import compose_form
from web.conftest import LogIn

pytestmark = pytest.mark.django_db


@pytest.fixture
def channel() -> Channel:
    shop = factory.channel("Shop")
    factory.people(shop, 3)
    return shop


@pytest.fixture(autouse=True)
def _rules() -> None:
    approvals.set_rules(2, ["sender", "manager"], by="a test")


def test_n5_from_send_to_approved(channel: Channel, log_in: LogIn) -> None:
    sender, manager = log_in("sender"), log_in("manager")
    form = compose_form(channel) | {"confirmed": "yes"}
    page = sender.post("/broadcasts/new/", form)["Location"]
    draft = Broadcast.objects.get()
    assert page == f"/broadcasts/{draft.pk}/approval/"
    html = sender.get(page).content.decode()
    assert "A second person has to approve" in html
    assert "Person" in html  # a sample of names
    sender.post(page, {"ask": "yes"})
    request = approvals.latest(draft)
    assert request.recipients == 3
    assert b"Only managers and admins approve" in sender.get(page).content
    assert b"Only managers" not in manager.get(page).content
    words = b"Sender Example asks for approval. It goes to 3 recipients."
    assert words in manager.get("/dashboard/now").content
    sender.post(page, {"approve": "yes", "request": request.pk})
    assert approvals.latest(draft).state == "waiting"
    manager.post(page, {"approve": "yes", "request": request.pk, "comment": "<b>Go</b>"})
    assert b"&lt;b&gt;Go&lt;/b&gt;" in sender.get(page).content
    assert b"It can be sent now." in sender.get("/dashboard/now").content
    form |= {"draft": draft.pk, "revision": Broadcast.objects.get().revision}
    assert sender.post("/broadcasts/new/", form)["Location"] == f"/broadcasts/{draft.pk}/"
    assert sender.get(page)["Location"] == f"/broadcasts/{draft.pk}/"


def test_n5_rejecting_and_editing(channel: Channel, log_in: LogIn) -> None:
    manager = log_in("manager")
    draft = factory.draft([channel])
    page = f"/broadcasts/{draft.pk}/approval/"
    asked = approvals.ask(draft, 3, by="command line")
    manager.post(page, {"reject": "yes", "request": asked.pk, "comment": "No."})
    assert b"Rejected by Manager Example" in manager.get(page).content
    asked = approvals.ask(draft, 3, by="command line")
    Broadcast.objects.filter(pk=draft.pk).update(text="Edited")
    assert b"was edited after" in manager.get(page).content
    manager.post(page, {"approve": "yes", "request": asked.pk})
    assert Approval.objects.get(pk=asked.pk).state == "waiting"


def test_only_what_is_shown_is_decided(channel: Channel, log_in: LogIn) -> None:
    manager = log_in("manager")
    draft = factory.draft([channel])
    page = f"/broadcasts/{draft.pk}/approval/"
    assert b"no longer open" in manager.post(page, {"approve": "yes"}, follow=True).content
    first = approvals.ask(draft, 3, by="command line")
    approvals.ask(draft, 3, by="command line")
    manager.post(page, {"approve": "yes", "request": first.pk})
    assert not Approval.objects.filter(state="approved").exists()


def test_rules_are_an_admin_s(admin: Client, log_in: LogIn) -> None:
    page = "/broadcasts/approval-rules/"
    assert b'value="2"' in admin.get(page).content
    admin.post(page, {"more_than": "5000", "roles": ["sender"]})
    assert (approvals.rules().more_than, approvals.rules().roles) == (5000, ["sender"])
    assert admin.post(page, {"more_than": "-1"}).status_code == 200
    assert log_in("manager").get(page).status_code == 403
    assert Agent.objects.count() == 2


def test_viewers_do_not_take_part(channel: Channel, log_in: LogIn) -> None:
    draft = factory.draft([channel])
    assert log_in("viewer").get(f"/broadcasts/{draft.pk}/approval/").status_code == 403


def test_rules_show_the_roles_that_are_chosen(admin: Client) -> None:
    page = "/broadcasts/approval-rules/"
    admin.post(page, {"more_than": "10"})
    assert admin.get(page).context["form"]["roles"].value() == []
