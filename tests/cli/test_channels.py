"""``clarion channel``."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from clarion.channels import kind_names
from clarion.channels.contract import HookRequest
from clarion.channels.models import Channel
from clarion.engine import callbacks, inbox
from clarion.kit import clock
from support import factory
from support.processes import Processes

pytestmark = pytest.mark.django_db
SECRET = "whsec_c2VjcmV0c2VjcmV0c2VjcmV0"
HOOK = ("--kind", "webhook", "--set", "url=https://example.org/hook", "--no-check")


def test_kinds_name_their_settings(ok: Callable[..., str], ok_json: Callable[..., Any]) -> None:
    kinds = {kind["kind"]: kind for kind in ok_json("channel", "kinds")}
    assert set(kinds) == set(kind_names())
    settings = {
        kind: {field["name"] for field in facts["settings"]} for kind, facts in kinds.items()
    }
    assert settings["webhook"] >= {"url", "secret", "idempotent", "allow_private"}
    assert settings["telegram"] >= {"token", "api_root", "webhook_secret"}
    assert settings["email"] >= {"host", "port", "security", "username", "password", "sender"}
    secret = [f for f in kinds["telegram"]["settings"] if f["secret"]]
    assert {field["name"] for field in secret} == {"token", "webhook_secret"}
    text = ok("channel", "kinds")
    assert "  url              required. " in text
    assert "  port             default 587. " in text


def test_add_show_and_list(ok: Callable[..., str], ok_json: Callable[..., Any]) -> None:
    options = ("--rate", "12.5", "--attempts", "2", "--backoff", "0.25")
    ok("channel", "add", "news", *HOOK, *options, "--set", f"secret={SECRET}")
    shown = ok_json("channel", "show", "news")
    assert shown.pop("created_at").endswith("+00:00")
    assert shown == {
        "name": "news",
        "kind": "webhook",
        "state": "active",
        "paused_reason": "",
        "condition": {
            "state": "unchecked",
            "reason": "Its settings are new or have changed.",
            "since": None,
            "until": None,
        },
        "checked_at": None,
        "check_result": "",
        "rate": 12.5,
        "attempts": 2,
        "backoff": 0.25,
        "own": ["rate", "attempts", "backoff"],
        "only_written": None,
        "window_hours": None,
        "settings": {
            "url": "https://example.org/hook",
            "secret": "•••",
            "idempotent": False,
            "allow_private": False,
        },
    }
    assert [one["name"] for one in ok_json("channel", "list")] == ["news"]
    listed = ok("channel", "list").splitlines()[1].split()
    assert listed[:9] == ["news", "webhook", "unchecked", "12.5/s", "2", "0.25", "s", "–", "–"]


def test_secrets_are_never_printed(ok: Callable[..., str]) -> None:
    printed = ok("channel", "add", "news", *HOOK, "--set", f"secret={SECRET}")
    printed += ok("channel", "add", "more", *HOOK, "--set", f"secret={SECRET}", "--json")
    for command in (["list"], ["show", "news"], ["show", "news", "--json"], ["list", "--json"]):
        printed += ok("channel", *command)
    assert SECRET not in printed
    assert "•••" in printed
    assert Channel.objects.get(name="news").config["secret"] == SECRET


def test_without_a_rate_the_kinds_own_is_taken(
    ok: Callable[..., str], ok_json: Callable[..., Any]
) -> None:
    ok("channel", "add", "bot", "--kind", "telegram", "--set", "token=123456:abc", "--no-check")
    assert ok_json("channel", "show", "bot")["rate"] == 30
    ok("channel", "add", "news", *HOOK)
    assert "no limit" in ok("channel", "list")


def test_what_costs_money_is_asked_before_it_is_turned_on(
    ok: Callable[..., str], clarion: Callable[..., Any]
) -> None:
    bot = ("channel", "add", "bot", "--kind", "telegram", "--set", "token=1:a", "--no-check")
    paid = ("--set", "paid_broadcasts=true")
    refused = clarion(*bot, *paid, stdin="n\n")
    assert refused.exit_code == 1
    assert "0.1 Telegram Stars for each message over 30 a second" in refused.stderr
    assert not Channel.objects.exists()
    ok(*bot)
    assert clarion("channel", "edit", "bot", *paid, "--no-check", stdin="y\n").exit_code == 0
    assert Channel.objects.get().config["paid_broadcasts"]
    ok(*bot[:2], "other", *bot[3:], *paid, "--yes")


def test_an_empty_list_leads_on(ok: Callable[..., str], ok_json: Callable[..., Any]) -> None:
    assert "clarion channel add" in ok("channel", "list")
    assert ok_json("channel", "list") == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--kind", "fax"], "There is no channel kind “fax”. Choose one of: telegram, whatsapp"),
        (["--kind", "webhook"], "url: Fill this in."),
        ([*HOOK, "--set", "colour=red"], "There is no such setting. Use one of: url, secret"),
        ([*HOOK, "--set", "idempotent=perhaps"], "idempotent: Write true or false."),
        ([*HOOK, "--rate", "0"], "The send rate is a number"),
        ([*HOOK, "--rate", "nan"], "The send rate is a number"),
        ([*HOOK, "--rate", "-3"], "The send rate is a number"),
    ],
)
def test_what_will_not_do_is_said(
    refused: Callable[..., str], arguments: list[str], said: str
) -> None:
    assert said in refused("channel", "add", "news", *arguments)
    assert not Channel.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--set", "hunter2"], "Write a setting as KEY=VALUE."),
        (["--set", "=hunter2"], "Write a setting as KEY=VALUE."),
        (["--set", "url=a", "--set", "url=b"], "url is given twice."),
        (["--attempts", "-1"], "--attempts"),
        (["--attempts", "many"], "--attempts"),
    ],
)
def test_wrong_usage(misused: Callable[..., str], arguments: list[str], said: str) -> None:
    message = misused("channel", "add", "news", "--kind", "webhook", *arguments)
    assert said in message
    assert "hunter2" not in message


def test_a_name_is_taken_once(ok: Callable[..., str], refused: Callable[..., str]) -> None:
    ok("channel", "add", "news", *HOOK)
    assert "already a channel called “news”" in refused("channel", "add", "news", *HOOK)


@pytest.mark.parametrize("command", ["show", "check", "pause", "resume"])
def test_an_unknown_channel_is_named(
    channel: str, refused: Callable[..., str], command: str
) -> None:
    said = refused("channel", command, "nwes")
    assert said == "There is no channel called “nwes”. Choose one of: news."


def test_pause_and_resume(
    channel: str, ok: Callable[..., str], ok_json: Callable[..., Any]
) -> None:
    assert ok("channel", "pause", channel) == "The channel news is paused.\n"
    paused = ok_json("channel", "show", channel)
    assert (paused["state"], bool(paused["paused_reason"])) == ("paused", True)
    assert ok("channel", "resume", channel) == "The channel news is active.\n"
    assert ok_json("channel", "show", channel)["state"] == "active"


@pytest.mark.django_db(transaction=True)
def test_check_says_what_is_wrong(channel: str, refused: Callable[..., str]) -> None:
    assert refused("channel", "check", channel) == (
        "No connection to 127.0.0.1 port 9: nothing accepts connections there."
    )


@pytest.mark.django_db(transaction=True)
def test_check_asks_the_provider(
    processes: Processes, ok: Callable[..., str], refused: Callable[..., str]
) -> None:
    simulator = processes.clarion("simulator", "--http-port", "0", "--smtp-port", "0")
    url = simulator.wait_for_line(r"ready (\S+)")[1]
    for name, token in (("good", "123456:abc"), ("bad", "123456:revoked")):
        settings = ("--set", f"token={token}", "--set", f"api_root={url}")
        ok("channel", "add", name, "--kind", "telegram", *settings)
    assert ok("channel", "check", "good").count("\n") == 1
    said = refused("channel", "check", "bad")
    assert "\n" not in said
    assert "revoked" not in said


def test_b4_a_whatsapp_number_shows_none_of_its_secrets(
    ok: Callable[..., str], ok_json: Callable[..., Any]
) -> None:
    fields = {"phone_number_id": "1065", "token": "EAAGtest", "app_secret": "c0ffee"}
    pairs = [part for name, value in fields.items() for part in ("--set", f"{name}={value}")]
    printed = ok(
        "channel", "add", "shop", "--kind", "whatsapp", *pairs, "--rate", "20", "--no-check"
    )
    shown = ok_json("channel", "show", "shop")
    assert shown["rate"] == 20.0
    assert shown["settings"] == {
        "phone_number_id": "1065",
        "token": "•••",
        "app_secret": "•••",
        "verify_token": "•••",
        "waba_id": "",
        "messaging_limit": "as reported",
        "pair_seconds": 0,
        "country": "",
        "currency": "",
        "prices": "",
        "free_in_window": "nothing",
        "api_root": "https://graph.facebook.com/v26.0",
        "allow_private": False,
    }
    assert not any(secret in printed for secret in ("EAAGtest", "c0ffee"))


@pytest.mark.django_db(transaction=True)
def test_a_channel_is_checked_on_adding_and_the_answer_is_kept(
    processes: Processes, clarion: Callable[..., Any], ok_json: Callable[..., Any]
) -> None:
    simulator = processes.clarion("simulator", "--http-port", "0", "--smtp-port", "0")
    url = simulator.wait_for_line(r"ready (\S+)")[1]
    for name, token in (("good", "123456:abc"), ("bad", "123456:revoked")):
        settings = ("--set", f"token={token}", "--set", f"api_root={url}")
        added = clarion("channel", "add", name, "--kind", "telegram", *settings)
        assert added.exit_code == 0
        assert added.stdout.startswith(f"Added the channel {name}.\n")
        assert ("The token is valid." in added.stdout) == (name == "good")
        assert ("The check failed: Telegram does not accept" in added.stderr) == (name == "bad")
    shown = {one["name"]: one for one in ok_json("channel", "list")}
    assert shown["good"]["condition"]["state"] == "active"
    assert shown["good"]["check_result"].startswith("The token is valid.")
    assert shown["bad"]["condition"]["state"] == "check_failed"
    assert shown["bad"]["condition"]["reason"] == shown["bad"]["check_result"]
    assert shown["bad"]["checked_at"]


def test_a_wait_is_shown_and_ended(
    channel: str, ok: Callable[..., str], ok_json: Callable[..., Any]
) -> None:
    now = clock.now()
    Channel.objects.update(
        waits_since=now, waits_until=now + timedelta(hours=2.8), waits_reason="Too many."
    )
    listed = ok("channel", "list")
    assert "waiting" in listed
    assert "Too many." in listed
    shown = ok("channel", "show", channel)
    assert "state         waiting" in shown
    assert f"{now + timedelta(hours=2.8):%Y-%m-%d %H:%M}" in shown
    assert ok_json("channel", "show", channel)["condition"]["state"] == "waiting"

    ok("channel", "resume", channel)
    assert Channel.objects.get().waits_until is None
    assert "Too many." not in ok("channel", "list")


def test_i5_defaults_of_the_workspace_and_of_a_channel(
    ok: Callable[..., str], ok_json: Callable[..., Any], misused: Callable[..., str]
) -> None:
    ok("channel", "add", "news", *HOOK)
    assert ok_json("channel", "defaults")["kinds"]["email"]["backoff"] == 300.0
    ok("channel", "defaults", "--attempts", "3", "--rate", "40")
    listed = ok("channel", "defaults", "--backoff", "2").splitlines()
    (email,) = [line.split() for line in listed if "email" in line]
    assert email == ["email", "40/s", "3", "2", "s"]
    assert ok_json("channel", "defaults")["workspace"] == {"rate": 40, "attempts": 3, "backoff": 2}
    shown = ok_json("channel", "show", "news")
    assert (shown["rate"], shown["attempts"], shown["own"]) == (40.0, 3, [])

    ok("channel", "edit", "news", "--attempts", "2", "--rate", "none")
    shown = ok_json("channel", "show", "news")
    assert (shown["rate"], shown["attempts"], shown["backoff"]) == (None, 2, 2.0)
    assert shown["own"] == ["rate", "attempts"]
    ok("channel", "edit", "news", "--default", "attempts", "--default", "rate")
    ok("channel", "defaults", "--attempts", "none", "--rate", "none", "--backoff", "none")
    shown = ok_json("channel", "show", "news")
    assert (shown["rate"], shown["attempts"], shown["backoff"]) == (None, 5, 0.1)

    assert "at least one option" in misused("channel", "edit", "news")
    assert "number" in misused("channel", "defaults", "--attempts", "many")
    assert "already" in misused("channel", "edit", "news", "--rate", "1", "--default", "rate")


@pytest.mark.django_db(transaction=True)
def test_changed_settings_are_checked(channel: str, clarion: Callable[..., Any]) -> None:
    edited = clarion("channel", "edit", channel, "--set", "url=http://127.0.0.1:9/other")
    assert edited.exit_code == 0
    assert edited.stdout == "The channel news is changed.\n"
    assert "The check failed: No connection to 127.0.0.1 port 9" in edited.stderr
    assert Channel.objects.get().config["url"] == "http://127.0.0.1:9/other"
    assert Channel.objects.get().config["allow_private"] is True


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_secret_is_read_from_a_file_or_standard_input(
    ok: Callable[..., str], tmp_path: Path, end: str
) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}{end}", newline="")
    add = ("channel", "add", "--no-check", *HOOK)
    ok(*add, "one", "--set-file", f"secret={file}")
    ok(*add, "two", "--set-file", "secret=-", stdin=f"{SECRET}{end}")
    secrets = [channel.config["secret"] for channel in Channel.objects.all()]
    assert secrets == [SECRET] * 2


def test_a_secret_that_can_not_be_read(
    refused: Callable[..., str], misused: Callable[..., str]
) -> None:
    add = (
        "channel",
        "add",
        "one",
        "--no-check",
        "--kind",
        "webhook",
        "--set",
        "url=https://a.example/",
    )
    assert "no/such/file" in refused(*add, "--set-file", "secret=no/such/file")
    assert "KEY=FILE" in misused(*add, "--set-file", "whsec_typed_by_mistake")
    assert "given twice" in misused(*add, "--set", "secret=a", "--set-file", "secret=-")
    assert not Channel.objects.exists()


def test_json_may_stand_before_the_subcommand(ok: Callable[..., str]) -> None:
    after = ok("channel", "list", "--json")
    assert ok("channel", "--json", "list") == ok("--json", "channel", "list") == after == "[]\n"


def test_what_was_dropped_of_callbacks_can_be_looked_up(
    channel: str, ok: Callable[..., str], ok_json: Callable[..., Any]
) -> None:
    assert ok("channel", "dropped", channel).startswith("Nothing was dropped")
    row = Channel.objects.get()
    for body in (b"first, no json", b"second, no json"):
        hook = HookRequest({}, "", body, clock.now())
        callbacks.store([callbacks.Verified(row.pk, hook, "receipts")])
    inbox.apply_waiting()

    shown = ok("channel", "dropped", channel)
    assert "The callback is not JSON." in shown
    assert "no json" not in shown
    assert "second, no json" in ok("channel", "dropped", channel, "--callbacks", "1")
    document = ok_json("channel", "dropped", channel, "--callbacks", "1")
    assert [(one["reason"], one["count"]) for one in document["reasons"]] == [
        ("The callback is not JSON.", 2)
    ]
    assert [one["body"] for one in document["callbacks"]] == ["second, no json"]


def test_prices_are_imported_shown_and_exported(
    ok: Callable[..., str], ok_json: Callable[..., Any], tmp_path: Path
) -> None:
    factory.channel("shop", "whatsapp", phone_number_id="1", token="EAA")
    assert "There are no prices yet" in ok("channel", "prices", "shop")
    file, copy = tmp_path / "rates.csv", tmp_path / "copy.csv"
    file.write_text("calling_code,category,price\n49,marketing,0.1131\n*,,0.05\n")
    assert ok("channel", "prices", "shop", "--import", str(file)).startswith("2 prices of shop")
    shown = ok("channel", "prices", "shop")
    assert "+49 (DE)" in shown
    assert "set the currency of the channel" in shown
    ok("channel", "prices", "shop", "--export", str(copy))
    assert copy.read_text().split() == file.read_text().split()
    assert ok_json("channel", "prices", "shop")["prices"][1] == {
        "calling_code": "*", "category": "", "price": "0.05"
    }  # fmt: skip
