"""The Amazon SES subset: SendEmail and GetAccount of API 2, and its events through SNS.

Forms as https://docs.aws.amazon.com/ses/latest/APIReference-V2 and /sns/latest/api give them. As
there: no idempotency; the tag `clarion-id` of a message comes back in its events, and is the key in
the log. A webhook URL has to be confirmed before events are sent there. What SNS sends is signed
with a key of this process; its certificate is at /ses/sns/. Signatures of requests are not
verified.
"""

import json
import secrets
from base64 import b64decode
from binascii import Error
from functools import partial
from time import time
from typing import Any
from urllib.parse import parse_qs, quote

from clarion_simulator.callbacks import Call
from clarion_simulator.desk import Desk
from clarion_simulator.mail_api import INVALID, UNAUTHORIZED, Sent, moment, object_of, settle
from clarion_simulator.mail_files import files_in, parts_of
from clarion_simulator.sns import CERTIFICATE, certificate, signed
from clarion_simulator.wire import Connection, Handler, http_reply, json_reply

PREFIX = "/ses"
TOPIC = "arn:aws:sns:eu-central-1:000000000000:rehearsal"  # of events to callback_url
_BOUNCES = {"failed": ("Transient", "MailboxFull"), "bounce": ("Permanent", "General")}


class Ses:
    """Serves /ses/v2/email/outbound-emails, /ses/v2/email/account and /ses/sns/."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._asked: dict[str, tuple[str, str]] = {}  # token -> topic and URL
        self._topic, self._url = TOPIC, ""  # confirmed last
        self._root = ""  # where this server was called

    def handler(self, path: str, query: str) -> Handler:
        """The handler for one address."""
        return partial(self._call, path.removeprefix(PREFIX), query)

    def _call(self, path: str, query: str, conn: Connection) -> None:
        proof = conn.headers.get(b"authorization", b"")
        self._root = f"http://{conn.headers.get(b'host', b'').decode('latin-1')}{PREFIX}"
        if path == f"/sns/{CERTIFICATE}":
            conn.answer(http_reply(200, certificate().decode()))
        elif path == "/sns/" and conn.method == b"GET":
            self._confirm(query, conn)
        elif not proof.startswith(b"AWS4-HMAC-SHA256 Credential=") or b"REVOKED" in proof:
            channel = self.desk.log.channel("ses", "unauthorized")
            self.desk.log.add(channel, UNAUTHORIZED, conn.received, "")
            conn.answer(_error(403, "UnrecognizedClientException", "The token is invalid."))
        elif path == "/v2/email/outbound-emails" and conn.method == b"POST":
            self._send(conn)
        elif path == "/v2/email/account":
            quota = {"Max24HourSend": 50_000.0, "MaxSendRate": 14.0, "SentLast24Hours": 0.0}
            conn.answer(
                json_reply(
                    200,
                    {"SendQuota": quota, "SendingEnabled": True, "ProductionAccessEnabled": True},
                )
            )
        elif path == "/sns/":
            self._subscribe(conn)
        else:
            conn.answer(_error(404, "NotFoundException", "There is no such address."))

    def _subscribe(self, conn: Connection) -> None:
        fields = {name: values[0] for name, values in parse_qs(bytes(conn.body).decode()).items()}
        token = secrets.token_hex(16)
        topic, url = fields.get("TopicArn", ""), fields.get("Endpoint", "")
        self._asked[token] = (topic, url)
        body = {
            "Type": "SubscriptionConfirmation",
            "MessageId": token,
            "Token": token,
            "TopicArn": topic,
            "Message": "You have chosen to subscribe to the topic.",
            "SubscribeURL": "https://sns.simulated.example/",
            "Timestamp": moment(time()),
        }
        self.desk.caller.add(0, Call(url, self._signed(body), "sns"))
        xml = "<SubscribeResponse><SubscribeResult/></SubscribeResponse>"
        conn.answer(http_reply(200, xml))

    def _confirm(self, query: str, conn: Connection) -> None:
        fields = parse_qs(query)
        asked = self._asked.pop(fields.get("Token", [""])[0], None)
        if asked is None or fields.get("Action") != ["ConfirmSubscription"]:
            conn.answer(http_reply(400, "<ErrorResponse/>"))
            return
        self._topic, self._url = asked
        conn.answer(http_reply(200, "<ConfirmSubscriptionResponse/>"))

    def _send(self, conn: Connection) -> None:
        fields = object_of(conn)
        channel = self.desk.log.channel("ses", str(fields.get("FromEmailAddress", "")))
        to = next(iter((fields.get("Destination") or {}).get("ToAddresses") or []), "")
        try:
            mime = b64decode(fields["Content"]["Raw"]["Data"], validate=True)
        except (KeyError, TypeError, Error):
            mime = b""
        if not to or not mime:
            self.desk.log.add(channel, INVALID, conn.received, str(to))
            conn.answer(_error(400, "BadRequestException", "The message is incomplete."))
            return
        tags = {tag["Name"]: [tag["Value"]] for tag in fields.get("EmailTags") or []}
        message_id = f"{secrets.token_hex(8)}-{secrets.token_hex(4)}-000000"
        mail = {"messageId": message_id, "destination": [to], "tags": tags,
                "timestamp": moment(time())}  # fmt: skip
        url = self._url
        if not url and self.desk.behaviour.callback_url:
            key = quote(self.desk.behaviour.callback_secret or "", safe="")
            url = f"{self.desk.behaviour.callback_url}?key={key}"
        sent = Sent(
            to,
            tags.get("clarion-id", [""])[0],
            mime.decode("utf-8", "replace"),
            json_reply(200, {"MessageId": message_id}),
            url,
            partial(self._report, url, self._topic, to, mail),
            parts_of(files_in(mime)),
        )
        settle(self.desk, channel, conn, sent, _errors(self.desk.behaviour.retry_after))

    def _report(
        self, url: str, topic: str, to: str, mail: dict[str, Any], kind: str, delay: float
    ) -> Call | None:
        happened = moment(time() + delay)
        if kind == "delivered":
            event: dict[str, Any] = {
                "eventType": "Delivery", "delivery": {"timestamp": happened, "recipients": [to]},
            }  # fmt: skip
        elif kind == "complaint":
            about = {"complainedRecipients": [{"emailAddress": to}], "timestamp": happened,
                     "complaintFeedbackType": "abuse"}  # fmt: skip
            event = {"eventType": "Complaint", "complaint": about}
        elif kind in _BOUNCES:
            bounce_type, sub_type = _BOUNCES[kind]
            person = {"emailAddress": to, "diagnosticCode": "simulated failure"}
            about = {"bounceType": bounce_type, "bounceSubType": sub_type,
                     "bouncedRecipients": [person], "timestamp": happened}  # fmt: skip
            event = {"eventType": "Bounce", "bounce": about}
        else:
            return None  # opens are not asked for
        body = {"Type": "Notification", "MessageId": secrets.token_hex(16), "TopicArn": topic,
                "Message": json.dumps({**event, "mail": mail}), "Timestamp": happened}  # fmt: skip
        return Call(url, self._signed(body), to)

    def _signed(self, body: dict[str, str]) -> bytes:
        where = f"{self._root}/sns/{CERTIFICATE}"
        return json.dumps(signed({**body, "SigningCertURL": where})).encode()


def _errors(wait: int | None) -> dict[str, bytes]:
    refused = _error(400, "MessageRejected", "The message was refused.")
    return {
        "500": _error(500, "InternalFailure", "Internal failure."),
        "400": _error(400, "BadRequestException", "Missing final '@domain'"),
        "blocked": refused,
        "deactivated": refused,
        "429": _error(
            429, "TooManyRequestsException", "Maximum sending rate exceeded.",
            "" if wait is None else f"Retry-After: {wait}\r\n",
        ),
    }  # fmt: skip


def _error(status: int, name: str, message: str, headers: str = "") -> bytes:
    return http_reply(
        status,
        json.dumps({"message": message}),
        headers=f"x-amzn-ErrorType: {name}\r\n{headers}",
    )
