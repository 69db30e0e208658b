"""What people wrote keeps its own direction: every text of theirs is inside ``dir="auto"``."""

from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client

from clarion.accounts.models import Agent
from clarion.broadcasts import drafts, launch, singles
from clarion.broadcasts.query import Audience
from clarion.channels.contract import Inbound
from clarion.channels.manage import pause_channel
from clarion.chats import control
from clarion.chats.inbound import receive
from clarion.consents.models import Consent
from clarion.contacts.models import Tag, Tagging
from clarion.content import stories
from clarion.kit import clock
from clarion.records.models import Record
from support import factory

pytestmark = pytest.mark.django_db(transaction=True)
THEIRS = "مرحبا"
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
# A browser shows these by the rules of the system: there is no markup inside them.
UNMARKED = {"title", "option", "script", "style"}


class Reader(HTMLParser):
    """Collects each text and value of people that no ``dir="auto"`` is around."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, bool]] = []
        self.lost: list[str] = []
        self.seen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        auto = given.get("dir") == "auto" or tag == "bdi"
        if tag not in VOID:
            self.open.append((tag, auto))
        value = given.get("value") or ""
        if THEIRS in value and tag == "input" and given.get("type") not in {"hidden", "checkbox"}:
            self.seen += 1
            if not auto:
                self.lost.append(f"input {given.get('name')}")

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if THEIRS not in data or self.open[-1][0] in UNMARKED:
            return
        self.seen += 1
        if not any(auto for _tag, auto in self.open):
            where = " ".join(tag for tag, _auto in self.open[-4:])
            self.lost.append(f"{where}: {' '.join(data.split())[:80]}")


def lost_in(html: str) -> tuple[list[str], int]:
    """The texts of people without a direction of their own, and how many of theirs there are."""
    reader = Reader()
    reader.feed(html)
    return reader.lost, reader.seen


@pytest.fixture
def world(admin: Client) -> dict[str, Any]:
    """One of everything that people name or write, in a script from the right."""
    me = Agent.objects.get()
    me.name = f"{THEIRS} Ada"
    me.save()
    shop = factory.channel(f"{THEIRS} Shop")
    other = factory.channel(f"{THEIRS} Mail")
    pause_channel(other, reason=f"{THEIRS} said no", by=me)
    people = factory.people(shop, 5)
    tag = Tag.objects.create(name=f"{THEIRS} vip")
    consent = Consent.objects.create(name=f"{THEIRS} news", category=THEIRS, text=THEIRS)
    for address in people:
        contact = address.contact
        contact.name = f"{THEIRS} {contact.pk}"
        contact.attributes = {"city": THEIRS, "name": contact.name}
        contact.save()
        Tagging.objects.create(tag=tag, contact=contact)
    story = stories.create_story(
        name=f"{THEIRS} story", blocks=[{"kind": "text", "text": THEIRS}], by=me
    )
    common: dict[str, Any] = {"text": f"{THEIRS} text", "channels": [shop]}
    everyone = Audience(kind="all")
    draft = drafts.create_draft(
        by=me, title=f"{THEIRS} draft", audience=Audience(kind="tags", tags=[tag.name]), **common
    )
    untitled = drafts.create_draft(by=me, audience=everyone, **common)
    later = drafts.create_draft(
        by=me,
        title=f"{THEIRS} later",
        audience=everyone,
        scheduled_at=clock.now().replace(year=2090),
        data_type="story",
        story=story,
        channels=[shop],
    )
    launch.start(later, by=me)
    sent = factory.sending([shop, other], title=f"{THEIRS} sale", text=f"{THEIRS} text")
    said = {"content": THEIRS, "responses": 1}
    refused = {"state": "failed", "reason": f"{THEIRS} refused", "content": THEIRS}
    factory.settle_each(shop, [{"state": "sent", **said}, refused, {"state": "sent", **said}])
    chat = people[0]
    receive(shop, Inbound(chat.value, "1", f"{THEIRS} where?", clock.now()))
    control.take_over(chat.pk, by=me)
    singles.reply(chat.pk, f"{THEIRS} soon", by=me)
    return {
        "draft": draft.pk,
        "untitled": untitled.pk,
        "later": later.pk,
        "sent": sent.pk,
        "chat": chat.pk,
        "contact": chat.contact_id,
        "channel": other.pk,
        "tag": tag.pk,
        "consent": consent.pk,
        "story": story.pk,
        "record": Record.objects.filter(broadcast=sent).order_by("pk")[0].pk,
    }


PAGES = (
    "/",
    "/broadcasts/",
    "/broadcasts/?section=scheduled",
    "/broadcasts/?section=drafts",
    f"/broadcasts/?section=drafts&q={THEIRS}",
    "/broadcasts/{sent}/",
    "/broadcasts/{sent}/details",
    "/broadcasts/{sent}/errors",
    "/broadcasts/{sent}/recipients/",
    "/broadcasts/{sent}/ask/stop/",
    "/broadcasts/{later}/",
    "/broadcasts/{later}/ask/delete/",
    "/broadcasts/{draft}/edit/",
    "/broadcasts/{untitled}/edit/",
    "/broadcasts/drafts/ask?draft={draft}",
    f"/broadcasts/compose/contacts?q={THEIRS}",
    "/picker/{draft}/",
    "/records/",
    f"/records/?name={THEIRS}&error={THEIRS}",
    "/records/{record}/",
    "/chats/",
    f"/chats/?q={THEIRS}",
    "/chats/{chat}/",
    "/contacts/",
    f"/contacts/?q={THEIRS}&tag={{tag}}&channel={{channel}}",
    "/contacts/{contact}/",
    "/contacts/import/",
    "/consents/",
    "/consents/{consent}/",
    "/consents/{consent}/remove/",
    "/stories/",
    f"/stories/?q={THEIRS}",
    "/stories/{story}/",
    "/stories/{story}/?version=1",
    "/channels/",
    "/channels/{channel}/",
    "/account/",
    "/nothing/here",
)


def test_every_page(admin: Client, world: dict[str, Any]) -> None:
    lost: dict[str, list[str]] = {}
    for page in PAGES:
        response = admin.get(page.format(**world))
        assert response.status_code in {200, 404}, page
        missed, seen = lost_in(response.content.decode())
        assert seen, page
        if missed:
            lost[page] = missed

    assert not lost, "\n".join(f"{page}: {text}" for page, all_ in lost.items() for text in all_)


def test_what_a_page_saves_and_says(admin: Client, world: dict[str, Any]) -> None:
    form = {
        "title": THEIRS,
        "text": THEIRS,
        "audience": "tags",
        "tags": [f"{THEIRS} vip"],
        "when": "now",
    }

    for part in ("text", "audience", "when"):
        html = admin.post(f"/broadcasts/compose/{part}", {**form, "data_type": "text"})
        missed, seen = lost_in(html.content.decode())
        assert seen
        assert not missed
