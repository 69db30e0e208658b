"""What SES reports; the events are those of its documentation."""

import json

import pytest

from channels.fixtures import JUST_BEFORE
from channels.ses.fixtures import MESSAGE_ID, bounce, complaint, delivery, event, make, sns
from clarion.channels.contract import AddressReport, Event, OptOut, Receipt


def events(message: str) -> list[Event]:
    return list(make().events(sns(message)))


def test_a_delivery_is_a_receipt_by_both_ids() -> None:
    assert events(delivery()) == [Receipt("delivered", JUST_BEFORE, MESSAGE_ID, "abc-17")]


def test_a_notification_of_an_identity_has_only_the_id_of_ses() -> None:
    of_identity = json.loads(delivery())
    of_identity["notificationType"] = of_identity.pop("eventType")
    del of_identity["mail"]["tags"]
    assert events(json.dumps(of_identity)) == [Receipt("delivered", JUST_BEFORE, MESSAGE_ID, None)]


@pytest.mark.parametrize("kind", ["Transient", "Undetermined"])
def test_a_soft_bounce_only_fails_the_message(kind: str) -> None:
    (receipt,) = events(bounce(kind, "MailboxFull"))
    assert isinstance(receipt, Receipt)
    assert (receipt.status, receipt.unreachable) == ("failed", False)


def test_a_permanent_bounce_also_reports_the_address() -> None:
    _, report = events(bounce("Permanent", "OnAccountSuppressionList"))
    assert isinstance(report, AddressReport)
    assert (report.address, report.cause) == ("anna@example.org", "hard_bounce")
    _, opt_out = events(bounce("Permanent", "UnsubscribedRecipient"))
    assert opt_out == OptOut("anna@example.org", "opted_out", JUST_BEFORE)


def test_a_complaint_is_no_failure_of_the_message() -> None:
    assert events(complaint()) == [
        AddressReport("anna@example.org", "complaint", JUST_BEFORE, "abuse", "abc-17")
    ]


def test_what_ses_did_not_send_failed() -> None:
    (rejected,) = events(event("Reject", reject={"reason": "Bad content"}))
    assert isinstance(rejected, Receipt)
    assert rejected.reason == "SES rejected the message: Bad content."
    (rendering,) = events(event("Rendering Failure", failure={"errorMessage": "x"}))
    assert isinstance(rendering, Receipt)
    assert rendering.status == "failed"
