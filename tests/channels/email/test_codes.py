"""The code that proves which message a bounce is about."""

import pytest
from django.test import override_settings

from channels.email.fixtures import OWN, make, sent_mail
from clarion.channels.email.codes import code_of, codes_in, message_of, with_code

KEY = "another-key-0123456789-abcdefghijklmnopqrstuvwxyz"


def test_a_code_names_its_message_and_can_not_be_changed() -> None:
    code = code_of("k3x9-1204-2")
    assert message_of(code) == message_of(code.upper()) == "k3x9-1204-2"
    assert message_of(code.replace("1204", "1205")) == ""
    assert message_of("k3x9-1204-2") == message_of("") == ""
    assert code_of("no id of ours") == ""


def test_codes_outlive_a_new_secret_key() -> None:
    code = code_of("abc-17")
    from django.conf import settings

    with override_settings(SECRET_KEY=KEY, SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        assert message_of(code) == "abc-17"
        assert code_of("abc-17") != code
    with override_settings(SECRET_KEY=KEY, SECRET_KEY_FALLBACKS=[]):
        assert message_of(code) == ""


def test_a_code_is_in_the_bounce_address_where_there_is_room() -> None:
    code = code_of("abc-17")
    address = with_code("bounces@example.org", code)
    assert codes_in(f"<{address}>, bounces@example.org", "bounces@example.org") == [code]
    assert codes_in(address, "bounces@example.com") == []
    long = f"{'b' * 60}@example.org"
    assert with_code(long, code) == long  # RFC 5321 4.5.3.1.1: 64 characters


@pytest.mark.parametrize(
    ("settings", "sender", "has_header"),
    [
        ({}, "news@example.org", False),
        ({"bounce_address": "b@example.org"}, "b@example.org", False),  # nobody would read it
        ({**OWN, "bounce_codes": False}, "bounces@example.org", True),
        ({**OWN, "bounce_address": ""}, "news@example.org", True),
    ],
)
def test_messages_carry_codes_only_where_they_are_read(
    settings: dict[str, object], sender: str, has_header: bool
) -> None:
    from clarion.channels.contract import Outgoing

    changes = {**dict.fromkeys(OWN, ""), **settings}
    request = make(**changes).request(Outgoing("abc-17", 3, "anna@example.org", "Hello"))
    assert request.sender == sender
    assert (b"X-Clarion-Message: " in request.message) is has_header


def test_each_message_has_a_bounce_address_of_its_own() -> None:
    first, second = sent_mail("abc-17"), sent_mail("abc-18")
    assert first.sender.startswith("bounces+abc-17-")
    assert first.sender != second.sender
