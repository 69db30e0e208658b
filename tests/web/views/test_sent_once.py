"""A form that is sent several times at the same moment, by real requests, sends one thing."""

import re
import threading
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.db import connection
from django.test import Client

from clarion.accounts.models import Agent
from clarion.broadcasts import drafts, launch
from clarion.broadcasts.gaps import Gap, find_gaps
from clarion.broadcasts.models import Broadcast
from clarion.channels.contract import Inbound
from clarion.channels.models import Channel
from clarion.chats import control
from clarion.chats.inbound import receive
from clarion.kit import clock
from clarion.records.models import Delivery
from support import factory
from web.reading import words

pytestmark = pytest.mark.django_db
PARALLEL = 4


@pytest.fixture
def channel() -> Channel:
    channel = factory.channel("Shop")
    factory.people(channel, 2)
    return channel


class Form:
    """A page of a running server, and its form sent as a browser does."""

    def __init__(self, server: str, browser: Client, path: str) -> None:
        self.host = urlsplit(server).netloc
        session = browser.cookies["sessionid"].value
        self.cookies = f"sessionid={session}"
        status, head, self.page = self._ask("GET", path)
        assert status == 200
        self.cookies += f"; {head.split(';')[0]}"
        (self.csrf, *_same) = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', self.page)

    def hidden(self, name: str) -> str:
        """The value of a hidden field of the page."""
        match = re.search(rf'name="{name}"[^>]* value="([^"]*)"', self.page)
        assert match is not None
        return match[1]

    def send(self, path: str, fields: dict[str, object]) -> tuple[int, str]:
        """Send the form; the status, and where it leads or what it shows."""
        body = urlencode({"csrfmiddlewaretoken": self.csrf, **fields}, doseq=True)
        status, head, page = self._ask("POST", path, body)
        return status, head if status in {301, 302} else page

    def send_at_once(self, path: str, fields: dict[str, object]) -> list[tuple[int, str]]:
        """Send the form several times at the same moment."""
        together = threading.Barrier(PARALLEL)
        answers: list[tuple[int, str]] = []

        def send() -> None:
            together.wait(60)
            answers.append(self.send(path, fields))

        threads = [threading.Thread(target=send) for _ in range(PARALLEL)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert len(answers) == PARALLEL
        return answers

    def _ask(self, method: str, path: str, body: str = "") -> tuple[int, str, str]:
        connection = HTTPConnection(self.host, timeout=60)
        headers = {"Cookie": self.cookies, "Connection": "close"}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            head = answer.headers["Location"] or answer.headers["Set-Cookie"] or ""
            return answer.status, head, answer.read().decode()
        finally:
            connection.close()


def message(channel: Channel, **fields: object) -> dict[str, object]:
    """What somebody wrote on the compose page."""
    form = {"title": "Spring", "text": "Hello", "audience": "all", "when": "now"}
    return {**form, "channels": [channel.pk], **fields}


def test_a_page_that_was_never_saved_is_sent_once(
    live_server: object, admin: Client, channel: Channel
) -> None:
    form = Form(str(live_server), admin, "/broadcasts/new/")

    answers = form.send_at_once("/broadcasts/new/", message(channel, page=form.hidden("page")))

    (sent,) = Broadcast.objects.all()
    assert sent.state == "scheduled"
    assert answers == [(302, f"/broadcasts/{sent.pk}/")] * PARALLEL


def test_a_saved_draft_is_sent_once(live_server: object, admin: Client, channel: Channel) -> None:
    draft = factory.draft([channel])
    form = Form(str(live_server), admin, f"/broadcasts/{draft.pk}/edit/")
    own = {name: form.hidden(name) for name in ("page", "draft", "revision")}

    answers = form.send_at_once(f"/broadcasts/{draft.pk}/edit/", message(channel, **own))

    (sent,) = Broadcast.objects.all()
    assert sent.state == "scheduled"
    assert answers == [(302, f"/broadcasts/{sent.pk}/")] * PARALLEL


def test_a_save_that_is_under_way_makes_no_second_draft(
    live_server: object, admin: Client, channel: Channel
) -> None:
    form = Form(str(live_server), admin, "/broadcasts/new/")

    fields = message(channel, page=form.hidden("page"))
    form.send_at_once("/broadcasts/compose/text", fields)
    form.send("/broadcasts/new/", fields)  # the page has not heard of its draft yet

    (sent,) = Broadcast.objects.all()
    assert sent.state == "scheduled"


@pytest.mark.django_db(transaction=True)
def test_the_recipients_are_counted_outside_of_a_transaction(
    admin: Client, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[bool] = []

    def count(*args: Any) -> list[Gap]:
        counted.append(connection.in_atomic_block)
        return find_gaps(*args)

    monkeypatch.setattr(launch, "find_gaps", count)
    admin.post("/broadcasts/new/", message(channel, page="abcdefghjkmn"))

    assert Broadcast.objects.get().state == "scheduled"
    assert counted == [False]


def test_a_click_does_not_send_what_somebody_else_has_just_written(
    admin: Client, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = factory.agent(name="Bob")

    def count(broadcast: Broadcast, *args: Any) -> list[Gap]:
        draft = Broadcast.objects.get(pk=broadcast.pk)
        drafts.edit_draft(draft, by=other, text="Not ready yet")
        return []

    monkeypatch.setattr(launch, "find_gaps", count)
    page = admin.post("/broadcasts/new/", message(channel, page="abcdefghjkmn"))

    assert page.status_code == 422
    assert "Bob edited this draft" in words(page.content.decode())
    assert Broadcast.objects.get().state == "draft"


def test_two_pages_send_two(live_server: object, admin: Client, channel: Channel) -> None:
    for _ in range(2):
        form = Form(str(live_server), admin, "/broadcasts/new/")
        form.send("/broadcasts/new/", message(channel, page=form.hidden("page")))

    assert Broadcast.objects.filter(state="scheduled").count() == 2


def test_a_page_that_comes_back_after_it_was_sent_says_so(admin: Client, channel: Channel) -> None:
    fields = message(channel, page="abcdefghjkmn")
    admin.post("/broadcasts/new/", fields)

    page = admin.post("/broadcasts/new/", {**fields, "text": "Hello again"}, follow=True)

    assert "This broadcast has already been sent from this page." in words(page.content.decode())
    assert Broadcast.objects.get().text == "Hello"


def test_a_reply_is_sent_once(live_server: object, admin: Client, channel: Channel) -> None:
    address = factory.people(channel, 1, prefix="asks")[0]
    receive(channel, Inbound(address.value, "1", "Where is my parcel?", clock.now()))
    control.take_over(address.pk, by=Agent.objects.get())
    form = Form(str(live_server), admin, f"/chats/{address.pk}/")

    fields: dict[str, object] = {"text": "On its way", "form_token": form.hidden("form_token")}
    answers = form.send_at_once(f"/chats/{address.pk}/reply", fields)

    assert {status for status, _where in answers} == {302}
    assert Broadcast.objects.filter(type="single").count() == 1
    assert Delivery.objects.count() == 1


def test_another_reply_of_the_same_form_is_not_lost(admin: Client, channel: Channel) -> None:
    address = factory.people(channel, 1, prefix="asks")[0]
    receive(channel, Inbound(address.value, "1", "Where is my parcel?", clock.now()))
    control.take_over(address.pk, by=Agent.objects.get())
    reply = f"/chats/{address.pk}/reply"
    admin.post(reply, {"text": "On its way", "form_token": "one"})

    answer = admin.post(reply, {"text": "Tomorrow", "form_token": "one"})
    fresh = str(answer.context["form_token"])
    again = admin.post(reply, {"text": "Tomorrow", "form_token": fresh})

    assert answer.status_code == 422
    assert "“On its way”. This one was not." in words(answer.content.decode())
    assert ">Tomorrow</textarea>" in answer.content.decode()
    assert again.status_code == 302
    sent = Broadcast.objects.filter(type="single").order_by("pk")
    assert [single.text for single in sent] == ["On its way", "Tomorrow"]


def test_a_test_is_sent_once(live_server: object, admin: Client, channel: Channel) -> None:
    mine = channel.addresses.order_by("pk")[0]
    form = Form(str(live_server), admin, "/broadcasts/new/")
    form.send("/broadcasts/compose/test-to", {"test_address": mine.pk})

    own = {name: form.hidden(name) for name in ("page", "test_token")}
    form.send_at_once("/broadcasts/compose/test", message(channel, **own))

    assert Broadcast.objects.filter(type="single").count() == 1
    assert Broadcast.objects.filter(type="broadcast").count() == 1
