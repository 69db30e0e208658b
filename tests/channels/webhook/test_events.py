"""What a receiver's callbacks report."""

import pytest

from channels.fixtures import NOW
from channels.webhook.fixtures import make, signed
from clarion.channels.contract import (
    Inbound,
    OptOut,
    Receipt,
)

URL = "https://receiver.example/messages"


@pytest.mark.parametrize("status", ["delivered", "read", "failed"])
def test_receipts_carry_our_own_id(status: str) -> None:
    body = {
        "type": f"message.{status}",
        "timestamp": "2026-11-22T11:59:30+00:00",
        "data": {"id": "abc-17"},
    }
    (event,) = make().events(signed(body))
    assert isinstance(event, Receipt)
    assert event.status == status
    assert event.message_id == "abc-17"
    assert event.external_id is None


def test_a_failure_has_a_reason_for_people() -> None:
    def reason(data: dict[str, str]) -> str:
        (event,) = make().events(signed({"type": "message.failed", "data": {"id": "a", **data}}))
        assert isinstance(event, Receipt)
        return event.reason

    assert (
        reason({"reason": "phone 4915112345678 is off"}) == "The receiver reported: phone … is off."
    )
    assert reason({}) == "The receiver reported a failure."


def test_a_person_writes() -> None:
    data = {"id": 9, "from": 42, "text": "Hi\x00 there", "name": "Anna", "language": "de"}
    (event,) = make().events(signed({"type": "message.received", "data": data}))
    assert event == Inbound("42", "9", "Hi there", NOW, "Anna", "de")


def test_a_message_without_an_id_of_its_own_is_known_by_the_callbacks_id() -> None:
    (event,) = make().events(signed({"type": "message.received", "data": {"from": "anna"}}))
    assert isinstance(event, Inbound)
    assert event.external_id == "msg_1"


def test_stop_opts_out_and_start_comes_back() -> None:
    def events(text: str) -> list[object]:
        data = {"id": "1", "from": "anna", "text": text}
        return list(make().events(signed({"type": "message.received", "data": data})))

    assert events("STOP")[1:] == [OptOut("anna", "opted_out", NOW)]
    assert events("start")[1:] == [OptOut("anna", "active", NOW)]
    assert events("hello")[1:] == []


@pytest.mark.parametrize("name", ["from", "to"])
def test_a_person_opts_out_elsewhere(name: str) -> None:
    body = {
        "type": "contact.opted_out",
        "timestamp": "2020-01-01T00:00:00Z",
        "data": {name: "anna"},
    }
    (event,) = make().events(signed(body))
    assert isinstance(event, OptOut)
    assert (event.sender, event.state, event.at.year) == ("anna", "opted_out", 2020)


@pytest.mark.parametrize(
    "body",
    [
        {"type": "message.read", "data": {}},
        {"type": "message.read", "data": {"id": ""}},
        {"type": "message.read", "data": {"id": "x" * 201}},
        {"type": "message.read", "data": {"id": "a\nb"}},
        {"type": "message.read", "data": {"id": {"a": 1}}},
        {"type": "message.received", "data": {"id": "1"}},
        {"type": "contact.opted_out"},
        {"type": 3},
    ],
)
def test_a_callback_that_lacks_what_it_needs_is_an_error(body: object) -> None:
    with pytest.raises(ValueError, match=r"needs data|no type"):
        make().events(signed(body))


def test_a_callback_from_the_future_happened_now() -> None:
    body = {"type": "message.read", "timestamp": "2999-01-01T00:00:00Z", "data": {"id": "a"}}
    (event,) = make().events(signed(body))
    assert event.at == NOW
