"""The requests of attempts, made again, and what is known of the replies."""

import json
from typing import Any

import pytest

from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from clarion.contacts.models import Address, Contact
from clarion.engine.exchange import Exchange, exchanges_of
from clarion.engine.meant import meant
from clarion.insights.why import why
from clarion.records.models import Delivery
from engine.stories import launch, story, text, webhook
from support import factory

pytestmark = pytest.mark.django_db
TOKEN = "123456:telegram-secret"
HOOK_SECRET = "whsec_c2VjcmV0IG9mIHRoZSBob29r"


def exchanges(broadcast: Broadcast, person: Address) -> list[Exchange]:
    made = exchanges_of(why(broadcast, person.contact).records)
    return [exchange for record in sorted(made) for exchange in made[record]]


def sent(channel: Channel, **fields: Any) -> tuple[Broadcast, Address]:
    person = factory.address(channel, "1007", "Dana")
    broadcast = factory.sending([channel], **fields)
    return broadcast, person


def test_j4_the_request_of_each_attempt_without_its_secrets() -> None:
    shop = factory.channel("Shop", url="https://hook.example/in?key=s3", secret=HOOK_SECRET)
    broadcast, person = sent(shop, text="Hello {{ contact.name }}")
    factory.settle_each(shop, [{"state": "queued", "reason": "Busy.", "code": "503"}])
    factory.settle_each(shop, [{"state": "sent", "attempts": 2, "external_id": "x1"}])
    Contact.objects.update(name="Renamed since")

    first, second = exchanges(broadcast, person)

    assert first.reply == "Busy. [503]"
    assert second.reply == "Accepted. The provider's id: x1"
    assert first.request == second.request
    head, body = first.request.split("\n\n")
    lines = head.splitlines()
    assert lines[0] == "POST https://hook.example/in?key=s3"
    assert "webhook-signature: •••" in lines
    assert json.loads(body)["text"] == "Hello Dana"
    assert json.loads(body)["to"] == "1007"
    assert HOOK_SECRET not in first.request


def test_j4_a_token_in_a_url_is_hidden() -> None:
    bot = factory.channel("Bot", "telegram", token=TOKEN)
    broadcast, person = sent(bot, text="Hello")
    factory.settle_each(bot, [{"state": "failed", "content": "Hello"}])

    (exchange,) = exchanges(broadcast, person)

    assert exchange.request.startswith("POST https://api.telegram.org/bot•••/sendMessage")
    assert TOKEN not in exchange.request
    assert '"text": "Hello"' in exchange.request


def test_j4_a_mail_is_shown_as_it_was_sent() -> None:
    mail = factory.channel("Mail", "email", password="mail-secret", username="u")
    person = factory.address(mail, "dana@x.example", "Dana")
    broadcast = factory.sending([mail], title="For {{ contact.name }}", text="Hello")
    factory.settle_each(mail, [{"state": "sent", "content": "[subject: For Dana]\nHello"}])
    Contact.objects.update(name="Renamed since")

    (exchange,) = exchanges(broadcast, person)

    assert "Subject: For Dana" in exchange.request
    assert "To: " in exchange.request
    assert "mail-secret" not in exchange.request


def test_j4_what_a_mail_has_beside_its_text_is_shown_as_it_was_sent() -> None:
    mail = factory.channel("Mail", "email", reply_to="office@x.example")
    person = factory.address(mail, "dana@x.example", "Dana")
    head = {
        "preheader": "Only for {{ contact.name }}]",
        "from_name": "Anna for {{ contact.name }}",
        "reply_to": "help@x.example",
    }
    broadcast = factory.sending([mail], title="Spring", text="Hello", mail=head)
    (shown,) = meant(mail.pk, [Delivery.objects.get().pk]).values()
    assert shown == "[from: Anna for Dana]\n[preheader: Only for Dana]]\nHello"
    factory.settle_each(mail, [{"state": "sent", "content": shown}])
    Contact.objects.update(name="Renamed since")

    (exchange,) = exchanges(broadcast, person)

    lines = exchange.request.splitlines()
    assert "From: Anna for Dana <us@example.org>" in lines
    assert "Reply-To: help@x.example" in lines
    assert "Subject: Spring" in lines
    assert ">Only for Dana]&" in exchange.request.replace("=\n", "")


def test_j4_what_would_be_another_message_by_now_is_not_made_up() -> None:
    shop = factory.channel("Shop")
    person = factory.address(shop, "u1", "Dana")
    broadcast = launch(shop, story(text("Hello {{ contact.name }}"), text("Bye")))
    factory.expand(broadcast)
    factory.settle_each(shop, [{"state": "failed", "content": "Hello Dana"}])
    (exchange,) = exchanges(broadcast, person)
    assert '"text": "Hello Dana"' in exchange.request

    Contact.objects.update(name="Renamed since")
    (exchange,) = exchanges(broadcast, person)
    assert exchange.request == ""
    assert "has changed since" in exchange.missing


def test_j4_what_a_webhook_answered_is_not_asked_again() -> None:
    shop = factory.channel("Shop")
    person = factory.address(shop, "u1", "Dana")
    broadcast = launch(shop, story(webhook("http://127.0.0.1:9/ask")))
    factory.expand(broadcast)
    factory.settle_each(shop, [{"state": "sent", "content": "42 points"}])
    (exchange,) = exchanges(broadcast, person)
    assert (exchange.request, bool(exchange.missing)) == ("", True)


def test_j4_what_a_webhook_that_failed_was_asked_is_shown_without_its_signature() -> None:
    shop = factory.channel("Shop")
    person = factory.address(shop, "u1", "Dana")
    asks = webhook("https://points.example/ask") | {"secret": "a secret of the webhook"}
    broadcast = launch(shop, story(asks))
    factory.expand(broadcast)
    reason = "The story's webhook answered 500. Look for the fault there."
    facts = {"reason": reason, "code": "story_webhook", "content": ""}
    factory.settle_each(shop, [{"state": "failed", **facts}])

    (exchange,) = exchanges(broadcast, person)

    assert exchange.request.startswith("POST https://points.example/ask\n")
    assert "webhook-signature: •••" in exchange.request
    assert '"to": "u1"' in exchange.request
    assert exchange.reply == f"{reason} [story_webhook]"
