"""Callbacks of Twilio."""

from dataclasses import replace

import pytest

from channels.fixtures import NOW
from channels.twilio.fixtures import DELIVERED, SID, STATUS_URL, URL, WRITTEN, got, make, signed
from clarion.channels.contract import (
    BadSignature,
    CallbackAnswer,
    HookRequest,
    Ignored,
    Inbound,
    OptOut,
    Receipt,
)


def events(hook: HookRequest, **settings: object) -> list[object]:
    kind = make(**settings)
    kind.verify(hook)
    return list(kind.events(hook))


def test_a_status_names_the_sid_and_our_own_id() -> None:
    hook = signed(DELIVERED, url=STATUS_URL)
    assert events(hook) == [Receipt("delivered", NOW, SID, "abc-17")]
    assert events(signed(DELIVERED)) == [Receipt("delivered", NOW, SID)]


@pytest.mark.parametrize("status", ["accepted", "queued", "sending", "sent"])
def test_what_comes_before_delivery_is_no_news(status: str) -> None:
    assert events(signed({**DELIVERED, "MessageStatus": status})) == []


def test_a_failure_has_its_reason() -> None:
    (receipt,) = events(signed({**DELIVERED, "MessageStatus": "undelivered", "ErrorCode": "30005"}))
    assert isinstance(receipt, Receipt)
    assert (receipt.status, receipt.code, receipt.unreachable) == ("failed", "30005", True)
    assert receipt.reason.endswith(".")
    (receipt,) = events(signed({**DELIVERED, "MessageStatus": "undelivered", "ErrorCode": "30003"}))
    assert isinstance(receipt, Receipt)
    assert not receipt.unreachable, "a phone that is off today may be on tomorrow"


@pytest.mark.parametrize("code", ["", "x", "9" * 30, "٣", "45678"])
def test_any_error_code_has_a_sentence(code: str) -> None:
    (receipt,) = events(signed({**DELIVERED, "MessageStatus": "failed", "ErrorCode": code}))
    assert isinstance(receipt, Receipt)
    assert receipt.reason.endswith(".")


def test_an_opt_out_that_only_twilio_knew_is_taken_over() -> None:
    fields = {**DELIVERED, "MessageStatus": "failed", "ErrorCode": "21610"}
    opt_out, receipt = events(signed(fields))
    assert opt_out == OptOut("16505551234", "opted_out", NOW)
    assert isinstance(receipt, Receipt)
    assert (receipt.code, receipt.unreachable) == ("21610", True)


def test_a_get_has_everything_in_its_query() -> None:
    inbound, opt_out = events(got(WRITTEN))
    assert isinstance(inbound, Inbound)
    assert (inbound.sender, inbound.text) == ("16505551234", "Stop!")
    assert isinstance(opt_out, OptOut)


@pytest.mark.parametrize(
    ("kind", "text", "state"),
    [("STOP", "ARRET ALLES", "opted_out"), ("START", "Ja, wieder", "active")],
)
def test_words_of_advanced_opt_out_count(kind: str, text: str, state: str) -> None:
    _, change = events(signed({**WRITTEN, "Body": text, "OptOutType": kind}))
    assert change == OptOut("16505551234", state, NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "answers_help", "answered"),
    [
        ({"Body": "HELP"}, True, True),
        ({"Body": "Hilfe"}, True, False),  # Twilio's own words are English
        ({"Body": "HELP"}, False, False),
        ({"Body": "Hilfe", "OptOutType": "HELP"}, False, True),
        ({"Body": "Hello"}, True, False),
    ],
)
def test_help_is_not_answered_twice(
    fields: dict[str, str], answers_help: bool, answered: bool
) -> None:
    (inbound,) = events(signed({**WRITTEN, **fields}), answers_help=answers_help)
    assert isinstance(inbound, Inbound)
    assert inbound.answered is answered


def test_a_picture_is_named() -> None:
    fields = {**WRITTEN, "Body": "", "NumMedia": "1", "MediaContentType0": "image/jpeg"}
    (inbound,) = events(signed(fields))
    assert isinstance(inbound, Inbound)
    assert inbound.payload == {"media": "image"}


def test_other_senders_are_ignored() -> None:
    (event,) = events(signed({**WRITTEN, "From": "whatsapp:+16505551234"}))
    assert isinstance(event, Ignored)


def test_nothing_is_sent_in_return() -> None:
    answer = make().answer(signed(WRITTEN))
    assert answer == CallbackAnswer(
        b'<?xml version="1.0" encoding="UTF-8"?><Response/>', "text/xml"
    )


def test_the_port_may_be_in_the_signed_url() -> None:
    hook = signed(WRITTEN, url="https://clarion.example:443/hooks/7/")
    make().verify(replace(hook, url=URL))
    make().verify(replace(signed(WRITTEN), url="https://clarion.example:443/hooks/7/"))
    with pytest.raises(BadSignature):
        make().verify(replace(hook, url="https://clarion.example:8443/hooks/7/"))


def test_the_signature_of_twilios_documentation() -> None:
    """The example of https://www.twilio.com/docs/usage/security#validating-requests."""
    body = (
        b"CallSid=CA1234567890ABCDE&Caller=%2B12349013030&Digits=1234&From=%2B12349013030"
        b"&To=%2B18005551212"
    )
    hook = HookRequest(
        {"x-twilio-signature": "0/KCTR6DLpKmkAf8muzZqo1nDgQ="},
        "foo=1&bar=2",
        body,
        NOW,
        "https://mycompany.com/myapp.php?foo=1&bar=2",
    )
    make(auth_token="12345").verify(hook)
