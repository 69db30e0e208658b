"""The fields of Mailgun's own client, and the examples of documentation.mailgun.com.

The examples: …/user-manual/webhooks/webhook-payloads. The values of fields that are not read are
left out, and the addresses are short.
"""

import json
from datetime import UTC, datetime
from typing import Any

from channels.fixtures import NOW
from channels.published import Documented, Parts, Published
from clarion.channels.contract import AddressReport, HookRequest, OptOut, Receipt
from clarion.transport.messages import HttpRequest
from clarion_simulator import multipart

_PAGE = "https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-payloads"
_MESSAGE = "20130503182626.18666.16540@sample.mailgun.com"
_PERSON = "alice@example.com"
_AT = datetime(2019, 2, 14, 20, 17, 2, tzinfo=UTC)
_NO_BOUNCE = "Not delivering to previously bounced address"


def _form(request: HttpRequest) -> Parts:
    assert request.url.endswith("/messages.mime")
    fields, files = multipart.read(dict(request.headers)["Content-Type"].encode(), request.body)
    assert not fields.keys() & files.keys()
    sent = {name: file.data.decode("latin-1") for name, file in files.items()}
    return [("MailgunMessageData", fields | sent)]


def _posted(event: str, **fields: Any) -> HookRequest:
    data = {
        "id": "CPgfbmQMTCKtHW6uIWtuVe", "timestamp": 1550175422.108194, "event": event,
        "log-level": "info", "recipient": _PERSON, "recipient-domain": "example.com",
        "tags": ["my_tag_1", "my_tag_2"], "campaigns": [],
        "user-variables": {"my_var_1": "Mailgun Variable #1", "my-var-2": "awesome"},
        "message": {
            "headers": {
                "to": f"Alice <{_PERSON}>", "message-id": _MESSAGE,
                "from": "Bob <bob@sample.mailgun.com>", "subject": "Test webhook",
            },
            "attachments": [], "size": 111,
        },
        **fields,
    }  # fmt: skip
    signature = {"token": "f1b2", "timestamp": "1550175422", "signature": "9fa2"}
    body = json.dumps({"signature": signature, "event-data": data}).encode()
    return HookRequest({}, "", body, NOW)


def _failed(reason: str, severity: str, code: int, message: str, description: str) -> HookRequest:
    status = {
        "attempt-no": 1, "message": message, "code": code, "description": description,
        "session-seconds": 0.0,
    }  # fmt: skip
    return _posted(
        "failed",
        severity=severity,
        reason=reason,
        **{"delivery-status": status, "log-level": "error"},
    )


PUBLISHED = Published(
    kind="mailgun",
    request=_form,
    documented=(
        Documented(
            f"{_PAGE}#delivered",
            _posted(
                "delivered",
                **{"delivery-status": {"code": 250, "message": "OK", "mx-host": "a.example"}},
            ),
            (Receipt("delivered", _AT, _MESSAGE),),
        ),
        Documented(
            f"{_PAGE}#permanent-failure",
            _failed("suppress-bounce", "permanent", 605, "", _NO_BOUNCE),
            (
                Receipt(
                    "failed", _AT, _MESSAGE, None,
                    f"The message bounced (suppress-bounce): {_NO_BOUNCE}.", "605",
                    unreachable=True,
                ),
                AddressReport(
                    _PERSON, "hard_bounce", _AT,
                    f"The message bounced (suppress-bounce): {_NO_BOUNCE}.",
                ),
            ),
        ),
        Documented(
            f"{_PAGE}#spam-complaints",
            _posted("complained"),
            (AddressReport(_PERSON, "complaint", _AT, "complained"),),
        ),
        Documented(
            f"{_PAGE}#unsubscribes",
            _posted("unsubscribed", ip="50.56.129.169"),
            (OptOut(_PERSON, "opted_out", _AT),),
        ),
    ),
)  # fmt: skip
