"""Amazon SES: what its API answers, and its events through SNS."""

import json
from base64 import b64decode
from dataclasses import replace
from typing import Any

from channels.fixtures import HTML, JUST_BEFORE, NOW, Case, reply, texts_of
from channels.rehearsal import SECRET, Rehearsal
from clarion.channels.contract import AddressReport, HookRequest, Outgoing, Receipt, Refusal
from clarion.channels.ses.config import SesConfig
from clarion.channels.ses.kind import SesKind
from clarion.transport.messages import HttpReply, HttpRequest, SmtpReply
from clarion_simulator.ses import TOPIC as REHEARSED

SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYtestonlyKEY"
SESSION = "session-token-of-this-test"
PASSWORD = "webhook-key-of-this-test"
TOPIC = "arn:aws:sns:eu-central-1:123456789012:ses-events"
MESSAGE_ID = "00000138111222aa-33322211-cccc-cccc-cccc-ddddaaaa0680-000000"
BEFORE = "2026-11-22T11:59:55.000Z"


def sns(message: str, kind: str = "Notification", key: str = PASSWORD, **more: Any) -> HookRequest:
    """A message of SNS, at the webhook URL with this key."""
    body = {
        "Type": kind,
        "MessageId": "19ba9823-d7f2-53c1-860e-cb10e0d13dfc",
        "TopicArn": TOPIC,
        "Subject": "Amazon SES Email Event Notification",
        "Message": message,
        "Timestamp": "2026-11-22T11:59:58.675Z",
        "SignatureVersion": "1",
        "Signature": "EXAMPLE",
        "SigningCertURL": "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem",
        **more,
    }
    return HookRequest({}, f"key={key}", json.dumps(body).encode(), NOW)


def event(kind: str, **more: Any) -> str:
    """An event about our message, as the documentation shows them."""
    mail = {
        "timestamp": "2026-11-22T11:59:38.237Z",
        "source": "news@example.org",
        "messageId": MESSAGE_ID,
        "destination": ["Anna@example.org"],
        "tags": {"ses:configuration-set": ["news"], "clarion-id": ["abc-17"]},
    }
    return json.dumps({"eventType": kind, "mail": mail, **more})


def bounce(kind: str = "Permanent", sub_kind: str = "General", **more: Any) -> str:
    """A bounce."""
    person = {
        "emailAddress": "Anna@example.org",
        "status": "5.1.1",
        "action": "failed",
        "diagnosticCode": "smtp; 550 5.1.1 User unknown",
    }
    about: dict[str, Any] = {
        "bounceType": kind,
        "bounceSubType": sub_kind,
        "bouncedRecipients": [person],
        "timestamp": BEFORE,
        "feedbackId": "00000138111222aa-44455566-cccc-cccc-cccc-ddddaaaa068a-000000",
    }
    return event("Bounce", bounce={**about, **more})


def complaint(**more: Any) -> str:
    """A complaint."""
    about: dict[str, Any] = {
        "userAgent": "AnyCompany Feedback Loop (V0.01)",
        "complainedRecipients": [{"emailAddress": "anna@example.org"}],
        "complaintFeedbackType": "abuse",
        "timestamp": BEFORE,
    }
    return event("Complaint", complaint={**about, **more})


def delivery() -> str:
    """A delivery."""
    about = {"timestamp": BEFORE, "recipients": ["anna@example.org"], "smtpResponse": "250 ok"}
    return event("Delivery", delivery=about)


def error(status: int, name: str, message: str = "words") -> HttpReply:
    """An error as SES answers it."""
    return reply(status, {"message": message}, x_amzn_errortype=f"{name}:http://internal.amazon")


BOUNCED = "The message bounced (Permanent General): smtp; 550 5.1.1 User unknown."


def opened(request: HttpRequest) -> bytes:
    """A request with the texts of its e-mail instead of the encoded whole."""
    document = json.loads(request.body)
    raw = document["Content"]["Raw"]
    raw["Data"] = texts_of(b64decode(raw["Data"]))
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")


CASE = Case(
    opened=opened,
    kind="ses",
    settings={
        "access_key_id": "AKIAIOSFODNN7EXAMPLE",
        "secret_access_key": SECRET_KEY,
        "session_token": SESSION,
        "region": "eu-central-1",
        "configuration_set": "news",
        "topic_arn": TOPIC,
        "webhook_secret": PASSWORD,
        "sender": "News <news@example.org>",
    },
    secrets=(SECRET_KEY, SESSION, PASSWORD),
    message=Outgoing("abc-17", 3, "anna@example.org", "Hello Anna", "Spring", "Anna"),
    accepted=reply(200, {"MessageId": MESSAGE_ID}),
    user_ids={
        "anna@example.org": "anna@example.org",
        "Ada.L+x@Example.ORG": "ada.l+x@example.org",
    },
    bad_user_ids={"no e-mail address": ("no-at", "a@b")},
    id_columns={"id,name,Email": "Email", "Mail,phone": "Mail"},
    replies={
        "empty 200": (reply(200), Refusal.UNKNOWN),
        "cut JSON": (reply(200, b'{"MessageId":"0000'), Refusal.UNKNOWN),
        "200 without an id": (reply(200, {}), Refusal.UNKNOWN),
        "HTML 200": (reply(200, HTML), Refusal.UNKNOWN),
        "HTML 502": (reply(502, HTML), Refusal.UNKNOWN),
        "500": (error(500, "InternalFailure"), Refusal.UNKNOWN),
        "503": (error(503, "ServiceUnavailable"), Refusal.UNKNOWN),
        "429": (reply(429), Refusal.THROTTLED),
        "rate": (
            error(429, "TooManyRequestsException", "Maximum sending rate exceeded."),
            Refusal.THROTTLED,
        ),
        "throttling": (error(400, "ThrottlingException"), Refusal.THROTTLED),
        "quota": (
            error(429, "TooManyRequestsException", "Daily message quota exceeded."),
            Refusal.THROTTLED,
        ),
        "quota as a limit": (
            error(400, "LimitExceededException", "Daily message quota exceeded"),
            Refusal.THROTTLED,
        ),
        "suspended": (error(400, "AccountSuspendedException"), Refusal.MISCONFIGURED),
        "paused": (error(400, "SendingPausedException"), Refusal.MISCONFIGURED),
        "MAIL FROM": (error(400, "MailFromDomainNotVerifiedException"), Refusal.MISCONFIGURED),
        "no set": (error(404, "NotFoundException"), Refusal.MISCONFIGURED),
        "keys": (error(403, "UnrecognizedClientException"), Refusal.MISCONFIGURED),
        "signature": (error(403, "InvalidSignatureException"), Refusal.MISCONFIGURED),
        "expired": (error(403, "ExpiredTokenException"), Refusal.MISCONFIGURED),
        "denied": (error(403, "AccessDeniedException"), Refusal.MISCONFIGURED),
        "unknown 403": (error(403, "SomethingElse"), Refusal.MISCONFIGURED),
        "not verified": (
            error(400, "MessageRejected", "Email address is not verified. The following …"),
            Refusal.MISCONFIGURED,
        ),
        "rejected": (error(400, "MessageRejected", "Virus"), Refusal.REJECTED),
        "bad address": (
            error(400, "BadRequestException", "Missing final '@domain'"),
            Refusal.UNREACHABLE,
        ),
        "bad request": (error(400, "BadRequestException", "Bad tag"), Refusal.REJECTED),
        "type in the body": (
            reply(400, {"__type": "com.amazonaws#MessageRejected", "message": "x"}),
            Refusal.REJECTED,
        ),
        "unknown": (error(400, "Whatever"), Refusal.REJECTED),
        "too large": (reply(413), Refusal.REJECTED),
        "not SES": (reply(404, HTML), Refusal.MISCONFIGURED),
        "redirect": (reply(301, location="https://elsewhere.example"), Refusal.MISCONFIGURED),
        "another protocol": (SmtpReply("sent", 250, "Ok"), Refusal.UNKNOWN),
    },
    hook=lambda: sns(bounce()),
    told=(
        Receipt(
            "failed", JUST_BEFORE, MESSAGE_ID, "abc-17", BOUNCED, "Permanent", unreachable=True
        ),
        AddressReport("anna@example.org", "hard_bounce", JUST_BEFORE, BOUNCED, "abc-17"),
    ),
    others=(
        lambda: sns(delivery()),
        lambda: sns(complaint()),
        lambda: sns(bounce("Permanent", "UnsubscribedRecipient")),
        lambda: sns("You have chosen to subscribe", "SubscriptionConfirmation", Token="t-1"),
    ),
    forged={
        "another key": lambda: sns(bounce(), key="another-key-entirely"),
        "the empty key": lambda: sns(bounce(), key=""),
        "no key": lambda: replace(sns(bounce()), query=""),
        "another topic": lambda: sns(bounce(), TopicArn=f"{TOPIC}-of-others"),
        "not of SNS": lambda: replace(sns(bounce()), body=b"{}"),
    },
    unknown=tuple(
        sns(message).body
        for message in (
            event("Send", send={}),
            event("DeliveryDelay", deliveryDelay={"delayType": "MailboxFull"}),
            event("Open", open={}),
            complaint(complaintFeedbackType="not-spam"),
            json.dumps({"eventType": "Delivery"}),
            "Successfully validated SNS topic for Amazon SES event publishing.",
        )
    ),
    unpacked=lambda body: b64decode(json.loads(body)["Content"]["Raw"]["Data"]),
    rehearsal=Rehearsal(
        kind="ses",
        settings=lambda simulator: {
            "access_key_id": "AKIAIOSFODNN7EXAMPLE",
            "secret_access_key": SECRET_KEY,
            "region": "eu-central-1",
            "topic_arn": REHEARSED,
            "webhook_secret": SECRET,
            "sender": "News <news@example.org>",
            "api_root": f"{simulator.http_url}/ses",
            "allow_private": True,
        },
        recipient="anna@example.org",
        faulty="anna+{fault}@example.org",
        person=lambda number: f"person{number}@example.org",
        faults={
            "ok": "accepted",
            "slow": "accepted",
            "500": "unknown",
            "400": "unreachable",
            "blocked": "rejected",
            "deactivated": "rejected",
            "429": "throttled",
            "html502": "unknown",
            "empty": "unknown",
            "cut": "maybe sent",
            "cut-json": "unknown",
            "garbage": "maybe sent",
            "reset-after": "maybe sent",
            "reset-before": "maybe sent",
        },
        wait=7.0,
        good="access key is valid",
        wrong={"access_key_id": "AKIAREVOKEDEXAMPLE00"},
        bad="access key",
        keeps_external_id=True,
        logs_source=True,
    ),
)


def make(**changes: Any) -> SesKind:
    """The kind with the settings of its Case, or with these instead."""
    return SesKind(SesConfig.model_validate({**CASE.settings, **changes}))
