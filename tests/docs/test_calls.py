"""The calls in docs/when.md work, and are answered as the page says."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from clarion.broadcasts import calls
from clarion.broadcasts.models import Broadcast
from clarion.contacts.models import Address
from support import factory
from support.documented import Curl, curls, objects, page

pytestmark = pytest.mark.django_db
PAGE = page("when")
EVENT, EXTERNAL = curls(PAGE)
EVENT_ANSWER, EXTERNAL_ANSWER = objects(PAGE)


def live(users: list[str], **fields: Any) -> Broadcast:
    """A live broadcast on a Telegram channel that these users have written to."""
    channel = factory.channel("news", "telegram")
    for user in users:
        factory.address(channel, user)
    return factory.live([channel], text="Hello", **fields)


def carried_out(call: Curl, broadcast: Broadcast) -> Any:
    """The answer to a documented call, made to this broadcast's address."""
    path = calls.path(broadcast)
    places = [path.rsplit("/", 2)[0], call.url.partition("://")[2].partition("/")[2]]
    assert places[1] == f"{places[0].lstrip('/')}/12/…"
    return Client(enforce_csrf_checks=True).generic(
        call.method,
        path,
        call.body,
        content_type=call.headers["Content-Type"],
        headers={n: v for n, v in call.headers.items() if n != "Content-Type"},
    )


def test_the_documented_call_of_an_external_broadcast_is_answered_as_documented() -> None:
    users = json.loads(EXTERNAL.body)["users"]
    broadcast = live(users, type="external")
    Address.objects.filter(value=users[1]).update(state="opted_out")

    answered = carried_out(EXTERNAL, broadcast)

    assert answered.status_code == int(re.findall(r"^ {4}(\d{3}) \{", PAGE, re.MULTILINE)[0])
    assert answered.json() == {**EXTERNAL_ANSWER, "broadcast": broadcast.runs.get().pk}
    assert broadcast.runs.get().data == json.loads(EXTERNAL.body)["data"]


def test_the_documented_call_of_an_event_is_answered_as_documented() -> None:
    users = json.loads(EVENT.body)["users"]
    broadcast = live(users, type="trigger", trigger={"on": "event", "event": "bought"})

    first = json.dumps({**json.loads(EVENT.body), "users": users[:1]})
    carried_out(replace(EVENT, body=first), broadcast)

    answered = carried_out(EVENT, broadcast)

    assert answered.status_code == 202
    assert answered.json() == {**EVENT_ANSWER, "broadcast": broadcast.pk}
