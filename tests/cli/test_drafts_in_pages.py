"""A draft of the command line loses nothing when its page saves it, and the other way round."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from clarion.accounts.models import Agent
from clarion.broadcasts import drafts
from clarion.broadcasts.draft_fields import MOST_VARIABLES
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.query import Audience
from clarion.broadcasts.trigger import MOST_CONDITIONS
from clarion.channels.models import Channel
from clarion.consents.models import Consent
from clarion.contacts.models import Contact, Tag, Tagging
from clarion.content import stories
from support import factory
from support.forms import fields_of

pytestmark = pytest.mark.django_db

MANY = 1_100  # tags: more than a page lists
TRACES = {"form_state", "revision", "edited_by", "edited_at"}  # of the save itself


@pytest.fixture
def page() -> Client:
    """The browser of an agent in another time zone."""
    ada: Agent = factory.agent()
    ada.time_zone = "Asia/Tokyo"
    ada.save()
    client = Client()
    client.force_login(ada)
    return client


@pytest.fixture
def world(people: str) -> str:
    """A channel with three people, two more channels, a story and two consents."""
    for name in ("mail-1", "mail-2"):
        factory.people(factory.channel(name), 1)
    stories.create_story(name="Welcome", blocks=[{"kind": "text", "text": "Hi"}], by=factory.BY)
    for name in ("news", "offers"):
        Consent.objects.create(name=name, text="Yes")
    return people


def assign_many_tags(channel: str) -> list[str]:
    """Give one person more tags than a page lists; returns the options that choose all of them."""
    person = Contact.objects.filter(addresses__channel__name=channel).first()
    assert person is not None
    tags = Tag.objects.bulk_create(Tag(name=f"tag {n:04}") for n in range(MANY))
    Tagging.objects.bulk_create(Tagging(contact=person, tag=tag) for tag in tags)
    return [part for tag in tags for part in ("--tag", tag.name)]


def snapshot(number: int) -> dict[str, Any]:
    """All that is stored of a draft."""
    draft = Broadcast.objects.get(pk=number)
    facts = {field.attname: getattr(draft, field.attname) for field in draft._meta.concrete_fields}
    facts["channels"] = sorted(draft.channels.values_list("pk", flat=True))
    facts["picks"] = sorted(draft.picks.values_list("address_id", flat=True))
    return {name: value for name, value in facts.items() if name.removesuffix("_id") not in TRACES}


def save_unchanged(page: Client, number: int) -> None:
    """Open the page of a draft and save it as it is, as typing one letter and deleting it does."""
    html = page.get(f"/broadcasts/{number}/edit/").content.decode()
    form = fields_of(html, "compose")
    for part in ("text", "when", "audience"):
        form["revision"] = [str(Broadcast.objects.get(pk=number).revision)]
        response = page.post(f"/broadcasts/compose/{part}", form)
        assert response.status_code == 200
        assert not response.has_header("HX-Redirect")
    assert Broadcast.objects.get(pk=number).revision > 3


CONDITIONS = (
    "city=Bonn", "city!=Bonn", "city~Bo", "city", "!city", "tag:vip", "!tag:nobody-has-it",
    "plan=gold", "plan", "!plan", "name~'“<b>&amp;", "city=0", "city=false",
    f"city={'x' * 400}",
)  # fmt: skip
TIMINGS: dict[str, list[str]] = {
    "now": [],
    "at": ["--at", "2099-12-24T09:30"],
    "at, with seconds": ["--at", "2099-12-24T09:30:15.250001", "--tz", "America/New_York"],
    "at the second of two equal hours": [
        "--at", "2099-10-25T02:30+01:00", "--tz", "Europe/Berlin",
    ],
    "every day": ["--every", "day", "--at-clock", "9:05", "--tz", "Europe/Berlin"],
    "every week": ["--every", "week", "--at-clock", "23:59", "--day", "mon", "--day", "sun"],
    "every month": ["--every", "month", "--at-clock", "00:00", "--day", "31"],
    "on the last day": ["--every", "month", "--at-clock", "00:00", "--day", "last"],
    "cron": ["--cron", "*/5  8-18 * * 1-5", "--tz", "Pacific/Auckland"],
    "external": ["--external"],
    "tag": ["--on-tag", "no such tag yet", "--delay", "90m"],
    "event": ["--on-event", "order paid", "--delay", "52w", "--at-clock", "08:00", "--again"],
    "most conditions": [
        "--on-tag", "vip", "--delay", "36h", "--tz", "Asia/Kolkata",
        *(part for n in range(MOST_CONDITIONS)
          for part in ("--only-if", CONDITIONS[n % len(CONDITIONS)])),
    ],
}  # fmt: skip
TEXTS = ("Hi", "\n\nHi\r\n  there \r\n\n", "  {{ contact.name }} ‹›&lt;</textarea>", "")
CONTENTS: dict[str, list[str]] = {
    **{f"text {n}": ["--text", text] for n, text in enumerate(TEXTS)},
    "story": ["--story", "Welcome"],
    "template": ["--template", " order_update ", "--language", "en_US"],
    "most variables": [
        "--template", "order", "--language", "de",
        *(part for n in range(MOST_VARIABLES)
          for part in ("--variable", "" if n % 3 else f" {n} ")),
        "--variable", "",
    ],
}  # fmt: skip
MANNERS: dict[str, list[str]] = {
    "none": [],
    "all": ["--title", " A  title\nof two lines ", "--rate", "1234.5678", "--end-open-chats"],
    "fastest": ["--rate", "1000000", "--keep-open-chats", "--title", "x" * 250],
    "slowest": ["--rate", "0.01"],
}


def audiences(channel: str, file: Path) -> dict[str, list[str]]:
    """Every way of choosing people."""
    every = [part for name in (channel, "mail-1", "mail-2") for part in ("--channel", name)]
    numbers = ",".join(
        map(str, Channel.objects.get(name=channel).addresses.values_list("pk", flat=True))
    )
    file.write_text("id\n1\n2\n", encoding="utf-8")
    return {
        "none": [],
        "all": [*every, "--all", "--consent", "news", "--consent", "offers"],
        "tags": [*every, "--tag", "all-three", "--without-tag", "no such tag yet"],
        "ids": ["--channel", channel, "--ids", str(file), "--consent", "news"],
        "users": ["--channel", channel, "--to", "1", "--to", "3"],
        "chats": ["--chats", numbers],
    }  # fmt: skip


@pytest.mark.parametrize("timing", TIMINGS)
def test_the_page_keeps_every_timing(
    world: str, page: Client, ok_json: Callable[..., Any], timing: str
) -> None:
    number = ok_json("send", "--draft", "--text", "Hi", *TIMINGS[timing])["id"]
    before = snapshot(number)

    save_unchanged(page, number)

    assert snapshot(number) == before


@pytest.mark.parametrize("content", CONTENTS)
def test_the_page_keeps_every_content(
    world: str, page: Client, ok_json: Callable[..., Any], content: str
) -> None:
    number = ok_json("send", "--draft", *CONTENTS[content])["id"]
    before = snapshot(number)

    save_unchanged(page, number)

    assert snapshot(number) == before


@pytest.mark.parametrize("seed", range(10))
def test_the_page_keeps_what_any_options_made(
    world: str, page: Client, ok_json: Callable[..., Any], tmp_path: Path, seed: int
) -> None:
    """Any options together; each audience and each manner comes up."""
    chance = random.Random(seed)
    who = list(audiences(world, tmp_path / "ids.csv").values())
    manners = list(MANNERS.values())
    options = [
        *who[seed % len(who)],
        *manners[seed % len(manners)],
        *chance.choice(list(CONTENTS.values())),
        *chance.choice(list(TIMINGS.values())),
    ]
    number = ok_json("send", "--draft", *options)["id"]
    before = snapshot(number)

    save_unchanged(page, number)

    assert snapshot(number) == before


def test_the_page_keeps_more_tags_than_it_lists(
    world: str, page: Client, ok_json: Callable[..., Any]
) -> None:
    tags = assign_many_tags(world)
    number = ok_json("send", "--draft", "--text", "Hi", "--channel", world, *tags)["id"]
    before = snapshot(number)

    save_unchanged(page, number)

    assert snapshot(number) == before
    assert len(before["audience"]["tags"]) == MANY


def test_the_page_keeps_consents_and_tags_that_are_gone(world: str, page: Client) -> None:
    channel = Channel.objects.get(name=world)
    gone = Audience(kind="tags", tags=["gone"], without_tags=["away"], consents=["withdrawn"])
    draft = drafts.create_draft(by=factory.BY, text="Hi", channels=[channel], audience=gone)

    save_unchanged(page, draft.pk)

    draft.refresh_from_db()
    assert Audience.model_validate(draft.audience) == gone


def test_the_page_keeps_those_left_out_of_everyone(world: str, page: Client) -> None:
    channel = Channel.objects.get(name=world)
    most = Audience(kind="all", without_tags=["all-three"])
    draft = drafts.create_draft(by=factory.BY, text="Hi", channels=[channel], audience=most)

    save_unchanged(page, draft.pk)

    draft.refresh_from_db()
    assert Audience.model_validate(draft.audience) == most


def test_one_condition_too_many_is_told_and_kept_on_the_page(world: str, page: Client) -> None:
    form = {
        "text": "Hi", "when": "trigger", "on": "tag", "tag": "vip",
        "condition_of": ["city"] * 21, "condition_is": ["equals"] * 21,
        "condition_value": [str(n) for n in range(21)],
    }  # fmt: skip
    response = page.post("/broadcasts/compose/when", form)

    assert "20 conditions at most" in response.content.decode()
    draft = Broadcast.objects.get()
    html = page.get(f"/broadcasts/{draft.pk}/edit/").content.decode()
    assert len(fields_of(html, "compose")["condition_value"]) == 21


def test_an_edit_of_the_command_line_keeps_what_the_page_holds(
    world: str, page: Client, ok: Callable[..., str], ok_json: Callable[..., Any]
) -> None:
    """A time that is not valid yet must not become “now” because the title was changed."""
    form = {
        "text": "Hi",
        "when": "scheduled",
        "at": "",
        "rate": "fast",
        "audience": "all",
        "title": "A",
    }
    page.post("/broadcasts/compose/when", form)
    number = str(Broadcast.objects.get().pk)

    ok("drafts", "edit", number, "--title", "B", "--rate", "5")

    (draft,) = ok_json("drafts", "list")
    assert "Choose a date and a time." in draft["missing"]
    assert not any("send rate" in problem for problem in draft["missing"])
    html = page.get(f"/broadcasts/{number}/edit/").content.decode()
    shown = fields_of(html, "compose")
    assert (shown["when"], shown["rate"], shown["title"]) == (["scheduled"], ["5"], ["B"])


def test_the_form_of_the_page_is_read_whole(world: str, page: Client) -> None:
    """Else the tests above would prove nothing."""
    html = page.get("/broadcasts/new/").content.decode()
    names = {
        "title",
        "text",
        "audience",
        "when",
        "at",
        "time_zone",
        "condition_of",
        "template_variables",
    }
    assert names <= fields_of(html, "compose").keys()
