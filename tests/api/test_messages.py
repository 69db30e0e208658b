"""A message to one contact."""

import json
import threading
from typing import Any

import pytest
from django.db import connection

from api.conftest import MakeToken, Program
from api.test_foundation import problem
from clarion.accounts import request_limits
from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from clarion.contacts.addresses import mark
from clarion.content.media import save_upload
from clarion.engine import reap
from clarion.engine.claim import claim
from clarion.kit import clock
from clarion.records.models import Delivery
from support import factory

TEXT = {"type": "text", "text": "Your code is {{ data.code }}"}


def test_a_message_is_queued_and_its_status_read(call: Program, channel: Channel) -> None:
    [person] = factory.people(channel, 1)
    body = {"chat_number": person.pk, "content": TEXT, "data": {"code": "4711"}}
    answer = call("POST", "/messages", body)
    assert answer.status_code == 202
    message = json.loads(answer.content)
    assert answer["Location"] == message["status_url"]
    single = Broadcast.objects.get()
    assert (single.priority, single.type, single.data) == (2, "single", {"code": "4711"})
    path = message["status_url"].removeprefix("/api/v1")
    assert call.ok("GET", path)["delivery"]["state"] == "queued"

    factory.settle_all(channel)
    status = call.ok("GET", path)
    assert status["delivery"]["state"] == "sent"
    assert status["records"][0]["status"] == "completed"


def test_messages_leave_before_what_is_queued_on_their_channel(
    call: Program, channel: Channel
) -> None:
    people = factory.people(channel, 30)
    factory.sending([channel])
    urgent = [people[-1].pk, people[-2].pk, people[-3].pk]
    for number in urgent:
        content = {"type": "text", "text": "Your code"}
        call.ok("POST", "/messages", {"chat_number": number, "content": content})

    first = claim(channel.pk, reap.register(), len(urgent)).messages

    assert {claimed.address for claimed in first} == set(urgent)
    singles = Broadcast.objects.filter(type="single").values_list("pk", flat=True)
    assert {claimed.broadcast for claimed in first} == set(singles)


def test_a_message_is_addressed_by_user_id(call: Program, channel: Channel) -> None:
    [person] = factory.people(channel, 1)
    body = {"channel_id": channel.pk, "user_id": "u0", "content": TEXT, "data": {"code": 1}}
    assert call.ok("POST", "/messages", body)["chat_number"] == person.pk


def test_a_variable_without_a_value_is_refused(call: Program, channel: Channel) -> None:
    [person] = factory.people(channel, 1)
    for text in ("Your code is {{ data.code }}", "Hello {{ contact.nickname }}"):
        body = {"chat_number": person.pk, "content": {"type": "text", "text": text}}
        refused = problem(call("POST", "/messages", body))
        assert refused["code"] == "refused"
        assert text[-15:-3].split(".")[-1].strip() in refused["detail"]
    assert not Broadcast.objects.exists()
    assert not Delivery.objects.exists()
    text = "Hello {{ contact.nickname | default('you') }}"
    call.ok("POST", "/messages", {**body, "content": {"type": "text", "text": text}})


def test_a_text_can_be_formatted(call: Program, channel: Channel) -> None:
    [person] = factory.people(channel, 1)
    content = {"type": "text", "text": "<b>Hi</b>", "format": "chat_html"}
    call.ok("POST", "/messages", {"chat_number": person.pk, "content": content})
    assert Broadcast.objects.get().format == "chat_html"
    wrong = {**content, "text": "<b>Hi"}
    refused = problem(call("POST", "/messages", {"chat_number": person.pk, "content": wrong}))
    assert "<b> is never closed" in refused["detail"]


def test_a_story_is_sent(call: Program, channel: Channel) -> None:
    [person] = factory.people(channel, 1)
    story = call.ok("POST", "/stories", {"name": "Hi", "blocks": [{"kind": "text", "text": "Hi"}]})
    content = {"type": "story", "story_id": story["id"]}
    call.ok("POST", "/messages", {"chat_number": person.pk, "content": content})
    assert Broadcast.objects.get().story_id == story["id"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"chat_number": 999_999}, "chat_number"),
        ({"chat_number": None}, "body"),
        ({"chat_number": None, "channel_id": 99, "user_id": "u0"}, "channel_id"),
        ({"content": {"type": "story", "story_id": 9}}, "content.story_id"),
        ({"data": json.loads('{"a":' * 200 + "1" + "}" * 200)}, "data"),
    ],
)
def test_what_is_wrong_names_its_field(
    call: Program, channel: Channel, fields: dict[str, Any], field: str
) -> None:
    [person] = factory.people(channel, 1)
    body = {"chat_number": person.pk, "content": {"type": "text", "text": "Hi"}} | fields
    answer = call("POST", "/messages", body)
    assert [error["field"] for error in problem(answer)["errors"]] == [field]
    assert not Broadcast.objects.exists()


def test_who_is_out_of_reach_gets_nothing(call: Program, channel: Channel) -> None:
    [person] = factory.people(channel, 1)
    mark(person.pk, "blocked", clock.now())
    body = {"chat_number": person.pk, "content": {"type": "text", "text": "Hi"}}
    assert "blocked" in problem(call("POST", "/messages", body))["detail"]


@pytest.mark.django_db(transaction=True)
def test_concurrent_repeats_are_answered_once(make_token: MakeToken) -> None:
    """Several at the same moment with one key: one message, and the same answer for all."""
    channel = factory.channel()
    [person] = factory.people(channel, 1)
    secret = make_token()
    body = {"chat_number": person.pk, "content": {"type": "text", "text": "Hi"}}
    answers: list[Any] = []
    ready = threading.Barrier(4)

    def send() -> None:
        try:
            ready.wait()
            answers.append(Program(secret)("POST", "/messages", body, Idempotency_Key="once"))
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    request_limits.forget()
    assert [answer.status_code for answer in answers] == [202] * 4
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer for answer in answers) == 3
    assert Delivery.objects.count() == 1


def test_a_message_has_attachments_where_the_channel_sends_e_mail(
    call: Program, channel: Channel
) -> None:
    token = save_upload("invoice.pdf", "application/pdf", [b"%PDF"]).token
    mail = factory.channel("Mail", "email")
    dana = factory.address(mail, "dana@x.example", "Dana")
    body = {
        "content": {"type": "text", "text": "Your invoice"},
        "mail": {"attachments": [token], "from_name": "Shop"},
    }
    call.ok("POST", "/messages", {"chat_number": dana.pk, **body})
    assert Broadcast.objects.get().mail == {"attachments": [token], "from_name": "Shop"}
    [person] = factory.people(channel, 1)
    refused = problem(call("POST", "/messages", {"chat_number": person.pk, **body}))
    assert "sends no e-mail" in refused["detail"]
    body["mail"] = {"attachments": ["abcdefghijklmnop"]}
    unknown = problem(call("POST", "/messages", {"chat_number": dana.pk, **body}))
    assert "There is no such upload" in unknown["detail"]
    assert Broadcast.objects.count() == 1
