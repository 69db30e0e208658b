"""Settings as people type them."""

from itertools import groupby

import pytest

from channels.email.fixtures import PASSWORD
from channels.telegram.fixtures import TOKEN as TELEGRAM_TOKEN
from channels.webhook.fixtures import SECRET as WEBHOOK_SECRET
from clarion.channels.errors import SettingsError, UnknownKind
from clarion.channels.groups import ADVANCED
from clarion.channels.registry import KINDS
from clarion.channels.settings import config_fields, merge_settings, parse_settings, shown

URL = "https://receiver.example/messages"
NO_USER = "There is a password but no user name. Fill in both or neither."
NO_BASE64 = "What follows “whsec_” must be base64. Copy the secret again."


def test_typed_values_become_what_is_stored() -> None:
    typed = {"url": f" {URL}\n", "idempotent": "true", "allow_private": "no", "secret": ""}
    assert parse_settings("webhook", typed) == {
        "url": URL,
        "secret": "",
        "idempotent": True,
        "allow_private": False,
    }


def test_secrets_are_stored_as_they_are() -> None:
    stored = parse_settings(
        "email", {"host": "h", "username": "u", "password": PASSWORD, "sender": "a@b.example"}
    )
    assert stored["password"] == PASSWORD
    assert (stored["port"], stored["security"]) == (587, "starttls")


def test_telegram_gets_a_webhook_secret_of_its_own() -> None:
    first, second = (parse_settings("telegram", {"token": TELEGRAM_TOKEN}) for _ in range(2))
    assert len(first["webhook_secret"]) >= 40
    assert first["webhook_secret"] != second["webhook_secret"]


@pytest.mark.parametrize(
    ("kind", "typed", "fields"),
    [
        ("webhook", {}, {"url": "Fill this in."}),
        ("webhook", {"url": " "}, {"url": "Fill this in."}),
        (
            "webhook",
            {"url": "x", "idempotent": "maybe", "colour": "red"},
            {
                "url": "The address must begin with https:// or http://.",
                "idempotent": "Write true or false.",
                "colour": "There is no such setting. Use one of: "
                "url, secret, idempotent, allow_private.",
            },
        ),
        ("webhook", {"url": URL, "secret": "whsec_!"}, {"secret": NO_BASE64}),
        (
            "telegram",
            {"token": "x"},
            {"token": "A token looks like 123456:ABC…. Copy it again from @BotFather."},
        ),
        (
            "email",
            {"host": "h", "sender": "a@b.example", "port": "many", "security": "ssl"},
            {
                "port": "Write a whole number.",
                "security": "Choose one of: 'none', 'starttls' or 'tls'.",
            },
        ),
        (
            "email",
            {"host": "h", "sender": "a@b.example", "port": "0"},
            {"port": "It must be 1 or more."},
        ),
        (
            "email",
            {"host": "h", "sender": "a@b.example", "port": "70000"},
            {"port": "It must be 65535 or less."},
        ),
        ("email", {"host": "h", "sender": "a@b.example", "password": "x"}, {"": NO_USER}),
    ],
)
def test_every_wrong_setting_gets_a_sentence(
    kind: str, typed: dict[str, str], fields: dict[str, str]
) -> None:
    with pytest.raises(SettingsError) as error:
        parse_settings(kind, typed)
    assert error.value.fields == fields
    for name, sentence in fields.items():
        assert (f"{name}: {sentence}" if name else sentence) in str(error.value)


def test_an_error_shows_no_secret() -> None:
    with pytest.raises(SettingsError) as error:
        parse_settings("telegram", {"token": "123456/secret-part", "webhook_secret": "hush hush"})
    assert "secret-part" not in str(error.value)
    assert "hush" not in str(error.value)


def test_a_kind_that_does_not_exist() -> None:
    with pytest.raises(UnknownKind, match=", ".join(KINDS)):
        parse_settings("pigeon", {})


def test_a_secret_left_empty_keeps_its_value() -> None:
    old = parse_settings("webhook", {"url": URL, "secret": WEBHOOK_SECRET, "idempotent": "true"})
    new = merge_settings("webhook", old, {"url": f"{URL}/2", "secret": " "})
    assert new == {**old, "url": f"{URL}/2"}
    assert merge_settings("webhook", old, {"secret": "new"})["secret"] == "new"


def test_any_other_setting_left_empty_goes_back_to_its_default() -> None:
    old = parse_settings("webhook", {"url": URL, "idempotent": "true"})
    assert merge_settings("webhook", old, {"idempotent": ""})["idempotent"] is False
    with pytest.raises(SettingsError, match="url: Fill this in"):
        merge_settings("webhook", old, {"url": ""})


def test_a_setting_that_no_longer_exists_is_dropped_on_saving() -> None:
    assert "gone" not in merge_settings("webhook", {"url": URL, "gone": 1}, {})


def test_what_a_form_needs_to_know() -> None:
    fields = {field.name: field for field in config_fields("email")}
    assert list(fields)[:6] == ["host", "port", "security", "username", "password", "sender"]
    assert fields["host"].required
    assert (fields["port"].type, fields["port"].default) == ("number", "587")
    assert fields["security"].type == "choice"
    assert fields["security"].choices == ("none", "starttls", "tls")
    assert fields["security"].default == "starttls"
    assert (fields["password"].type, fields["password"].secret) == ("secret", True)
    assert fields["password"].default == ""
    assert config_fields("webhook")[2].type == "switch"
    assert config_fields("webhook")[2].default == "false"


def test_a_form_never_shows_a_secret() -> None:
    stored = parse_settings("webhook", {"url": URL, "secret": WEBHOOK_SECRET})
    assert shown("webhook", stored) == {"url": URL, "idempotent": "false", "allow_private": "false"}


@pytest.mark.parametrize(
    ("kind", "stored", "typed", "asked"),
    [
        ("telegram", {"token": TELEGRAM_TOKEN}, {"api_root": "https://evil.example"}, {"token"}),
        (
            "whatsapp",
            {"token": "EAAG", "phone_number_id": "1"},
            {"api_root": "http://127.0.0.1:9/v26.0", "allow_private": "true"},
            {"token"},
        ),
        ("webhook", {"url": URL, "secret": "s"}, {"url": "https://evil.example/"}, {"secret"}),
        ("webhook", {"url": URL, "secret": "s"}, {"url": URL.replace("https", "http")}, {"secret"}),
        *[
            (
                "email",
                {"host": "h", "username": "u", "password": PASSWORD, "sender": "a@b.example"},
                typed,
                {"password"},
            )
            for typed in ({"host": "evil.example"}, {"port": "25"}, {"security": "none"})
        ],
    ],
)
def test_a_secret_goes_nowhere_else_unless_it_is_typed_again(
    kind: str, stored: dict[str, str], typed: dict[str, str], asked: set[str]
) -> None:
    old = parse_settings(kind, stored)
    values = {**dict.fromkeys(asked, ""), **typed}
    for attempt in (typed, values):
        with pytest.raises(SettingsError) as refused:
            merge_settings(kind, old, attempt)
        assert set(refused.value.fields) == asked
        assert "Enter it again" in str(refused.value)
    again = {name: stored[name] for name in asked}
    assert shown(kind, merge_settings(kind, old, {**typed, **again})).items() >= typed.items()


def test_a_secret_that_is_made_up_is_made_anew_for_another_server() -> None:
    old = parse_settings("telegram", {"token": TELEGRAM_TOKEN})
    moved = {"api_root": "https://bots.example", "token": TELEGRAM_TOKEN, "webhook_secret": ""}
    assert merge_settings("telegram", old, moved)["webhook_secret"] != old["webhook_secret"]
    stays = {"token": "", "api_root": old["api_root"]}
    assert merge_settings("telegram", old, stays) == old


def test_without_a_secret_nothing_is_asked() -> None:
    old = parse_settings("webhook", {"url": URL})
    assert merge_settings("webhook", old, {"url": "https://new.example/"})["secret"] == ""


# Secrets that sign or prove something here, and are sent to nobody.
KEPT_HERE = {
    "whatsapp": {"app_secret"},
    "messenger": {"app_secret", "verify_token"},
    "instagram": {"app_secret", "verify_token"},
    "email": {"dkim_key"},
    "webpush": {"private_key", "profile_secret", "webhook_secret"},
    "vonage": {"webhook_secret"},
    "slack": {"webhook_secret"},
    "mailgun": {"webhook_secret"},
    "line": {"secret"},
    "vk": {"webhook_secret"},
}


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_says_where_its_secrets_go(kind: str) -> None:
    """Each secret is sent to an address of the settings, or to nobody."""
    kept_here = KEPT_HERE.get(kind, set())
    fields = config_fields(kind)
    received = {name for field in fields for name in field.receives}
    assert {field.name for field in fields if field.secret} == received | kept_here


@pytest.mark.parametrize("kind", KINDS)
def test_settings_come_in_groups_with_the_necessary_ones_first(kind: str) -> None:
    fields = config_fields(kind)
    groups = [group for group, _ in groupby(field.group for field in fields)]
    assert len(groups) == len(set(groups))
    assert groups[0] == ""
    assert ADVANCED not in groups[:-1]
    assert not [field.name for field in fields if field.required and field.group]
    for field in fields:
        assert set(field.labels) in (set(), set(field.choices)), field.name
