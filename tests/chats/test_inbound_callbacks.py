"""G4 through the hooks: providers call, and contacts, addresses, chats and opt-outs follow."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from channels.telegram.fixtures import SECRET as TELEGRAM_SECRET
from channels.telegram.fixtures import TOKEN as TELEGRAM_TOKEN
from channels.webhook.fixtures import SECRET as WEBHOOK_SECRET
from channels.webhook.fixtures import signed
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.reconcile import reconcile
from clarion.channels.models import Channel
from clarion.chats import control
from clarion.chats.models import Chat, Message
from clarion.contacts.models import Address, Contact
from clarion.content.stories import create_story
from clarion.engine import inbox
from clarion.kit import clock
from support import factory
from support.programs import ProgramClient

pytestmark = pytest.mark.django_db
Write = Callable[..., None]


@pytest.fixture(params=["telegram", "webhook"])
def channel(request: pytest.FixtureRequest) -> Channel:
    settings = {
        "telegram": {"token": TELEGRAM_TOKEN, "webhook_secret": TELEGRAM_SECRET},
        "webhook": {"secret": WEBHOOK_SECRET},
    }[request.param]
    return factory.channel("main", request.param, **settings)


@pytest.fixture
def write(channel: Channel) -> Write:
    """Somebody (42, Anna) writes or presses a button, and the inbox is applied."""
    numbers = iter(range(1, 1_000))

    def written(text: str = "Hello", *, button: str = "", number: int = 0) -> None:
        number = number or next(numbers)
        of = {"telegram": _telegram, "webhook": _webhook}[channel.kind]
        deliver(channel, *of(text, button, number))

    return written


def deliver(channel: Channel, body: bytes, headers: dict[str, str]) -> None:
    path, kind = f"/hooks/{channel.pk}/", "application/json"
    response = ProgramClient().post(path, body, content_type=kind, headers=headers)
    assert response.status_code == 200
    assert inbox.apply_waiting() == 1


def _telegram(text: str, button: str, number: int) -> tuple[bytes, dict[str, str]]:
    person = {"id": 42, "first_name": "Anna", "language_code": "de"}
    chat = {"id": 42, "type": "private"}
    update: dict[str, Any] = {"update_id": number}
    if button:
        keys = [[{"text": text, "callback_data": button}]]
        message = {"chat": chat, "message_id": 1, "reply_markup": {"inline_keyboard": keys}}
        update["callback_query"] = {
            "id": str(number), "from": person, "data": button, "message": message,
        }  # fmt: skip
    else:
        at = int(clock.now().timestamp())
        update["message"] = {
            "message_id": number, "from": person, "chat": chat, "date": at, "text": text,
        }  # fmt: skip
    return json.dumps(update).encode(), {"X-Telegram-Bot-Api-Secret-Token": TELEGRAM_SECRET}


def _webhook(text: str, button: str, number: int) -> tuple[bytes, dict[str, str]]:
    data = {"from": "42", "id": f"m{number}", "text": text, "name": "Anna", "language": "de"}
    at = clock.now()
    event = {"type": "message.received", "timestamp": at.isoformat(), "data": data}
    if button:
        data["button"] = button
    hook = signed(event, at=at)
    return hook.body, dict(hook.headers)


def state() -> str:
    return Address.objects.get().state


def test_g4_a_stranger_who_writes_becomes_known(channel: Channel, write: Write) -> None:
    write("Hello")

    contact = Contact.objects.get()
    assert (contact.name, contact.language) == ("Anna", "de")
    address = Address.objects.get()
    assert (address.channel, address.value, address.state) == (channel, "42", "active")
    chat = Chat.objects.get()
    assert (chat.pk, chat.state, chat.agent) == (address.pk, "bot", None)
    assert Message.objects.get().text == "Hello"


def test_g4_a_callback_that_comes_twice_says_nothing_new(write: Write) -> None:
    write("Hello", number=7)
    write("Hello", number=7)
    write("Hello", number=8)
    assert Message.objects.count() == 2
    assert Contact.objects.count() == 1


@pytest.mark.parametrize("word", ["STOP", "stop!", "Unsubscribe", "/stop"])
def test_g4_stop_opts_out_and_what_is_queued_is_skipped(
    channel: Channel, write: Write, word: str
) -> None:
    write("Hello")
    broadcast = factory.sending([channel])
    assert factory.states(broadcast) == {"queued": 1}

    write(word)

    assert state() == "opted_out"
    assert factory.states(broadcast) == {"skipped": 1}
    assert reconcile(broadcast.pk).ok
    assert list(Message.objects.order_by("pk").values_list("text", flat=True)) == ["Hello", word]


def test_g4_who_has_stopped_is_left_out_until_start(channel: Channel, write: Write) -> None:
    write("STOP")
    assert state() == "opted_out"
    write("When do you open?")
    assert state() == "opted_out"
    assert factory.states(factory.sending([channel])) == {"skipped": 1}

    write("START")

    assert state() == "active"
    assert factory.states(factory.sending([channel])) == {"queued": 1}


def test_g4_a_word_in_a_sentence_silences_nobody(write: Write) -> None:
    write("Please don't stop")
    assert state() == "active"


def test_g4_an_open_chat_stays_open_and_a_closed_one_is_with_the_bot_again(write: Write) -> None:
    write("Hello")
    number = Chat.objects.get().pk
    control.take_over(number, by=factory.agent())
    write("Are you there?")
    assert Chat.objects.get().state == "open"
    control.close(number, by=factory.BY)
    write("One more thing")
    assert Chat.objects.get().state == "bot"


def test_g4_a_story_button_answers_with_its_story(channel: Channel, write: Write) -> None:
    text = {"kind": "text", "text": "We open at nine."}
    story = create_story(name="Hours", blocks=[text], by=factory.BY)

    write("Opening hours", button=f"story:{story.pk}")

    assert Message.objects.get().text == "Opening hours"
    single = Broadcast.objects.get()
    assert (single.type, single.story) == ("single", story)
    assert list(single.channels.all()) == [channel]
    assert factory.states(single) == {"queued": 1}


def test_g4_any_other_button_only_speaks(write: Write) -> None:
    write("Yes, please", button="yes")
    assert Message.objects.get().text == "Yes, please"
    assert not Broadcast.objects.exists()


@pytest.mark.parametrize("channel", ["telegram"], indirect=True)
def test_g4_blocking_the_bot_stops_what_is_queued(channel: Channel, write: Write) -> None:
    write("Hello")
    broadcast = factory.sending([channel])
    member: dict[str, Any] = {
        "chat": {"id": 42, "type": "private"},
        "date": int(clock.now().timestamp()) + 1,
        "new_chat_member": {"status": "kicked"},
    }
    secret = {"X-Telegram-Bot-Api-Secret-Token": TELEGRAM_SECRET}
    body = json.dumps({"update_id": 900, "my_chat_member": member}).encode()

    deliver(channel, body, secret)

    assert state() == "blocked"
    assert factory.states(broadcast) == {"skipped": 1}


@pytest.mark.parametrize("channel", ["webhook"], indirect=True)
def test_g4_an_opt_out_that_the_receiver_tells(channel: Channel, write: Write) -> None:
    write("Hello")
    at = clock.now()
    event = {"type": "contact.opted_out", "timestamp": at.isoformat(), "data": {"from": "42"}}
    hook = signed(event, at=at)
    deliver(channel, hook.body, dict(hook.headers))
    assert state() == "opted_out"
