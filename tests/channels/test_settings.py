"""Settings as people type them."""

import pytest

from channels.email.fixtures import PASSWORD
from channels.telegram.fixtures import TOKEN as TELEGRAM_TOKEN
from channels.webhook.fixtures import SECRET as WEBHOOK_SECRET
from clarion.channels.errors import SettingsError, UnknownKind
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
    with pytest.raises(UnknownKind, match="webhook, telegram, whatsapp, email"):
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
    assert list(fields) == ["host", "port", "security", "username", "password", "sender"]
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
