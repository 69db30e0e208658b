"""The webhook kind: every message is a POST of JSON to one address, signed on request.

Signatures and the meaning of replies follow Standard Webhooks (kit.standard_webhooks), the header
Idempotency-Key follows draft-ietf-httpapi-idempotency-key-header-07.
"""

import time
from collections.abc import Iterable
from json.encoder import encode_basestring
from typing import ClassVar

from pydantic import BaseModel

from clarion.channels.catalogue import ListedError
from clarion.channels.contract import (
    Accepted,
    BadSignature,
    Event,
    HookRequest,
    Limits,
    Outcome,
    Outgoing,
    Reply,
)
from clarion.channels.fitting import ensure_fits
from clarion.channels.replies import as_http
from clarion.channels.webhook import ids, outcomes
from clarion.channels.webhook.config import WebhookConfig
from clarion.channels.webhook.events import events_of
from clarion.channels.webhook.outcomes import refused
from clarion.channels.webhook.requests import parts_of
from clarion.kit import standard_webhooks
from clarion.transport.messages import HttpReply, HttpRequest

_TEXT_LENGTH = 65_536
_TIMEOUT = 15.0  # seconds
_TIMEOUT_WITH_PARTS = 60.0  # an upload without an address makes a body of many megabytes
_ACCEPTED = Accepted()
_JSON = ("Content-Type", "application/json")


class WebhookKind:
    """Messages to any program that takes a POST."""

    kind: ClassVar[str] = "webhook"
    label: ClassVar[str] = "Webhook"
    account: ClassVar[str] = "a webhook of your own"
    summary: ClassVar[str] = "Posts every message as JSON to a URL of yours."
    limits: ClassVar[Limits] = Limits(
        rate=None,
        text_length=_TEXT_LENGTH,
        receipts=frozenset({"delivered", "read", "failed"}),
        idempotent=True,
        inbound=True,
        opt_outs=frozenset({"link", "reported"}),
        media=frozenset({"image", "file"}),
        buttons=frozenset({"link", "reply"}),
        most_buttons=100,
        templates=True,
        caption_length=_TEXT_LENGTH,
        titled=True,
    )
    id_titles: ClassVar[tuple[str, ...]] = ids.TITLES
    Config: ClassVar[type[BaseModel]] = WebhookConfig

    def __init__(self, config: WebhookConfig) -> None:
        secret = config.secret.get_secret_value()
        self.idempotent = config.idempotent
        self._url = config.url
        self._allow_private = config.allow_private
        self._key = standard_webhooks.key_of(secret)
        self._secrets = (secret, self._key.decode("utf-8", "replace"))

    @staticmethod
    def listed_errors() -> Iterable[ListedError]:
        """The errors of its tables."""
        return outcomes.listed_errors()

    @staticmethod
    def user_id(text: str) -> str:
        """Any text that the receiver knows a person by. Raises BadIdError."""
        return ids.user_id(text)

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
            raw = b"".join([body.encode("utf-8", "replace"), *parts_of(message), b"}"])
            timeout = _TIMEOUT_WITH_PARTS
        else:
            raw = f"{body}}}".encode("utf-8", "replace")
            timeout = _TIMEOUT
        headers: tuple[tuple[str, str], ...] = (_JSON, ("Idempotency-Key", message.id))
        if self._key:
            headers += self._signature(message.id, raw)
        return HttpRequest("POST", self._url, headers, raw, timeout, self._allow_private)

    def outcome(self, reply: Reply) -> Outcome:
        """2xx is accepted, whatever the body: receipts refer to our own id."""
        if isinstance(reply, HttpReply) and 200 <= reply.status <= 299:
            return _ACCEPTED
        return refused(as_http(reply), self._secrets, idempotent=self.idempotent)

    def check(self) -> HttpRequest:
        """OPTIONS: any POST would be a message, and GET may do something behind the address."""
        return HttpRequest(
            "OPTIONS", self._url, timeout=_TIMEOUT, allow_private=self._allow_private
        )

    def checked(self, reply: Reply) -> str:
        """That something answers is all that can be known without sending a message.

        Raises ValueError for a redirect and for server errors; 404 and 405 are what many
        receivers answer to everything but a POST.
        """
        status = as_http(reply).status
        if 300 <= status <= 399:
            raise ValueError(
                f"The receiver redirects ({status}). Set the URL that it redirects to."
            )
        if status >= 500:
            raise ValueError(
                f"The receiver answered {status}. Find the error there, then check again."
            )
        return (
            f"The receiver can be reached (it answered {status} to OPTIONS). Nothing was sent: "
            "send a test message to see whether it accepts messages."
        )

    def verify(self, hook: HookRequest) -> None:
        """Standard Webhooks with the channel's secret; without a secret nothing is believed."""
        if not self._key:
            raise BadSignature("This channel has no secret, so it accepts no callbacks.")
        try:
            standard_webhooks.verify(self._key, hook.headers, hook.body, hook.received_at)
        except standard_webhooks.SignatureError as wrong:
            raise BadSignature(str(wrong)) from None

    def events(self, hook: HookRequest) -> Iterable[Event]:
        """Receipts, messages of people, and who opted out; unknown types tell nothing."""
        return events_of(hook, self._secrets)

    def _signature(self, message_id: str, body: bytes) -> tuple[tuple[str, str], ...]:
        now = int(time.time())
        return (
            ("webhook-id", message_id),
            ("webhook-timestamp", str(now)),
            ("webhook-signature", standard_webhooks.sign(self._key, message_id, now, body)),
        )
