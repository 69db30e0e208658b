"""What Mailgun's callbacks report; the events are those of its documentation."""

from typing import Any

import pytest

from channels.fixtures import JUST_BEFORE, reply
from channels.mailgun.fixtures import MESSAGE_ID, OPTED_OUT, event, failed, make, signed
from clarion.channels.contract import AddressReport, Event, Receipt


def events(data: dict[str, Any]) -> list[Event]:
    return list(make().events(signed(data)))


def test_a_delivery_is_a_receipt_by_both_ids() -> None:
    assert events(event("delivered")) == [Receipt("delivered", JUST_BEFORE, MESSAGE_ID, "abc-17")]


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("generic", "5.1.1 whatever"),
        ("bounce", "5.2.2 Mailbox full"),
        ("bounce", "5.7.1 Message looks like spam"),
        ("bounce", "550 5.1.8 Sender address rejected: Domain not found"),
        ("bounce", "5.5.2 Syntax error"),
        ("old", "Too old"),
    ],
)
def test_what_is_no_hard_bounce_only_fails_the_message(reason: str, message: str) -> None:
    (receipt,) = events(failed(reason, message))
    assert isinstance(receipt, Receipt)
    assert (receipt.status, receipt.unreachable) == ("failed", False)


@pytest.mark.parametrize(
    ("reason", "message"),
    [("bounce", "5.1.1 No such user"), ("bounce", "550 no"), ("suppress-bounce", "Not delivering")],
)
def test_a_hard_bounce_also_reports_the_address(reason: str, message: str) -> None:
    receipt, report = events(failed(reason, message))
    assert isinstance(receipt, Receipt)
    assert receipt.unreachable
    assert isinstance(report, AddressReport)
    assert (report.address, report.cause) == ("anna@example.org", "hard_bounce")


def test_complaints_and_unsubscribes() -> None:
    complaint = AddressReport("anna@example.org", "complaint", JUST_BEFORE, "complained", "abc-17")
    assert events(event("complained")) == [complaint]
    assert events(event("unsubscribed")) == [OPTED_OUT]
    _, report = events(failed("suppress-complaint", "Not delivering"))
    assert isinstance(report, AddressReport)
    assert report.cause == "complaint"
    assert events(failed("suppress-unsubscribe", "Not delivering"))[1] == OPTED_OUT


def test_a_rejected_message_failed() -> None:
    (receipt,) = events(event("rejected", reject={"reason": "Rate limited", "description": ""}))
    assert isinstance(receipt, Receipt)
    assert receipt.reason == "Mailgun rejected the message: Rate limited."


def test_check_says_whether_the_domain_may_send() -> None:
    kind = make()
    assert kind.check().url == "https://api.mailgun.net/v4/domains/mg.example.org"
    good = reply(200, {"domain": {"name": "mg.example.org", "state": "active"}})
    assert "domain is verified" in kind.checked(good)
    with pytest.raises(ValueError, match="“unverified”"):
        kind.checked(reply(200, {"domain": {"name": "mg.example.org", "state": "unverified"}}))
    with pytest.raises(ValueError, match="sending key can't be checked"):
        kind.checked(reply(401, b"Forbidden"))
