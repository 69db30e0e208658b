"""What docs/channels/webhook.md and docs/stories.md say that Clarion posts is what it posts."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from clarion.broadcasts.models import Broadcast
from clarion.channels.contract import HookRequest, Outgoing, Receipt, Template
from clarion.channels.webhook.config import WebhookConfig
from clarion.channels.webhook.events import events_of
from clarion.channels.webhook.kind import WebhookKind
from clarion.contacts.models import Address, Contact
from clarion.content.models import Story, StoryVersion
from clarion.kit.parts import Button, Media
from crash.rehearsal import wait_completed
from support import factory
from support.documented import fences, like, members, objects, page
from support.listener import Heard, Listener

WEBHOOK = page("channels/webhook")
MESSAGE, CALLBACK = objects(WEBHOOK)
PARTS = members(WEBHOOK)
SECRET = WebhookConfig(url="https://example.org/messages", secret="whsec_c2VjcmV0")


def posted(**more: Any) -> tuple[dict[str, str], Any]:
    """Headers and body of a message with the fields of the documented one."""
    fields = {**MESSAGE, "unsubscribe_url": "https://news.example.org/u/1", **more}
    request = WebhookKind(SECRET).request(Outgoing(**fields))
    return dict(request.headers), json.loads(request.body)


def test_the_documented_message_is_what_is_posted() -> None:
    headers, body = posted()

    assert like(MESSAGE, body)
    head = re.findall(r"^    ([A-Za-z-]+): (\S+)", WEBHOOK, re.MULTILINE)
    assert {name for name, _ in head} == set(headers)
    assert dict(head)["Idempotency-Key"] == dict(head)["webhook-id"] == body["id"]
    assert headers["Idempotency-Key"] == headers["webhook-id"] == body["id"]


def test_the_documented_parts_are_what_is_posted() -> None:
    assert list(PARTS) == ["media", "buttons", "template"]
    media = Media(**{**PARTS["media"], "url": "https://example.org/anna.png"})
    buttons = tuple(
        Button(b["kind"], b["label"], b["value"].replace("…", "example.org"))
        for b in PARTS["buttons"]
    )
    template = Template(
        PARTS["template"]["name"],
        PARTS["template"]["language"],
        tuple(PARTS["template"]["variables"]),
    )

    _, with_media = posted(media=media, buttons=buttons)
    _, with_template = posted(text="", template=template)

    assert like({**MESSAGE, **{n: PARTS[n] for n in ("media", "buttons")}}, with_media)
    assert like({**MESSAGE, "text": "", "template": PARTS["template"]}, with_template)


def test_the_documented_callback_is_taken() -> None:
    hook = HookRequest("POST", {}, json.dumps(CALLBACK).encode(), datetime.now(UTC))

    (receipt,) = events_of(hook, ())

    assert isinstance(receipt, Receipt)
    assert (receipt.status, receipt.message_id) == ("delivered", MESSAGE["id"])
    assert receipt.at.isoformat() == CALLBACK["timestamp"].replace("Z", "+00:00")


@pytest.mark.parametrize("kind", re.findall(r"`((?:message|contact)\.\w+)`", WEBHOOK))
def test_every_documented_type_of_callback_tells_something(kind: str) -> None:
    data = {"id": "1", "reason": "no", "from": "anna", "text": "hello", "name": "Anna"}
    body = json.dumps({**CALLBACK, "type": kind, "data": data}).encode()

    assert events_of(HookRequest("POST", {}, body, datetime.now(UTC)), ())


def question(documented: dict[str, Any], attributes: dict[str, Any]) -> tuple[Heard, Broadcast]:
    """What a story's webhook is really asked for somebody with these attributes."""

    def answer(heard: Heard) -> tuple[int, Any]:
        return 200, {"responses": []} if heard.path == "/ask" else {}

    with Listener(answer) as listener:
        channel = factory.channel(url=f"{listener.url}/hook")
        factory.people(channel, 1)
        Contact.objects.update(name=documented["contact"]["name"], attributes=attributes)
        Address.objects.update(value=documented["to"].replace("…", "5550100"))
        story = Story.objects.create(pk=documented["story"]["id"], name=documented["story"]["name"])
        ask = {"kind": "webhook", "url": f"{listener.url}/ask", "allow_private": True}
        blocks = [{"kind": "text", "text": "Hello"}, ask]
        version = StoryVersion.objects.create(story=story, number=1, blocks=blocks)
        broadcast = factory.draft([channel], text="")
        Broadcast.objects.filter(pk=broadcast.pk).update(
            state="sending", scheduled_at=1, started_at=1, data_type="story", story=story,
            story_version=version, key=documented["id"].partition("-")[0],
        )  # fmt: skip
        broadcast.refresh_from_db()
        wait_completed(broadcast, 60)
        (asked,) = [heard for heard in listener.heard if heard.path == "/ask"]
    return asked, broadcast


@pytest.mark.django_db(transaction=True)
def test_the_documented_question_of_a_story_is_what_is_posted(engine: None) -> None:
    documented = json.loads(fences(page("stories"))[0])
    attributes = {k: v for k, v in documented["contact"].items() if k not in {"id", "name"}}

    asked, broadcast = question(documented, attributes)

    numbers = re.compile(r"-\d+-")
    assert numbers.sub("-1-", asked.body["id"]) == numbers.sub("-1-", documented["id"])
    assert asked.headers["idempotency-key"] == asked.body["id"]
    expected = {**documented, "id": asked.body["id"], "broadcast": broadcast.pk}
    assert like(expected, asked.body), asked.body


@pytest.mark.django_db(transaction=True)
def test_no_attribute_hides_whom_a_question_is_about(engine: None) -> None:
    documented = json.loads(fences(page("stories"))[0])
    attributes = {"id": "K-1", "user": "ann-1", "to": "Bonn"}

    asked, _ = question(documented, attributes)

    assert asked.body["contact"] == {"name": "Ann", **attributes}
    assert like(documented["to"], asked.body["to"])
