"""What can't work uses up no attempt of those whom it is not about, however many they are.

Trouble of accounts and servers is in test_trouble.py, content that fails for everybody while it is
sent in test_content_watch.py.
"""

from contextlib import ExitStack
from typing import Any

import pytest
from django.db.models import Value
from django.db.models.functions import Concat

from channels.line.fixtures import SECRET, TOKEN
from clarion.broadcasts import launch
from clarion.broadcasts.errors import GapsError, LaunchError
from clarion.broadcasts.reconcile import reconcile
from clarion.channels.models import Channel
from clarion.contacts.models import Address, Contact
from clarion.content import media, stories
from clarion.engine.process import ThreadedWorker
from clarion.records.models import Delivery, Record
from crash.rehearsal import wait_completed
from engine.mailbox import Mailbox, mail_channel, serve
from support import factory
from support.listener import Listener
from support.sizes import EACH_SIZE

pytestmark = pytest.mark.django_db(transaction=True)
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 20


def story(**block: Any) -> dict[str, Any]:
    """The fields of a draft that sends a story of one block."""
    whole = stories.create_story(name="A", blocks=[block], by=factory.BY)
    return {"data_type": "story", "story": whole}


def link_beside_reply() -> dict[str, Any]:
    buttons = [
        {"kind": "link", "label": "Shop", "value": "https://shop.example/"},
        {"kind": "reply", "label": "Yes"},
    ]
    return story(kind="buttons", text="Hi", buttons=buttons)


def upload_without_public_url() -> dict[str, Any]:
    upload = media.save_upload("dot.png", "", [PNG], image=True)
    return story(kind="image", media=upload.token)


def long_caption() -> dict[str, Any]:
    return story(kind="image", url="https://shop.example/x.png", caption="😀" * 700)


WHATSAPP = {"phone_number_id": "1234567", "token": "t" * 40}
LINE = {"token": TOKEN, "secret": SECRET}
TITLE = {"title": "For {{ contact.nmae }}"}
TRUNCATE = {"text": "{{ contact.name|truncate('abc') }}"}
ODD_VALUE = {"text": "{{ contact.name|truncate(contact.city) }}"}
REFUSED: dict[str, Any] = {
    "title": ("email", {}, lambda: TITLE, "No contact has “contact.nmae”"),
    "truncate": ("webhook", {}, lambda: TRUNCATE, "a whole number"),
    "value": ("webhook", {}, lambda: ODD_VALUE, "a whole number"),
    "buttons": ("whatsapp", WHATSAPP, link_beside_reply, "either one link button or up to three"),
    "upload": ("line", LINE, upload_without_public_url, "this one has no public URL"),
    "caption": ("telegram", {}, long_caption, "at most 1,024 characters"),
}


@pytest.mark.parametrize("people", EACH_SIZE)
@pytest.mark.parametrize(
    ("kind", "settings", "content", "why"), REFUSED.values(), ids=REFUSED.keys()
)
def test_what_can_never_be_sent_is_refused_before_anybody_is_queued(
    kind: str, settings: dict[str, str], content: Any, why: str, people: int
) -> None:
    channel = factory.channel("shop", kind, **settings)
    factory.people(channel, people)
    with pytest.raises((LaunchError, GapsError), match=why):
        launch.start(factory.draft([channel], **content()), by=factory.BY, undo_seconds=0)
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("people", EACH_SIZE)
@pytest.mark.parametrize("field", ["title", "text"])
def test_who_lacks_a_value_is_named_before_and_fails_alone(
    database_url: str, people: int, field: str
) -> None:
    with Listener() as listener:
        channel = factory.channel(url=f"{listener.url}/in", rate=None)
        lacking = people // 3
        nameless = factory.people(channel, people)[:lacking]
        Contact.objects.filter(pk__in=[each.contact_id for each in nameless]).update(name="")
        content = {"text": "Hello", "title": "News"} | {field: "For {{ contact.name }}"}
        draft = factory.draft([channel], **content)
        with pytest.raises(GapsError, match=f"{lacking:,} of {people:,} recipients ha"):
            launch.start(draft, by=factory.BY, undo_seconds=0)
        assert not Delivery.objects.exists()

        draft = factory.draft([channel], accepted_gaps=["contact.name"], **content)
        broadcast = launch.start(draft, by=factory.BY, undo_seconds=0)
        with ThreadedWorker():
            wait_completed(broadcast, 120)

    assert factory.states(broadcast) == {"sent": people - lacking, "failed": lacking}
    assert {one.address_id for one in Delivery.objects.filter(state="failed")} == {
        one.pk for one in nameless
    }
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {1}
    assert reconcile(broadcast.pk).ok


@pytest.mark.parametrize("people", EACH_SIZE)
def test_a_mailbox_that_needs_smtputf8_fails_alone_at_once(
    database_url: str, servers: ExitStack, people: int
) -> None:
    mailbox = Mailbox()
    channel = mail_channel(serve(servers, mailbox, enable_SMTPUTF8=False))
    foreign = factory.people(channel, people)[1]
    Address.objects.update(value=Concat("value", Value("@x.example")))
    Address.objects.filter(pk=foreign.pk).update(value="jürgen@x.example")
    broadcast = launch.start(factory.draft([channel]), by=factory.BY, undo_seconds=0)

    with ThreadedWorker():
        wait_completed(broadcast, 120)

    assert factory.states(broadcast) == {"sent": people - 1, "failed": 1}
    failed = Record.objects.get(status="error")
    assert failed.reason is not None
    assert "SMTPUTF8" in failed.reason.text
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {1}
    foreign.refresh_from_db()
    assert foreign.state == "active"  # another server may reach it
    channel = Channel.objects.get()
    assert (channel.state, channel.waits_since) == ("active", None)
