"""``clarion send``: who gets it, what stands in the way, and when it leaves."""

import json
import signal
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from clarion.broadcasts.models import Broadcast, Pick
from clarion.channels.models import Channel
from clarion.contacts.models import Address
from clarion.kit import clock
from support import factory
from support.listener import Listener
from support.processes import Processes

pytestmark = pytest.mark.django_db
TEXT = ("--text", "Hello")


def test_the_document_is_that_of_show(people: str, ok_json: Callable[..., Any]) -> None:
    sent = ok_json("send", "--channel", people, "--all", *TEXT, "--title", "Hi", "--undo", "3600")
    shown = ok_json("broadcasts", "show", str(sent["id"]))
    assert sent == shown
    assert sent["title"] == "Hi"
    assert sent["text"] == "Hello"
    assert sent["type"] == "broadcast"
    assert sent["state"] == "scheduled"
    assert sent["channels"] == [people]
    assert sent["finished_at"] is None
    wait = datetime.fromisoformat(sent["scheduled_at"]) - datetime.fromisoformat(sent["created_at"])
    assert timedelta(seconds=3595) < wait < timedelta(seconds=7200)


def test_without_undo_the_settings_count(people: str, ok_json: Callable[..., Any]) -> None:
    sent = ok_json("send", "--channel", people, "--all", *TEXT)
    wait = datetime.fromisoformat(sent["scheduled_at"]) - datetime.fromisoformat(sent["created_at"])
    assert timedelta(seconds=55) < wait < timedelta(seconds=3600)


def test_what_it_costs_is_said_before(clarion: Callable[..., Any]) -> None:
    channel = factory.channel(
        "sms", "twilio", account_sid="AC" + "0" * 32, auth_token="t", sender="12345",
        currency="EUR", price="0.06",
    )  # fmt: skip
    factory.address(channel, "491511234567", "Anna")
    result = clarion("send", "--channel", "sms", "--all", *TEXT)
    assert "sms: 1 SMS (5 characters), 0.06 EUR." in result.stderr


def test_who_gets_it_is_said_before(people: str, clarion: Callable[..., Any]) -> None:
    Address.objects.filter(value="2").update(state="blocked")
    result = clarion("send", "--channel", people, "--all", *TEXT)
    assert result.exit_code == 0
    assert "2 recipients: 2 on news." in result.stderr
    assert "  1 left out: blocked us" in result.stderr
    assert "  for example Ann, 3" in result.stderr
    assert (
        "No worker is running, so nothing is sent yet. Start one with: clarion serve"
        in result.stderr
    )
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "It is sent as fast as the providers accept the messages: no send rate is set."),
        (["--rate", "10"], "Sending takes less than a minute."),
        (["--rate", "0.01"], "Sending takes about 5 min, until about 20"),
        (["--rate", "0.01", "--every", "day", "--at-clock", "09:00"], "about 5 min, until about"),
        (["--rate", "0.01", "--external"], ""),
    ],
)
def test_how_long_sending_takes_is_told(
    people: str, clarion: Callable[..., Any], options: list[str], says: str
) -> None:
    result = clarion("send", "--channel", people, "--all", *TEXT, *options)
    assert says in result.stderr
    assert ("send rate" in result.stderr or "Sending" in result.stderr) is bool(says)


def test_tags(people: str, ok_json: Callable[..., Any], refused: Callable[..., str]) -> None:
    sent = ok_json("send", "--channel", people, "--tag", "all-three", *TEXT)
    assert sent["audience"]["tags"] == ["all-three"]
    said = refused("send", "--channel", people, "--tag", "vip", *TEXT)
    assert said.endswith("No contact has the tag “vip”. Choose another one.")


def test_tags_without_others(
    people: str, ok: Callable[..., str], clarion: Callable[..., Any], tmp_path: Path
) -> None:
    path = tmp_path / "more.csv"
    path.write_text("id\n2\n")
    ok("contacts", "import", str(path), "--channel", people, "--tag", "tired")
    result = clarion(
        "send", "--channel", people, "--tag", "all-three", "--without-tag", "tired", *TEXT
    )
    assert "2 recipients: 2 on news." in result.stderr
    assert "  1 left out: excluded by tag" in result.stderr


def test_a_file_of_ids(people: str, clarion: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "ids.csv"
    path.write_text('whatever\n"1"\n3\n99\n')
    result = clarion("send", "--channel", people, "--ids", str(path), *TEXT, "--json")
    assert result.exit_code == 0, result.stderr
    sent = json.loads(result.stdout)
    picked = Pick.objects.filter(broadcast_id=sent["id"]).values_list("address__value", flat=True)
    assert sorted(picked) == ["1", "3"]
    assert sent["audience"] == {
        "kind": "picks", "tags": [], "without_tags": [], "segments": [], "without_segments": [],
        "consents": [], "only_written": False, "picked_from": "ids",
    }  # fmt: skip
    assert "1 line of ids.csv is left out:" in result.stderr
    assert "  line 4: " in result.stderr


def test_a_column_of_ids_can_be_chosen(
    people: str, ok_json: Callable[..., Any], refused: Callable[..., str], tmp_path: Path
) -> None:
    path = tmp_path / "ids.csv"
    path.write_text("left,right\n1,2\n")
    arguments = ("send", "--channel", people, "--ids", str(path), *TEXT)
    assert "left" in refused(*arguments)
    sent = ok_json(*arguments, "--id-column", "right")
    assert Pick.objects.get(broadcast_id=sent["id"]).address.value == "2"


def test_chat_numbers(people: str, ok_json: Callable[..., Any]) -> None:
    numbers = list(Address.objects.order_by("pk").values_list("pk", flat=True))[:2]
    chats = f" {numbers[0]}, {numbers[1]},{numbers[0]}"
    sent = ok_json("send", "--chats", chats, *TEXT)
    assert sent["channels"] == [people]
    assert sent["audience"]["picked_from"] == "chats"
    picked = Pick.objects.filter(broadcast_id=sent["id"]).values_list("address_id", flat=True)
    assert sorted(picked) == numbers


def test_unknown_chats_are_named(
    people: str, ok: Callable[..., str], refused: Callable[..., str]
) -> None:
    number = Address.objects.order_by("pk").values_list("pk", flat=True)[0]
    beyond = 2**70
    said = refused("send", "--chats", f"{number},{number + 500},{beyond}", *TEXT)
    assert said == f"There is no chat with the number {number + 500}, {beyond}. Correct it."
    ok(
        "channel",
        "add",
        "other",
        "--kind",
        "webhook",
        "--set",
        "url=https://example.org/",
        "--no-check",
    )
    said = refused("send", "--channel", "other", "--chats", str(number), *TEXT)
    assert said == f"There is no chat on other with the number {number}. Correct it."
    assert not Broadcast.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Use one of --all, --tag, --segment, --ids, --to, --chats."),
        (["--all", "--tag", "x"], "--all and --tag can't be combined."),
        (["--all", "--without-tag", "x"], "Use it with --tag only."),
        (["--all", "--id-column", "x"], "Use it with --ids only."),
        (["--all", "--tz", "UTC"], "Use it with --at, --every, --cron, "),
        (["--all", "--at", "tomorrow"], "“tomorrow” is not a date and time."),
        (["--all", "--at", "2099-01-01T10:00", "--tz", "Mars"], "There is no time zone called"),
        (["--all", "--at", "2099-01-01T10:00", "--undo", "5"], "Use it when sending now only."),
        (["--all", "--undo", "-1"], "--undo"),
        (["--all", "--rejects", "x"], "Use it with --ids only."),
        (["--ids", "x.csv", "--channel", "more"], "Use it with exactly one --channel."),
    ],
)
def test_wrong_usage(
    people: str, misused: Callable[..., str], arguments: list[str], said: str
) -> None:
    assert said in misused("send", "--channel", people, *TEXT, *arguments)
    assert not Broadcast.objects.exists()


def test_a_channel_is_needed(people: str, misused: Callable[..., str]) -> None:
    assert "Name at least one channel." in misused("send", "--all", *TEXT)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Write a text."),
        ("Hello {{ contact.citty }}", "citty"),
        ("Hello {{ contact.", "{{"),
        ("{% for a in range(100000000) %}x{% endfor %}", "Line 1: "),
    ],
    ids=["empty", "unknown variable", "broken", "endless"],
)
def test_what_stands_in_the_way_is_said_and_nothing_is_kept(
    people: str, refused: Callable[..., str], text: str, said: str
) -> None:
    message = refused("send", "--channel", people, "--all", "--text", text)
    assert said in message
    assert not Broadcast.objects.exists()


def test_nobody_in_the_audience(channel: str, refused: Callable[..., str]) -> None:
    said = refused("send", "--channel", channel, "--all", *TEXT)
    assert "This audience has no contacts on news." in said
    assert not Broadcast.objects.exists()


def test_a_moment_in_a_time_zone(people: str, ok_json: Callable[..., Any]) -> None:
    sent = ok_json(
        "send",
        "--channel",
        people,
        "--all",
        *TEXT,
        "--at",
        "2099-07-01T10:00",
        "--tz",
        "Asia/Tokyo",
    )
    assert datetime.fromisoformat(sent["scheduled_at"]) == datetime(2099, 7, 1, 1, tzinfo=UTC)


def test_a_moment_that_has_passed(people: str, refused: Callable[..., str]) -> None:
    said = refused("send", "--channel", people, "--all", *TEXT, "--at", "2020-01-01T10:00")
    assert "has passed" in said
    assert not Broadcast.objects.exists()


def test_the_text_may_come_from_a_file_or_standard_input(
    people: str, ok: Callable[..., str], tmp_path: Path
) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes("\ufeffHéllo\nWorld".encode())
    ok("send", "--channel", people, "--all", "--text", f"@{path}")
    ok("send", "--channel", people, "--all", "--text", "@-", stdin="From stdin ✓")
    texts = Broadcast.objects.order_by("pk").values_list("text", flat=True)
    assert list(texts) == ["Héllo\nWorld", "From stdin ✓"]


def test_a_text_file_that_is_not_utf_8(
    people: str, refused: Callable[..., str], tmp_path: Path
) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(b"one\ntwo \xe4\n")
    said = refused("send", "--channel", people, "--all", "--text", f"@{path}")
    assert said == (
        f"{path} is not UTF-8: see the byte 0xe4 in line 2. Save the file as UTF-8 and try again."
    )


def test_a_text_file_that_is_not_there(people: str, refused: Callable[..., str]) -> None:
    said = refused("send", "--channel", people, "--all", "--text", "@/nowhere/text.txt")
    assert said == "/nowhere/text.txt: No such file or directory."


@pytest.mark.django_db(transaction=True)
@pytest.mark.crash
class TestWithAnEngine:
    """The command that waits, as a process of its own."""

    @pytest.fixture
    def reached(self, receiver: Listener, ok: Callable[..., str], tmp_path: Path) -> str:
        settings = ("--set", f"url={receiver.url}/hook", "--set", "allow_private=true")
        ok("channel", "add", "sim", "--kind", "webhook", *settings)
        path = tmp_path / "people.csv"
        path.write_text("id,name\n" + "".join(f"{n},P{n}\n" for n in range(50)))
        ok("contacts", "import", str(path), "--channel", "sim")
        return "sim"

    def test_wait_until_it_is_done(self, reached: str, engine: None, processes: Processes) -> None:
        send = processes.clarion(
            "send", "--channel", reached, "--all", "--text", "Hi {{ contact.name }}",
            "--undo", "0", "--wait",
        )  # fmt: skip
        assert send.wait() == 0
        assert "50 recipients: 50 on sim." in send.lines
        assert any("100 %" in line and "50 completed" in line for line in send.lines)
        assert ["state", "completed"] in [line.split() for line in send.lines]

    def test_waiting_ends_when_it_is_stopped(
        self, reached: str, engine: None, processes: Processes, ok: Callable[..., str]
    ) -> None:
        ok("channel", "pause", reached)
        send = processes.clarion(
            "send", "--channel", reached, "--all", *TEXT, "--undo", "0", "--wait"
        )
        number = send.wait_for_line(r"Broadcast (\d+) (?:is|will be) sent")[1]
        send.wait_for_line("sending")
        ok("broadcasts", "stop", number)
        assert send.wait() == 1
        assert ["state", "stopped"] in [line.split() for line in send.lines]

    def test_ctrl_c_ends_the_waiting_and_not_the_broadcast(
        self, reached: str, processes: Processes, ok_json: Callable[..., Any]
    ) -> None:
        send = processes.clarion("send", "--channel", reached, "--all", *TEXT, "--wait")
        number = send.wait_for_line(r"Broadcast (\d+) (?:is|will be) sent")[1]
        send.wait_for_line("scheduled")
        send.signal(signal.SIGINT)
        assert send.wait() == 130
        assert "The broadcast continues." in send.output
        assert "Traceback" not in send.output
        assert ok_json("broadcasts", "show", number)["state"] == "scheduled"

    def test_waiting_ends_when_it_is_deleted(
        self, reached: str, processes: Processes, ok: Callable[..., str]
    ) -> None:
        send = processes.clarion("send", "--channel", reached, "--all", *TEXT, "--wait")
        number = send.wait_for_line(r"Broadcast (\d+) (?:is|will be) sent")[1]
        send.wait_for_line("scheduled")
        ok("broadcasts", "delete", number)
        assert send.wait() == 1
        assert f"Broadcast {number} was deleted before it was sent." in send.output


def test_as_names_the_agent_wherever_it_stands(
    people: str, ok_json: Callable[..., Any], refused: Callable[..., str]
) -> None:
    ada = factory.agent(name="Ada")
    base = ("send", "--channel", people, "--all", *TEXT)
    sent = ok_json(*base, "--as", "Ada")
    assert (sent["agent"], sent["drafted_by"]) == ("Ada", "Ada")
    assert ok_json("--as", ada.email, *base)["agent"] == "Ada"
    assert ok_json(*base, f"--as={ada.email}")["agent"] == "Ada"
    assert ok_json(*base)["agent"] == f"{socket.gethostname()} (command line)"
    said = refused(*base, "--as", "Nobody")
    assert "There is no agent with the name or e-mail address Nobody." in said


def test_b7_recipients_who_lack_a_variable_are_named_and_the_others_can_be_chosen(
    people: str, clarion: Callable[..., Any], ok_json: Callable[..., Any]
) -> None:
    given = ("send", "--channel", people, "--all", "--text", "Hello {{ contact.name }}")

    refused = clarion(*given)
    assert refused.exit_code == 1
    assert "of 3 recipients" in refused.stderr
    assert "no “contact.name” and would get nothing." in refused.stderr
    assert "To send to the others, add --send-to-others." in refused.stderr
    assert not Broadcast.objects.exists()

    sent = clarion(*given, "--send-to-others")
    assert sent.exit_code == 0
    assert "Recipients who lack contact.name get nothing." in sent.stderr
    assert Broadcast.objects.get().accepted_gaps == ["contact.name"]


def test_b7_a_draft_with_a_gap_is_sent_when_that_is_chosen(
    people: str, clarion: Callable[..., Any]
) -> None:
    clarion("send", "--draft", "--channel", people, "--all", "--text", "Hi {{ contact.name }}")
    number = str(Broadcast.objects.get().pk)

    refused = clarion("drafts", "send", number)
    assert f"clarion drafts edit {number} --send-to-others" in refused.stderr
    chosen = clarion("drafts", "edit", number, "--send-to-others")
    assert "Still to do" not in chosen.stderr
    assert clarion("drafts", "send", number).exit_code == 0


def test_a_channel_that_is_not_checked_or_fails_warns(
    people: str, clarion: Callable[..., Any]
) -> None:
    send = ("send", "--channel", people, "--all", *TEXT)
    assert "Warning: The last check of channel news failed." in clarion(*send).stderr
    Channel.objects.update(checked_at=None)
    warned = clarion(*send)
    assert warned.exit_code == 0
    assert "Warning: Channel news is not checked. Check the channel" in warned.stderr
    Channel.objects.update(checked_at=clock.now(), check_failed=False)
    assert "Warning" not in clarion(*send).stderr
