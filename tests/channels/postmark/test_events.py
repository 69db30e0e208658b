"""What Postmark's callbacks report; the records are those of its documentation."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from channels.fixtures import JUST_BEFORE, reply
from channels.postmark.fixtures import (
    MESSAGE_ID,
    OPTED_OUT,
    bounce,
    make,
    record,
    signed,
    subscription,
)
from clarion.channels.contract import AddressReport, Event, OptOut, Receipt


def events(body: dict[str, Any]) -> list[Event]:
    return list(make().events(signed(body)))


def test_a_delivery_is_a_receipt_by_both_ids() -> None:
    body = record("Delivery", DeliveredAt="2014-08-01T13:28:10.2735393-04:00", Details="Test")
    at = datetime(2014, 8, 1, 17, 28, 10, 273539, tzinfo=UTC)
    assert events(body) == [Receipt("delivered", at, MESSAGE_ID, "abc-17")]


@pytest.mark.parametrize("kind", ["SoftBounce", "SpamNotification", "Blocked", "DMARCPolicy"])
def test_a_soft_bounce_only_fails_the_message(kind: str) -> None:
    (receipt,) = events(bounce(kind))
    assert isinstance(receipt, Receipt)
    assert (receipt.status, receipt.unreachable, receipt.code) == ("failed", False, kind)


@pytest.mark.parametrize("kind", ["HardBounce", "BadEmailAddress", "ManuallyDeactivated"])
def test_a_hard_bounce_also_reports_the_address(kind: str) -> None:
    receipt, report = events(bounce(kind))
    assert isinstance(receipt, Receipt)
    assert receipt.unreachable
    assert isinstance(report, AddressReport)
    assert (report.address, report.cause) == ("anna@example.org", "hard_bounce")


@pytest.mark.parametrize(
    "body",
    [
        bounce("SpamComplaint"),
        bounce("SpamComplaint", RecordType="SpamComplaint", TypeCode=512),
        subscription(SuppressionReason="SpamComplaint"),
    ],
)
def test_a_complaint_is_no_failure_of_the_message(body: dict[str, Any]) -> None:
    assert events(body) == [
        AddressReport("anna@example.org", "complaint", JUST_BEFORE, "SpamComplaint", "abc-17")
    ]


def test_changes_of_postmarks_own_list() -> None:
    assert events(subscription()) == [OPTED_OUT]
    assert events(bounce("Unsubscribe")) == [OPTED_OUT]
    back = OptOut("anna@example.org", "active", JUST_BEFORE)
    assert events(subscription(SuppressSending=False, SuppressionReason=None)) == [back]
    (report,) = events(subscription(SuppressionReason="HardBounce"))
    assert isinstance(report, AddressReport)
    assert report.cause == "hard_bounce"


def test_check_says_which_stream_it_is() -> None:
    kind = make()
    assert kind.check().url == "https://api.postmarkapp.com/message-streams/broadcast"

    def checked(status: int, body: dict[str, Any]) -> str:
        return kind.checked(reply(status, body))

    good = {"ID": "broadcast", "ServerID": 1, "Name": "News", "MessageStreamType": "Broadcasts"}
    assert checked(200, good) == "The token is valid and the message stream exists."
    assert "newsletters" in checked(200, {**good, "MessageStreamType": "Transactional"})
    with pytest.raises(ValueError, match="no such message stream"):
        checked(422, {"ErrorCode": 1226, "Message": json.dumps("x")})
