"""Whom ``clarion send`` sends to, through every way of choosing people."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clarion.broadcasts.models import Broadcast, Pick
from clarion.chats.models import Chat
from clarion.contacts.models import Address, Contact, Tag
from support import factory

pytestmark = pytest.mark.django_db
TEXT = ("--text", "Hello")


def picked(number: int) -> list[str]:
    return sorted(Pick.objects.filter(broadcast=number).values_list("address__value", flat=True))


def test_a1_everyone_on_the_chosen_channels(people: str, clarion: Callable[..., Any]) -> None:
    factory.people(factory.channel("other"), 2)
    factory.people(factory.channel("third"), 4)
    result = clarion("send", "--channel", people, "--channel", "other", "--all", *TEXT)
    assert "5 recipients: 3 on news, 2 on other." in result.stderr


@pytest.mark.parametrize("title", ["id", "2024", "ada@example.org", "何でも", "12345678"])
def test_a3_any_title_will_do(
    people: str, clarion: Callable[..., Any], tmp_path: Path, title: str
) -> None:
    path = tmp_path / "ids.csv"
    path.write_text(f'\ufeff{title}\n"1"\n3\n', encoding="utf-8")
    result = clarion("send", "--channel", people, "--ids", str(path), *TEXT)
    assert result.exit_code == 0, result.stderr
    assert "2 recipients: 2 on news." in result.stderr
    assert picked(Broadcast.objects.get().pk) == ["1", "3"]


def test_a3_without_a_title_the_first_id_counts(
    people: str, clarion: Callable[..., Any], tmp_path: Path
) -> None:
    path = tmp_path / "ids.csv"
    path.write_text("1\n2\n")
    result = clarion("send", "--channel", people, "--ids", str(path), *TEXT)
    assert "ids.csv has no header row: its first line is a known user id." in result.stderr
    assert picked(Broadcast.objects.get().pk) == ["1", "2"]


def test_a3_lines_left_out_are_listed_and_written(
    people: str, clarion: Callable[..., Any], tmp_path: Path
) -> None:
    path, rejects = tmp_path / "ids.csv", tmp_path / "rejects.csv"
    path.write_text("4711\n1\n99\n1\n\n3\n")
    result = clarion("send", "--channel", people, "--ids", str(path), "--rejects", str(rejects),
                     *TEXT)  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert "3 lines of ids.csv are left out:" in result.stderr
    assert f"All of them, with the reasons, are in {rejects}." in result.stderr
    with rejects.open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["line", "value", "reason"],
            ["1", "4711", "the header row; not known on news"],
            ["3", "99", "not known on news"],
            ["4", "1", "same id as line 2"],
        ]


def test_a3_another_encoding_is_refused_with_its_place(
    people: str, refused: Callable[..., str], tmp_path: Path
) -> None:
    path = tmp_path / "ids.csv"
    path.write_bytes("id\n1\nü\n".encode("latin-1"))
    said = refused("send", "--channel", people, "--ids", str(path), *TEXT)
    assert said.startswith("Line 3, byte 6 of the file: this is not UTF-8.")
    assert not Broadcast.objects.exists()


def test_a4_tags_and_excluding_tags(
    people: str, ok: Callable[..., str], clarion: Callable[..., Any], tmp_path: Path
) -> None:
    path = tmp_path / "more.csv"
    path.write_text("id\n2\n4\n")
    ok("contacts", "import", str(path), "--channel", people, "--tag", "vip")
    result = clarion("send", "--channel", people, "--tag", "all-three", "--tag", "vip", *TEXT)
    assert "4 recipients: 4 on news." in result.stderr
    result = clarion("send", "--channel", people, "--tag", "all-three", "--without-tag", "vip",
                     *TEXT)  # fmt: skip
    assert "2 recipients: 2 on news." in result.stderr
    assert "1 left out: excluded by tag" in result.stderr


def test_a4_a_tag_that_nobody_has_is_refused(people: str, refused: Callable[..., str]) -> None:
    Tag.objects.create(name="empty")
    said = refused("send", "--channel", people, "--tag", "empty", *TEXT)
    assert said.endswith("No contact has the tag “empty”. Choose another one.")


def test_a5_chat_numbers_on_any_mix_of_channels(
    people: str, ok_json: Callable[..., Any], refused: Callable[..., str]
) -> None:
    other = factory.people(factory.channel("other"), 1)[0].pk
    first = Address.objects.get(value="1").pk
    sent = ok_json("send", "--chats", f"{first}, {other},{first}", *TEXT)
    assert sorted(sent["channels"]) == ["news", "other"]
    assert picked(sent["id"]) == ["1", "u0"]
    said = refused("send", "--chats", f"{first},{other + 7}, {other + 8}", *TEXT)
    assert said == f"There is no chat with the number {other + 7}, {other + 8}. Correct it."
    said = refused("send", "--chats", "one", *TEXT)
    assert said == "“one” is no chat number. Separate numbers by commas."


def test_a6_the_numbers_before_sending(people: str, clarion: Callable[..., Any]) -> None:
    Address.objects.filter(value="2").update(state="blocked")
    result = clarion("send", "--channel", people, "--all", *TEXT)
    assert "2 recipients: 2 on news." in result.stderr
    assert "  1 left out: blocked us" in result.stderr
    assert "  for example Ann, 3" in result.stderr


def test_g2_contacts_in_an_open_chat_are_recipients_who_wait(
    people: str, clarion: Callable[..., Any]
) -> None:
    Chat.objects.create(address=Address.objects.get(value="2"), state="open")
    said = clarion("send", "--channel", people, "--all", *TEXT).stderr
    assert "3 recipients: 3 on news." in said
    assert "  1 of them when their open chat is closed" in said
    assert "left out" not in said
    said = clarion("send", "--channel", people, "--all", *TEXT, "--end-open-chats").stderr
    assert "3 recipients: 3 on news." in said
    assert "when their open chat is closed" not in said


def test_a7_only_who_has_given_all_required_consents(
    people: str, ok: Callable[..., str], clarion: Callable[..., Any], refused: Callable[..., str]
) -> None:
    first, second, _ = Contact.objects.order_by("pk").values_list("pk", flat=True)
    for name in ("News", "SMS"):
        ok("consents", "add", name)
    ok("consents", "give", "News", "--all")
    ok("consents", "give", "SMS", "--contact", str(first), "--contact", str(second))
    ok("consents", "withdraw", "SMS", "--contact", str(second))
    result = clarion("send", "--channel", people, "--all", "--consent", "News", "--consent", "SMS",
                     *TEXT, "--undo", "0")  # fmt: skip
    assert "1 recipient: 1 on news." in result.stderr
    assert "  2 left out: have not given all required consents" in result.stderr
    assert "  for example Ann" in result.stderr
    from clarion.engine import lifecycle

    lifecycle.start_due()
    broadcast = Broadcast.objects.get()
    factory.expand(broadcast)
    assert factory.states(broadcast) == {"queued": 1, "skipped": 2}
    said = refused("send", "--channel", people, "--all", "--consent", "Letters", *TEXT)
    assert said.endswith("There is no consent “Letters”. Choose another one.")


def test_a2_single_people_by_their_user_ids(people: str, clarion: Callable[..., Any]) -> None:
    result = clarion("send", "--channel", people, "--to", "1", "--to", "3", "--to", "1", *TEXT)
    assert result.exit_code == 0, result.stderr
    broadcast = Broadcast.objects.get()
    assert broadcast.audience["picked_from"] == "hand"
    assert picked(broadcast.pk) == ["1", "3"]


def test_a2_a_user_id_that_nobody_has_is_named(people: str, clarion: Callable[..., Any]) -> None:
    result = clarion("send", "--channel", people, "--to", "1", "--to", "nobody", *TEXT)
    assert result.exit_code == 1
    assert f"No contact on {people} has the user id nobody. Correct it." in result.stderr
    assert not Broadcast.objects.exists()


def test_a8_only_those_who_have_written(
    people: str, clarion: Callable[..., Any], tmp_path: Path
) -> None:
    Address.objects.exclude(value="1").update(has_written=True)
    asked = clarion("send", "--channel", people, "--all", "--only-written", *TEXT)
    assert "2 recipients: 2 on news." in asked.stderr
    assert "1 left out: have never written to the channel" in asked.stderr
    path = tmp_path / "ids.csv"
    path.write_text("id\n1\n2\n")
    ids = ("send", "--channel", people, "--ids", str(path), *TEXT)
    assert "line 2: has never written to news" in clarion(*ids, "--only-written").stderr
    assert "2 recipients: 2 on news." in clarion(*ids).stderr


def test_a8_a_bot_demands_it_and_its_channel_may_be_changed(
    clarion: Callable[..., Any], ok: Callable[..., str], tmp_path: Path
) -> None:
    factory.channel("bot", "telegram")
    path = tmp_path / "people.csv"
    path.write_text("id\n1\n2\n")
    ok("contacts", "import", str(path), "--channel", "bot")
    send = ("send", "--channel", "bot", "--all", *TEXT)
    assert "2 left out: have never written to the channel" in clarion(*send).stderr
    assert (
        "line 2: has never written to bot"
        in clarion("send", "--channel", "bot", "--ids", str(path), *TEXT).stderr
    )
    assert "yes (default)" in ok("channel", "show", "bot")

    ok("channel", "edit", "bot", "--only-written", "no")
    assert "2 recipients: 2 on bot." in clarion(*send).stderr
    ok("channel", "edit", "bot", "--only-written", "default")
    assert "2 left out" in clarion(*send).stderr

    ok("contacts", "import", str(path), "--channel", "bot", "--have-written")
    assert "2 recipients: 2 on bot." in clarion(*send).stderr
