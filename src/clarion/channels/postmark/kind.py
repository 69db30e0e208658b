"""The Postmark kind: e-mail through Postmark's API.

Postmark has no idempotency key: https://postmarkapp.com/developer/api/email-api has no such field.
Our id is in the Metadata of each message and comes back in its callbacks, which resolve what is in
doubt.
"""

import hmac
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar
from urllib.parse import quote

from pydantic import BaseModel

from clarion.channels.catalogue import ListedError, listed
from clarion.channels.contract import (
    BadSignature,
    Event,
    HookRequest,
    Limits,
    Outcome,
    Outgoing,
    Reply,
)
from clarion.channels.mailing.files import MB
from clarion.channels.mailing.kind import API_LIMITS, MailKind
from clarion.channels.mailing.mailboxes import sender_of
from clarion.channels.payloads import text
from clarion.channels.postmark.config import PostmarkConfig
from clarion.channels.postmark.events import events_of
from clarion.channels.postmark.outcomes import ERRORS, outcome_of, refused
from clarion.channels.postmark.requests import REFUSED_FILES, email_of, webhook_of
from clarion.channels.replies import as_http, json_object
from clarion.transport.messages import HttpRequest

WEBHOOK_USER = "clarion"
_TIMEOUT = 30.0  # seconds
_TIMEOUT_WHEN_LARGE = 60.0
_LARGE = 1_000_000  # bytes


class PostmarkKind(MailKind):
    """E-mail through Postmark."""

    kind: ClassVar[str] = "postmark"
    label: ClassVar[str] = "Postmark"
    account: ClassVar[str] = "a Postmark server"
    summary: ClassVar[str] = "Sends e-mail through the API of Postmark."
    # Postmark publishes no rate. 10 MB with attachments, after base64:
    # https://postmarkapp.com/support/article/1056-what-are-the-attachment-and-email-size-limits
    limits: ClassVar[Limits] = replace(API_LIMITS, mail_size=10 * MB, refused_files=REFUSED_FILES)
    Config: ClassVar[type[BaseModel]] = PostmarkConfig

    def __init__(self, config: PostmarkConfig) -> None:
        self._config = config
        self._sender = sender_of(config.sender)
        token = config.token.get_secret_value()
        self._password = config.webhook_secret.get_secret_value()
        self._secrets = (token, self._password)
        self._headers = (
            ("Content-Type", "application/json"),
            ("Accept", "application/json"),
            ("X-Postmark-Server-Token", token),
        )

    @staticmethod
    def listed_errors() -> Iterable[ListedError]:
        """The errors of its table."""
        return listed(ERRORS)

    def request(self, message: Outgoing) -> HttpRequest:
        """POST /email. Raises Unsendable for what an e-mail can't have."""
        _, mail = self.built(message, self._sender, self._config.reply_to)
        files = (*mail.parts.inline, *mail.parts.attached)
        body = email_of(mail.without_files, files, message.id, self._config.stream)
        return self._call("POST", "/email", body)

    def outcome(self, reply: Reply) -> Outcome:
        """Accepted is 200 with ErrorCode 0 and a MessageID."""
        return outcome_of(as_http(reply), self._secrets)

    def check(self) -> HttpRequest:
        """Ask for the message stream, which shows that the token is good and the stream exists."""
        return self._call("GET", f"/message-streams/{quote(self._config.stream, safe='')}")

    def checked(self, reply: Reply) -> str:
        """Which stream it is. Raises ValueError when the token or the stream is wrong."""
        http = as_http(reply)
        answer = json_object(http.body)
        if http.status == 200 and answer.get("ID") == self._config.stream:
            kind = text(answer.get("MessageStreamType"), 40)
            advice = (
                " Postmark wants newsletters in a stream of the type Broadcasts."
                if kind == "Transactional"
                else ""
            )
            return f"The token is valid and the message stream exists.{advice}"
        if http.status == 404 or (http.status == 422 and "ErrorCode" in answer):
            raise ValueError("Postmark knows no such message stream. Check its id.")
        raise ValueError(refused(http, answer, self._secrets).reason)

    def register(self, hook_url: str) -> HttpRequest:
        """POST /webhooks for deliveries, bounces, complaints and unsubscribes of the stream."""
        if not self._password:
            raise ValueError("Set a webhook password on this channel first.")
        body = webhook_of(hook_url, self._config.stream, WEBHOOK_USER, self._password)
        return self._call("POST", "/webhooks", body)

    def registered(self, reply: Reply) -> str:
        """That callbacks will come. Raises ValueError with what Postmark has against the URL."""
        http = as_http(reply)
        answer = json_object(http.body)
        if http.status == 200 and "ID" in answer:
            return "Postmark now reports deliveries, bounces and complaints to this server."
        raise ValueError(refused(http, answer, self._secrets).reason)

    def verify(self, hook: HookRequest) -> None:
        """Basic auth with the webhook password: Postmark does not sign."""
        expected = b64encode(f"{WEBHOOK_USER}:{self._password}".encode())
        stated = hook.headers.get("authorization", "").removeprefix("Basic ")
        if not self._password or not hmac.compare_digest(
            expected, stated.encode("utf-8", "replace")
        ):
            raise BadSignature("The webhook password is missing or wrong.")

    def events(self, hook: HookRequest) -> Iterable[Event]:
        """Deliveries, bounces, complaints and unsubscribes."""
        return events_of(hook)

    def _call(self, method: str, path: str, body: bytes = b"") -> HttpRequest:
        config = self._config
        timeout = _TIMEOUT if len(body) < _LARGE else _TIMEOUT_WHEN_LARGE
        url = f"{config.api_root}{path}"
        return HttpRequest(method, url, self._headers, body, timeout, config.allow_private)
