"""``clarion segments``, and segments as audience and trigger."""

from collections.abc import Callable
from typing import Any

import pytest

from clarion.broadcasts.models import Broadcast
from clarion.contacts.models import Contact
from support import factory

pytestmark = pytest.mark.django_db
TEXT = ("--text", "Hello")


@pytest.fixture
def bonn(channel: str) -> str:
    from clarion.channels.manage import get_channel

    factory.people(get_channel(channel), 3)
    Contact.objects.filter(name__in=["Person 0", "Person 1"]).update(attributes={"city": "Bonn"})
    return channel


def test_a_segment_from_adding_to_deleting(
    bonn: str, ok: Callable[..., str], ok_json: Callable[..., Any], clarion: Callable[..., Any]
) -> None:
    assert "There are no segments yet" in ok("segments", "list")
    added = ok("segments", "add", "Bonn", "--where", "city=Bonn")
    assert "Added the segment Bonn: 2 contacts." in added
    listed = ok_json("segments", "list")
    assert [(one["name"], one["contacts"], one["about"]) for one in listed] == [("Bonn", 2, False)]
    shown = ok("segments", "show", "Bonn")
    assert "Bonn: 2 contacts. All of these are met:" in shown
    assert "city is “Bonn”" in shown
    assert "Person 1" in shown
    changed = ok_json("segments", "edit", "Bonn", "--name", "B", "--where", "city=Bonn",
                      "--where", "tag:x", "--match", "any")  # fmt: skip
    assert (changed["name"], changed["conditions"]) == ("B", ["city=Bonn", "tag:x"])
    wrong = clarion("segments", "add", "x", "--where", "wrote:soon")
    assert wrong.exit_code == 2
    assert "is deleted" in ok("segments", "delete", "B")


def test_a9_a_segment_is_an_audience_and_an_exclusion(
    bonn: str, ok: Callable[..., str], clarion: Callable[..., Any]
) -> None:
    ok("segments", "add", "Bonn", "--where", "city=Bonn")
    sent = clarion("send", "--channel", bonn, "--segment", "Bonn", *TEXT)
    assert f"2 recipients: 2 on {bonn}." in sent.stderr
    rest = clarion("send", "--channel", bonn, "--all", "--without-segment", "Bonn", *TEXT)
    assert f"1 recipient: 1 on {bonn}." in rest.stderr
    assert "2 left out: excluded by segment" in rest.stderr
    assert (
        "There is no segment called"
        in clarion("send", "--channel", bonn, "--segment", "Rome", *TEXT).stderr
    )


def test_c4_a_trigger_starts_when_a_contact_joins_a_segment(
    bonn: str, ok: Callable[..., str]
) -> None:
    ok("segments", "add", "Bonn", "--where", "city=Bonn")
    ok("send", "--channel", bonn, "--all", *TEXT, "--on-segment", "Bonn", "--delay", "2h")
    trigger = Broadcast.objects.get()
    assert trigger.trigger["on"] == "segment"
    shown = ok("triggers", "list")
    assert "join the segment “Bonn”" in shown
