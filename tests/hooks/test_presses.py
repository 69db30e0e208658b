"""A pressed button, from the provider's callback to the chat."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from channels.cases import CASES
from channels.fixtures import NOW, Case
from clarion.channels.contract import HookRequest
from clarion.channels.models import Channel
from clarion.channels.telegram.events import answer_to
from clarion.chats import signals
from clarion.chats.models import Message
from clarion.contacts.models import Address
from clarion.engine import inbox
from support import factory
from support.programs import ProgramClient

pytestmark = pytest.mark.django_db
PRESSING = [case for case in CASES.values() if case.pressed is not None]
EACH = pytest.mark.parametrize("case", PRESSING, ids=[case.kind for case in PRESSING])


@pytest.fixture
def pressed() -> Iterator[list[tuple[int, str]]]:
    heard: list[tuple[int, str]] = []

    def hear(sender: object, address_id: int, value: str, **more: Any) -> None:
        heard.append((address_id, value))

    signals.button_pressed.connect(hear)
    yield heard
    signals.button_pressed.disconnect(hear)


def press(case: Case, channel: Channel) -> bytes:
    """Have the provider report the press; return what it is answered with."""
    assert case.pressed is not None
    hook = case.pressed()
    stamp = {name: value for name, value in hook.headers.items() if name != "content-type"}
    answer = ProgramClient().post(
        f"/hooks/{channel.pk}/", hook.body, content_type="application/json", headers=stamp
    )
    assert answer.status_code == 200
    assert inbox.apply_waiting() == 1
    return answer.content


@EACH
def test_g4_a_pressed_button_makes_a_contact_an_address_and_a_chat(
    case: Case, pressed: list[tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = factory.channel("main", case.kind, **case.settings)
    monkeypatch.setattr("clarion.kit.clock.now", lambda: NOW)  # signatures grow old
    for _ in range(2):  # providers deliver more than once
        press(case, channel)
    message = Message.objects.get()
    assert (message.inbound, message.text) == (True, "Yes, please")
    assert message.payload["button"] == "yes-7"
    address = message.chat.address
    assert address.channel == channel
    # A callback may name several ids of a person.
    assert set(Address.objects.values_list("contact_id", flat=True)) == {address.contact_id}
    assert pressed == [(address.pk, "yes-7")]


def test_telegram_is_told_that_a_pressed_button_is_done() -> None:
    case = CASES["telegram"]
    channel = factory.channel("bot", "telegram", **case.settings)
    assert case.pressed is not None
    query = json.loads(case.pressed().body)["callback_query"]

    answer = json.loads(press(case, channel))

    assert answer == {"method": "answerCallbackQuery", "callback_query_id": query["id"]}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"update_id": 1, "callback_query": 7}',
        b'{"update_id": 1, "callback_query": {"id": null, "data": "yes"}}',
        b'{"update_id": 1, "message": {"id": "7"}}',
    ],
)
def test_nothing_else_is_answered_with_a_call(body: bytes) -> None:
    hook = HookRequest({}, "", body, datetime.now(UTC))
    assert answer_to(hook) == b""
