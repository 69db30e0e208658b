"""``clarion drafts`` and ``clarion test-send``."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from clarion.broadcasts.models import Broadcast
from clarion.contacts.models import Address
from clarion.records.models import Delivery
from support import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft(people: str, ok_json: Callable[..., Any]) -> str:
    """The number of a draft to everybody."""
    options = ("--channel", people, "--all", "--text", "Hello", "--title", "Spring")
    return str(ok_json("send", "--draft", *options)["id"])


def test_d2_drafts_are_listed_with_what_is_missing(
    draft: str, ok: Callable[..., str], ok_json: Callable[..., Any]
) -> None:
    ok("send", "--draft", "--title", "Empty")

    empty, full = ok_json("drafts", "list")
    listed = ok("drafts", "list")

    assert "Choose an audience." in empty["missing"]
    assert (full["id"], full["missing"]) == (int(draft), [])
    assert "Spring" in listed
    assert "command line" in listed
    assert "Empty" in ok("drafts", "list", "--limit", "1")


def test_what_only_e_mails_have_is_edited_one_by_one(draft: str, ok: Callable[..., str]) -> None:
    ok("drafts", "edit", draft, "--preheader", "For {{ contact.name }}", "--from-name", "Anna")
    ok("drafts", "edit", draft, "--from-name", "", "--reply-to", "a@x.example")
    assert Broadcast.objects.get().mail == {
        "preheader": "For {{ contact.name }}", "reply_to": "a@x.example",
    }  # fmt: skip
    assert "For {{ contact.name }}" in ok("broadcasts", "show", draft)


def test_without_drafts(db: None, ok: Callable[..., str]) -> None:
    assert "There are no drafts. Save one with" in ok("drafts", "list")


def test_d2_only_what_is_given_is_changed(
    draft: str, people: str, ok: Callable[..., str], clarion: Callable[..., Any]
) -> None:
    said = clarion("drafts", "edit", draft, "--text", "Hi {{ contact.citty }}", "--rate", "3")
    assert "Still to do: No contact has “contact.citty”." in said.stderr
    ok("drafts", "edit", draft, "--every", "day", "--at-clock", "08:00")
    ok("drafts", "edit", draft, "--title", "Summer", "--text", "Hi", "--end-open-chats")

    changed = Broadcast.objects.get()
    assert (changed.title, changed.text, changed.rate) == ("Summer", "Hi", 3.0)
    assert changed.recurrence["at"] == "08:00"
    assert changed.end_open_chats
    assert changed.audience["kind"] == "all"
    assert changed.revision == 4
    ok("drafts", "edit", draft, "--now", "--keep-open-chats")
    changed.refresh_from_db()
    assert (changed.recurrence, changed.end_open_chats) == ({}, False)


def test_f6_a_draft_says_at_which_percentages_it_pauses(
    draft: str, people: str, ok: Callable[..., str], clarion: Callable[..., Any]
) -> None:
    assert "if 20% rejected or 50% can't be reached" in ok("broadcasts", "show", draft)
    ok("drafts", "edit", draft, "--pause-rejected", "5", "--pause-unreachable", "0")
    assert "if 5% rejected" in ok("broadcasts", "show", draft)
    ok("drafts", "edit", draft, "--pause-rejected", "0")
    assert "never by itself" in ok("broadcasts", "show", draft)
    refused = clarion("drafts", "edit", draft, "--pause-rejected", "101")
    assert (refused.exit_code, "from 0 to 100" in refused.stderr) == (1, True)


def test_c5_sample_data_are_kept_and_shown_by_a_test_send(
    draft: str, people: str, ok: Callable[..., str], misused: Callable[..., str]
) -> None:
    ok("drafts", "edit", draft, "--external", "--text", "Order {{ data.order }}")
    ok("drafts", "edit", draft, "--sample-data", '{"order": "A-17"}')
    ok("drafts", "edit", draft, "--title", "Orders")
    chat = str(Address.objects.order_by("pk")[0].pk)
    ok("test-send", draft, "--chat", chat)

    assert Broadcast.objects.get(pk=draft).sample_data == {"order": "A-17"}
    assert Broadcast.objects.get(type="single").data == {"order": "A-17"}
    assert "Write a JSON object." in misused("drafts", "edit", draft, "--sample-data", "{")


def test_d2_a_scheduled_one_is_taken_back_for_editing(
    draft: str, ok: Callable[..., str], refused: Callable[..., str]
) -> None:
    ok("drafts", "send", draft)
    assert "is not a draft: it is scheduled." in refused("drafts", "send", draft)
    ok("drafts", "edit", draft, "--text", "Better")
    changed = Broadcast.objects.get()
    assert (changed.state, changed.text) == ("draft", "Better")


def test_what_is_being_sent_is_not_edited(db: None, refused: Callable[..., str]) -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    sent = factory.sending([channel])
    said = refused("drafts", "edit", str(sent.pk), "--text", "Late")
    assert said == "This broadcast is sending and can't be edited. Duplicate it, and edit the copy."


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "Give at least one option that changes something."),
        (["--now", "--external"], "It can't be combined with another time."),
        (["--all"], "Name at least one channel."),
        (["--text", "x", "--story", "y"], "--text and --story can't be combined."),
    ],
)
def test_wrong_edits(
    draft: str, misused: Callable[..., str], options: list[str], said: str
) -> None:
    assert said in misused("drafts", "edit", draft, *options)
    assert Broadcast.objects.get().revision == 1


def test_d2_duplicate_send_and_delete(
    draft: str, ok: Callable[..., str], ok_json: Callable[..., Any], refused: Callable[..., str]
) -> None:
    copy = ok_json("drafts", "duplicate", draft)
    assert (copy["title"], copy["state"]) == ("Copy of Spring", "draft")

    sent = ok_json("drafts", "send", str(copy["id"]), "--undo", "600")
    assert sent["state"] == "scheduled"
    assert "is not a draft" in refused("drafts", "delete", str(copy["id"]))
    assert ok("drafts", "delete", draft) == f"Draft {draft} is deleted.\n"
    assert not Broadcast.objects.filter(pk=draft).exists()


@pytest.mark.parametrize(
    ("options", "state"),
    [
        (["--at", "2099-12-24T09:30"], "scheduled"),
        (["--on-tag", "vip"], "live"),
        (["--every", "day", "--at-clock", "09:00"], "live"),
        (["--external"], "live"),
    ],
)
def test_an_undo_window_leaves_the_time_of_a_draft_alone(
    draft: str, ok: Callable[..., str], options: list[str], state: str
) -> None:
    ok("drafts", "edit", draft, *options)

    ok("drafts", "send", draft, "--undo", "0")

    sent = Broadcast.objects.get()
    assert sent.state == state
    assert [run.pk for run in Broadcast.objects.filter(state="sending")] == []
    assert (sent.scheduled_at is None) is (state == "live")
    assert sent.scheduled_at is None or sent.scheduled_at.year == 2099


def test_d2_what_is_missing_stands_in_the_way_and_the_draft_stays(
    db: None, ok_json: Callable[..., Any], refused: Callable[..., str]
) -> None:
    number = str(ok_json("send", "--draft", "--title", "Empty")["id"])
    assert "Choose at least one channel." in refused("drafts", "send", number)
    assert Broadcast.objects.get().state == "draft"


def test_b5_a_test_send_to_a_chat_or_a_user(
    draft: str, people: str, ok_json: Callable[..., Any], ok: Callable[..., str]
) -> None:
    address = Address.objects.get(value="1")

    told = ok_json("test-send", draft, "--chat", str(address.pk))
    said = ok("test-send", draft, "--channel", people, "--user", "2")

    assert (told["chat"], told["state"]) == (address.pk, "queued")
    assert said == "Test to 2: queued.\n"
    assert sorted(d.address.value for d in Delivery.objects.all()) == ["1", "2"]
    assert Broadcast.objects.get(pk=draft).state == "draft"
    assert set(Broadcast.objects.filter(type="single").values_list("text", flat=True)) == {"Hello"}


def test_b5_how_a_test_ended(
    draft: str, clarion: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from clarion.cli import drafts

    def look(_: float) -> None:
        Delivery.objects.update(state="failed")

    monkeypatch.setattr(drafts, "time", SimpleNamespace(sleep=look))
    chat = str(Address.objects.get(value="1").pk)
    result = clarion("test-send", draft, "--chat", chat, "--wait")
    assert result.exit_code == 1
    assert "Test to 1: failed." in result.stdout


@pytest.mark.parametrize(
    "options", [[], ["--chat", "1", "--user", "1"], ["--channel", "news"], ["--user", "1"]]
)
def test_b5_a_test_needs_one_person(
    draft: str, misused: Callable[..., str], options: list[str]
) -> None:
    assert "Use either --chat, or --channel with --user." in misused("test-send", draft, *options)


def test_b5_a_test_to_nobody(draft: str, refused: Callable[..., str]) -> None:
    assert "There is no chat 999999." in refused("test-send", draft, "--chat", "999999")
    assert "No contact on news has the user id “x”." in refused(
        "test-send", draft, "--channel", "news", "--user", "x"
    )
    assert not Broadcast.objects.filter(type="single").exists()
