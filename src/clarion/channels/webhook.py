"""The webhook kind: every message is a POST of JSON to one address, signed on request.

Signatures and the meaning of replies follow Standard Webhooks (see standard_webhooks.py), the
header Idempotency-Key follows draft-ietf-httpapi-idempotency-key-header-07. Why a status is
classed as it is: docs/decisions/0005-outcome-classes.md.
"""

import time
from collections.abc import Iterable, Mapping
from json.encoder import encode_basestring
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from clarion.channels import payloads, standard_webhooks
from clarion.channels.contract import (
    Accepted,
    BadSignature,
    Event,
    HookRequest,
    Inbound,
    Limits,
    OptOut,
    Outcome,
    Outgoing,
    Receipt,
    Refusal,
    Refused,
    Reply,
)
from clarion.channels.fitting import ensure_fits
from clarion.channels.keywords import with_wish
from clarion.channels.replies import DEFAULT_WAIT, as_http, json_object, wait_seconds
from clarion.channels.webhook_parts import written
from clarion.channels.wording import tidy
from clarion.transport.errors import NotSent
from clarion.transport.head import parse_url
from clarion.transport.messages import HttpReply, HttpRequest

_TEXT_LENGTH = 65_536
_PATIENCE = 15.0  # seconds
_PATIENCE_WITH_PARTS = 60.0  # an upload without an address makes a body of many megabytes
_ACCEPTED = Accepted()
_JSON = ("Content-Type", "application/json")
# Envoy answers 503 also when the connection behind it broke in the middle of a request.
_ENVOY = b"upstream connect error or disconnect/reset before headers"
_CHECK_URL = "Check the address of this channel."
_MEANINGS: dict[int, tuple[Refusal, str]] = {
    401: (Refusal.MISCONFIGURED, "not authorised). Check the secret and address of this channel."),
    403: (Refusal.MISCONFIGURED, "forbidden). Check the secret and address of this channel."),
    404: (Refusal.MISCONFIGURED, f"not found). {_CHECK_URL}"),
    405: (Refusal.MISCONFIGURED, f"it takes no POST there). {_CHECK_URL}"),
    407: (Refusal.MISCONFIGURED, f"a proxy wants a log-in). {_CHECK_URL}"),
    408: (Refusal.RETRY, "it did not get the whole request in time)."),
    410: (Refusal.MISCONFIGURED, f"gone: it wants no more messages). {_CHECK_URL}"),
    425: (Refusal.RETRY, "too early)."),
    500: (Refusal.RETRY, "server error)."),
    501: (Refusal.MISCONFIGURED, f"it can't do this). {_CHECK_URL}"),
    502: (Refusal.UNKNOWN, "a gateway got no good answer from the server behind it)."),
    503: (Refusal.RETRY, "not available)."),
    504: (Refusal.UNKNOWN, "a gateway got no answer in time from the server behind it)."),
    505: (Refusal.MISCONFIGURED, f"it does not speak HTTP/1.1). {_CHECK_URL}"),
}
_MARKS: dict[str, tuple[Literal["blocked", "deactivated", "unreachable", "opted_out"], str]] = {
    "blocked": ("blocked", "The receiver says that this person blocked us."),
    "deactivated": ("deactivated", "The receiver says that this person's account is deactivated."),
    "unreachable": ("unreachable", "The receiver says that this person can't be reached."),
    "opted_out": ("opted_out", "The receiver says that this person opted out."),
}
_STATUSES: dict[str, Literal["delivered", "read", "failed"]] = {
    "message.delivered": "delivered",
    "message.read": "read",
    "message.failed": "failed",
}


class WebhookConfig(BaseModel):
    """What a webhook channel needs to know."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str = Field(
        title="Address",
        description="Every message is posted to it, for example https://example.org/messages.",
    )
    secret: SecretStr = Field(
        default=SecretStr(""),
        title="Secret",
        description="Signs the messages and proves the callbacks (Standard Webhooks): whsec_… or "
        "any text. Without one, messages are unsigned and callbacks are refused.",
    )
    idempotent: bool = Field(
        default=False,
        title="Drops repeated messages",
        description="Only when the receiver drops a message whose Idempotency-Key it has seen "
        "before: then a message whose fate is unknown is sent again, else it is in doubt.",
    )
    allow_private: bool = Field(
        default=False,
        title="Private address allowed",
        description="Allows a receiver in your own network or on this machine.",
    )

    @field_validator("url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        try:
            parse_url(value, allow_private=True)
        except NotSent as refused:
            raise ValueError(refused.reason) from None
        return value

    @field_validator("secret")
    @classmethod
    def _is_secret(cls, value: SecretStr) -> SecretStr:
        standard_webhooks.key_of(value.get_secret_value())
        return value


class WebhookKind:
    """Messages to any program that takes a POST."""

    kind: ClassVar[str] = "webhook"
    label: ClassVar[str] = "Webhook"
    summary: ClassVar[str] = "Posts every message as JSON to an address of yours."
    limits: ClassVar[Limits] = Limits(
        rate=None,
        text_length=_TEXT_LENGTH,
        receipts=frozenset({"delivered", "read", "failed"}),
        idempotent=True,
        media=frozenset({"image", "file"}),
        buttons=frozenset({"link", "reply"}),
        most_buttons=100,
        templates=True,
        caption_length=_TEXT_LENGTH,
    )
    Config: ClassVar[type[BaseModel]] = WebhookConfig

    def __init__(self, config: WebhookConfig) -> None:
        secret = config.secret.get_secret_value()
        self.idempotent = config.idempotent
        self._url = config.url
        self._allow_private = config.allow_private
        self._key = standard_webhooks.key_of(secret)
        self._secrets = (secret, self._key.decode("utf-8", "replace"))

    def request(self, message: Outgoing) -> HttpRequest:
        """The POST of one message. Empty fields are left out, other than the text.

        This is the engine's hottest function: f-strings take a quarter of what json.dumps takes.
        Raises Unsendable for a picture or a button that can be none.
        """
        text = encode_basestring
        body = (
            f'{{"id":{text(message.id)},"broadcast":{message.broadcast},'
            f'"to":{text(message.to)},"text":{text(message.text)}'
        )
        if message.title:
            body += f',"title":{text(message.title)}'
        if message.name:
            body += f',"name":{text(message.name)}'
        if message.unsubscribe_url:
            body += f',"unsubscribe_url":{text(message.unsubscribe_url)}'
        if message.media or message.buttons or message.template:
            ensure_fits(message, self.limits, self.label)
            raw = b"".join([body.encode("utf-8", "replace"), *written(message), b"}"])
            patience = _PATIENCE_WITH_PARTS
        else:
            raw = f"{body}}}".encode("utf-8", "replace")
            patience = _PATIENCE
        headers: tuple[tuple[str, str], ...] = (_JSON, ("Idempotency-Key", message.id))
        if self._key:
            headers += self._signature(message.id, raw)
        return HttpRequest("POST", self._url, headers, raw, patience, self._allow_private)

    def outcome(self, reply: Reply) -> Outcome:
        """2xx is accepted, whatever the body: receipts refer to our own id."""
        if isinstance(reply, HttpReply) and 200 <= reply.status <= 299:
            return _ACCEPTED
        return self._refused(as_http(reply))

    def check(self) -> HttpRequest:
        """OPTIONS: any POST would be a message, and GET may do something behind the address."""
        return HttpRequest("OPTIONS", self._url, allow_private=self._allow_private)

    def checked(self, reply: Reply) -> str:
        """That something answers is all that can be known without sending a message.

        Raises ValueError for a redirect and for server errors; 404 and 405 are what many
        receivers answer to everything but a POST.
        """
        status = as_http(reply).status
        if 300 <= status <= 399:
            raise ValueError(f"The receiver redirects ({status}). Set the address it redirects to.")
        if status >= 500:
            raise ValueError(
                f"The receiver answered {status}. Look for the fault there, then check again."
            )
        return (
            f"The receiver can be reached (it answered {status} to OPTIONS). Nothing was sent: "
            "send a test message to see whether it takes messages."
        )

    def verify(self, hook: HookRequest) -> None:
        """Standard Webhooks with the channel's secret; without a secret nothing is believed."""
        if not self._key:
            raise BadSignature("This channel has no secret, so it takes no callbacks.")
        standard_webhooks.verify(self._key, hook.headers, hook.body, hook.received_at)

    def events(self, hook: HookRequest) -> Iterable[Event]:
        """One JSON object {"type", "timestamp", "data"}; unknown types tell nothing.

        Raises ValueError for a body of another form, or where a known type lacks its data.
        """
        body = payloads.object_of(hook.body)
        kind, data = body.get("type"), payloads.part(body.get("data"))
        if not isinstance(kind, str):
            raise ValueError("The callback has no type.")
        at = payloads.moment(body.get("timestamp"), hook.received_at)
        if kind in _STATUSES:
            message_id = _needed(kind, data, "id")
            reason = self._reason(data) if kind == "message.failed" else ""
            return [Receipt(_STATUSES[kind], at, message_id=message_id, reason=reason)]
        if kind == "message.received":
            own_id = {"id": data.get("id") or hook.headers.get("webhook-id")}
            inbound = Inbound(
                sender=_needed(kind, data, "from"),
                external_id=_needed(kind, own_id, "id"),
                text=payloads.text(data.get("text")),
                at=at,
                name=payloads.text(data.get("name"), 200),
                language=payloads.text(data.get("language"), 35),
                button=payloads.text(data.get("button"), 256),
            )
            return with_wish(inbound)
        if kind == "contact.opted_out":
            return [OptOut(_needed(kind, data, "from", "to"), "opted_out", at)]
        return []

    def _signature(self, message_id: str, body: bytes) -> tuple[tuple[str, str], ...]:
        now = int(time.time())
        return (
            ("webhook-id", message_id),
            ("webhook-timestamp", str(now)),
            ("webhook-signature", standard_webhooks.sign(self._key, message_id, now, body)),
        )

    def _refused(self, reply: HttpReply) -> Refused:
        status, code = reply.status, str(reply.status)
        said = json_object(reply.body)
        if status == 429:
            wait = wait_seconds(reply, said.get("retry_after"))
            # It may mean this recipient only; the engine notices when it means everybody.
            return Refused(
                Refusal.THROTTLED,
                "The receiver asks us to wait (429, too many requests).",
                code,
                DEFAULT_WAIT if wait is None else wait,
                whole_channel=False,
            )
        if status == 503 and reply.body.startswith(_ENVOY):
            sentence = "The receiver answered 503 (the connection broke behind a gateway)."
            return Refused(Refusal.UNKNOWN, sentence, code)
        if status == 503 and (wait := wait_seconds(reply)) is not None:
            sentence = "The receiver asks us to wait (503, not available)."
            return Refused(Refusal.THROTTLED, sentence, code, wait)
        if 400 <= status <= 499 and str(said.get("recipient")) in _MARKS:
            mark, sentence = _MARKS[str(said["recipient"])]
            return Refused(Refusal.UNREACHABLE, sentence, code, mark=mark)
        if status == 409 and self.idempotent:
            sentence = "The receiver is still at work on an earlier try of this message (409)."
            return Refused(Refusal.UNKNOWN, sentence, code)
        if status in _MEANINGS:
            refusal, meaning = _MEANINGS[status]
            return Refused(refusal, f"The receiver answered {status} ({meaning}", code)
        if 300 <= status <= 399:
            sentence = f"The receiver redirects ({status}). Set the address it redirects to."
            return Refused(Refusal.MISCONFIGURED, sentence, code)
        if 400 <= status <= 499:
            return Refused(Refusal.REJECTED, self._rejection(status, said), code)
        sentence = (
            f"The receiver answered {status}, which does not tell whether it took the message."
        )
        return Refused(Refusal.UNKNOWN, sentence, code)

    def _rejection(self, status: int, said: dict[str, Any]) -> str:
        words = tidy(_words(said), self._secrets)
        tail = f": {words}" if words else ""
        return f"The receiver refused the message ({status}){tail}."

    def _reason(self, data: Mapping[str, Any]) -> str:
        words = tidy(payloads.text(data.get("reason")), self._secrets)
        return f"The receiver reported: {words}." if words else "The receiver reported a failure."


def _words(said: dict[str, Any]) -> str:
    """What an error reply says for people; the usual places, RFC 9457 among them."""
    for name in ("error", "message", "detail", "title", "reason"):
        value = said.get(name)
        if isinstance(value, dict):
            value = value.get("message")
        if isinstance(value, str) and value.strip():
            return value
    return ""


def _needed(kind: str, data: Mapping[str, Any], *names: str) -> str:
    found = next(filter(None, (payloads.identifier(data.get(name)) for name in names)), "")
    if not found:
        raise ValueError(f"A callback “{kind}” needs data.{' or data.'.join(names)}.")
    return found
