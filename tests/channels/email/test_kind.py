"""The e-mail kind. What servers' replies mean is in test_outcomes.py."""

from typing import Any

import pytest
from pydantic import ValidationError

from channels.email.fixtures import OWN, PASSWORD, make
from clarion.channels.contract import Outgoing, Refusal, Refused, RegistersWebhook, Unsendable
from clarion.channels.mailing.mailboxes import mailbox
from clarion.channels.settings import SettingsError, merge_settings, parse_settings
from clarion.transport.messages import ImapReply, SmtpReply


def test_a_message() -> None:
    kind = make(port=465, security="tls", **dict.fromkeys(OWN, ""))
    request = kind.request(Outgoing("a-1", 3, "anna@example.org", "Hi"))
    assert (request.host, request.port, request.security) == ("smtp.example.org", 465, "tls")
    assert (request.username, request.password) == ("clarion-user", PASSWORD)
    assert (request.sender, request.recipient) == ("news@example.org", "anna@example.org")
    assert request.allow_private
    assert b"To: anna@example.org\r\n" in request.message  # nobody knows the name
    assert request.ehlo == ""


@pytest.mark.parametrize(
    "ehlo", ["mail.example.org", " a-b.example ", "[192.0.2.1]", "[IPv6:2001:db8::1]"]
)
def test_the_name_for_the_server_is_a_setting(ehlo: str) -> None:
    request = make(ehlo=ehlo).request(Outgoing("a-1", 3, "anna@example.org", "Hi"))
    assert request.ehlo == ehlo.strip()


@pytest.mark.parametrize(
    "ehlo", ["localhost", "a b.example", "a.example\r\nRSET", "-a.example", "a" * 300]
)
def test_no_name_for_the_server(ehlo: str) -> None:
    with pytest.raises(ValueError, match="full name"):
        make(ehlo=ehlo)


@pytest.mark.parametrize(
    ("address", "taken"),
    [
        ("anna@example.org", "anna@example.org"),
        (" anna@example.org", None),
        ("Anna.Berg+x@EXAMPLE.org", "Anna.Berg+x@example.org"),
        ("anna!500@example.org", "anna!500@example.org"),
        ("anna@büro.example", "anna@xn--bro-hoa.example"),
        ("änna@example.org", "änna@example.org"),
        ("änna@büro.example", "änna@xn--bro-hoa.example"),
        ("anna@localhost", "anna@localhost"),
        ("anna@relay.local", "anna@relay.local"),
        ("Anna <anna@example.org>", None),
        ("anna@example.org, bob@example.org", None),
        ("anna@example.org\r\nRCPT TO:<x@example.org>", None),
        ("anna@example.org\x00", None),
        ("anna", None),
        ("@example.org", None),
        ("anna@", None),
        ("anna@[192.0.2.1]", None),
        ("", None),
        ("a" * 65 + "@example.org", None),
        ("a\ud800@example.org", None),
    ],
)
def test_addresses(address: str, taken: str | None) -> None:
    if taken is not None:
        assert mailbox(address) == taken
        assert make().request(Outgoing("a-1", 3, address, "Hi")).recipient == taken
        return
    with pytest.raises(ValueError, match="not an e-mail address"):
        mailbox(address)
    with pytest.raises(Unsendable, match="not an e-mail address"):
        make().request(Outgoing("a-1", 3, address, "Hi"))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"host": "https://smtp.example.org"}, "only the name of the server"),
        ({"host": "smtp.example.org:587"}, "only the name of the server"),
        ({"host": ""}, "only the name of the server"),
        ({"port": 0}, "greater than or equal to 1"),
        ({"port": 65536}, "less than or equal to 65535"),
        ({"security": "ssl"}, "'none', 'starttls' or 'tls'"),
        ({"username": ""}, "password but no user name"),
        ({"sender": "News"}, "News <news@example.org>"),
        ({"sender": "News <news>"}, "News <news@example.org>"),
        ({"sender": "a@example.org, b@example.org"}, "News <news@example.org>"),
        ({"sender": "News\r\nBcc: x@example.org <news@example.org>"}, "News <news@example.org>"),
        ({"sender": "a<b>c <news@example.org>"}, "News <news@example.org>"),
        ({"sender": ""}, "News <news@example.org>"),
    ],
)
def test_settings_that_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        make(**settings)


def test_no_log_in_is_fine() -> None:
    request = make(username="", password="").request(Outgoing("a-1", 3, "anna@example.org", "Hi"))
    assert (request.username, request.password) == ("", "")


def test_check_says_what_was_seen() -> None:
    kind = make()
    assert kind.check().recipient == ""
    assert kind.checked(SmtpReply("check", 250, "2.0.0 Ok")) == (
        "The mail server can be reached, and the login works. Nothing was sent."
    )
    assert "without a login" in make(username="", password="").checked(SmtpReply("check", 250, ""))
    with pytest.raises(ValueError, match=r"refused the login \(535: .*invalid\)"):
        kind.checked(SmtpReply("auth", 535, "5.7.8 Authentication credentials invalid"))
    with pytest.raises(ValueError, match=r"refused the connection \(554\)"):
        kind.checked(SmtpReply("connect", 554, ""))


OAUTH = {
    "oauth_login": "both",
    "oauth_token_url": "https://login.example.org/token",
    "oauth_client_id": "app",
    "oauth_client_secret": "s3cret of the app",
    "oauth_refresh_token": "1//refresh",
}


@pytest.mark.parametrize(
    ("login", "smtp", "mailbox"),
    [("none", False, False), ("both", True, True), ("smtp", True, False), ("mailbox", False, True)],
)
def test_what_logs_in_with_a_token_is_a_setting(login: str, smtp: bool, mailbox: bool) -> None:
    kind = make(**{**OWN, **OAUTH, "oauth_login": login})
    assert (kind.check().oauth is not None, kind.fetch("").oauth is not None) == (smtp, mailbox)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"oauth_token_url": ""}, "token URL, client ID and client secret"),
        ({"oauth_client_id": ""}, "token URL, client ID and client secret"),
        ({"oauth_client_secret": ""}, "token URL, client ID and client secret"),
        ({"oauth_refresh_token": ""}, "without a refresh token needs a scope"),
        ({"oauth_token_url": "http://login.example.org/token"}, "Use an https:// URL"),
        ({"oauth_token_url": "ftp://x"}, "http"),
        ({"oauth_login": "none", "password": ""}, "Choose what Clarion logs in to"),
        ({"username": "", "password": ""}, "needs the user name"),
        ({**dict.fromkeys(OWN, ""), "oauth_login": "mailbox"}, "there is none"),
        ({"oauth_login": "yes"}, "'none', 'both', 'smtp' or 'mailbox'"),
    ],
)
def test_settings_of_oauth_that_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        make(**{**OAUTH, **changes})


@pytest.mark.parametrize("changed", ["host", "bounce_host", "oauth_token_url"])
def test_secrets_are_not_sent_to_another_server_unless_they_are_typed_again(changed: str) -> None:
    mailbox = {**OWN, "bounce_password": ""}
    login = {"host": "smtp.example.org", "username": "news", "sender": "news@example.org"}
    old = parse_settings("email", {**mailbox, **login, **OAUTH})
    with pytest.raises(SettingsError) as refused:
        merge_settings("email", old, {changed: "https://b.example/t" if "url" in changed else "b"})
    assert set(refused.value.fields) == {"oauth_client_secret", "oauth_refresh_token"}


def test_passwords_may_be_used_again_and_oauth_after_that() -> None:
    login = {"host": "smtp.example.org", "username": "news", "sender": "news@example.org"}
    old = parse_settings("email", {**login, **OAUTH})
    password = merge_settings("email", old, {"oauth_login": "none", "password": PASSWORD})
    assert make(**password).check().oauth is None
    again = merge_settings("email", password, {"oauth_login": "both"})
    assert make(**again).check().oauth == make(**{**login, **OAUTH}).check().oauth


def test_a_refused_token_is_told_apart_from_a_wrong_password() -> None:
    text = "5.7.139 SmtpClientAuthentication is disabled for s3cret of the app"
    reply = SmtpReply("auth", 535, text)
    kind = make(**OWN, **OAUTH)
    outcome = kind.outcome(reply)
    assert isinstance(outcome, Refused)
    assert outcome.refusal is Refusal.MISCONFIGURED
    with pytest.raises(ValueError, match=r"refused the access token \(535: .*Check the user name"):
        kind.checked(reply)
    with pytest.raises(ValueError, match=r"mailbox server refused the access token: AUTH.* Check"):
        kind.further_checked(ImapReply("login", "AUTHENTICATE failed"))
    for words in (outcome.reason, repr(kind.check()), repr(kind.fetch(""))):
        assert "s3cret" not in words
        assert "1//refresh" not in words
    assert "access token" in outcome.reason


def test_nobody_calls_back() -> None:
    assert not isinstance(make(), RegistersWebhook)
