"""Amazon's model of SES and SNS, as its own client has it, and the examples of its events."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from channels.published import Documented, Parts, Published
from channels.ses.fixtures import sns
from clarion.channels.contract import AddressReport, HookRequest, Receipt
from clarion.transport.messages import HttpRequest

_PAGE = "https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-examples.html"
_CALLS = {
    "/v2/email/outbound-emails": "SendEmailRequest",
    "/v2/email/outbound-bulk-emails": "SendBulkEmailRequest",
}
_MESSAGE = "EXAMPLE7c191be45-e9aedb9a-02f9-4d12-a87d-dd0099a07f8a-000000"
_PERSON = "recipient@example.com"
_BOUNCED = "The message bounced (Permanent General): smtp; 550 5.1.1 user unknown."


def _body(request: HttpRequest) -> Parts:
    path = request.url.removeprefix("https://").partition("/")[2]
    if name := _CALLS.get(f"/{path}"):
        return [(name, json.loads(request.body))]
    fields = dict(parse_qsl(request.body.decode(), strict_parsing=True))
    assert fields.pop("Version") == "2010-03-31"
    return [(f"{fields.pop('Action')}Input", fields)]


def _event(kind: str, **about: Any) -> HookRequest:
    mail = {
        "timestamp": "2017-08-05T00:40:02.012Z",
        "source": "Sender Name <sender@example.com>",
        "sourceArn": "arn:aws:ses:us-east-1:123456789012:identity/sender@example.com",
        "sendingAccountId": "123456789012",
        "messageId": _MESSAGE,
        "destination": [_PERSON],
        "headersTruncated": False,
        "headers": [{"name": "To", "value": _PERSON}],
        "commonHeaders": {"to": [_PERSON], "subject": "Message sent from Amazon SES"},
        "tags": {"ses:configuration-set": ["ConfigSet"], "ses:from-domain": ["example.com"]},
    }
    return sns(json.dumps({"eventType": kind, "mail": mail, **about}))


PUBLISHED = Published(
    kind="ses",
    request=_body,
    documented=(
        Documented(
            f"{_PAGE}#event-publishing-retrieving-sns-bounce",
            _event(
                "Bounce",
                bounce={
                    "bounceType": "Permanent", "bounceSubType": "General",
                    "bouncedRecipients": [
                        {
                            "emailAddress": _PERSON, "action": "failed", "status": "5.1.1",
                            "diagnosticCode": "smtp; 550 5.1.1 user unknown",
                        }
                    ],
                    "timestamp": "2017-08-05T00:41:02.669Z",
                    "feedbackId": "01000157c44f053b-61b59c11-9236-11e6-8f96-7be8aexample-000000",
                    "reportingMTA": "dsn; mta.example.com",
                },
            ),
            (
                Receipt(
                    "failed", datetime(2017, 8, 5, 0, 41, 2, 669_000, UTC), _MESSAGE, None,
                    _BOUNCED, "Permanent", unreachable=True,
                ),
                AddressReport(
                    _PERSON, "hard_bounce", datetime(2017, 8, 5, 0, 41, 2, 669_000, UTC), _BOUNCED
                ),
            ),
        ),
        Documented(
            f"{_PAGE}#event-publishing-retrieving-sns-complaint",
            _event(
                "Complaint",
                complaint={
                    "complainedRecipients": [{"emailAddress": _PERSON}],
                    "timestamp": "2017-08-05T00:41:02.669Z",
                    "feedbackId": "01000157c44f053b-61b59c11-9236-11e6-8f96-7be8aexample-000000",
                    "userAgent": "Mozilla/5.0", "complaintFeedbackType": "abuse",
                    "arrivalDate": "2017-08-05T00:41:02.669Z",
                },
            ),
            (
                AddressReport(
                    _PERSON, "complaint", datetime(2017, 8, 5, 0, 41, 2, 669_000, UTC), "abuse"
                ),
            ),
        ),
        Documented(
            f"{_PAGE}#event-publishing-retrieving-sns-delivery",
            _event(
                "Delivery",
                delivery={
                    "timestamp": "2016-10-19T23:21:04.133Z", "processingTimeMillis": 11893,
                    "recipients": [_PERSON], "smtpResponse": "250 2.6.0 Message received",
                    "reportingMTA": "mta.example.com",
                },
            ),
            (Receipt("delivered", datetime(2016, 10, 19, 23, 21, 4, 133_000, UTC), _MESSAGE),),
        ),
        Documented(
            f"{_PAGE}#event-publishing-retrieving-sns-reject",
            _event("Reject", reject={"reason": "Bad content"}),
            (
                Receipt(
                    "failed", datetime(2026, 11, 22, 11, 59, 58, 675_000, UTC), _MESSAGE, None,
                    "SES rejected the message: Bad content.", "Reject",
                ),
            ),
        ),
        Documented(
            f"{_PAGE}#event-publishing-retrieving-sns-failure",
            _event(
                "Rendering Failure",
                failure={"errorMessage": "Attribute 'name' is not present.", "templateName": "T"},
            ),
            (
                Receipt(
                    "failed", datetime(2026, 11, 22, 11, 59, 58, 675_000, UTC), _MESSAGE, None,
                    "SES could not render the message.", "Rendering Failure",
                ),
            ),
        ),
    ),
)  # fmt: skip
