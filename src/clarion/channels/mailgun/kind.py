"""The Mailgun kind: e-mail through Mailgun's API, as MIME.

Mailgun has no idempotency key. Our id is a variable of each message and comes back in its
callbacks, which resolve what is in doubt.
"""

import hmac
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from pydantic import BaseModel

from clarion.channels import payloads
from clarion.channels.catalogue import ListedError
from clarion.channels.contract import (
    BadSignature,
    Event,
    HookRequest,
    Limits,
    Outcome,
    Outgoing,
    Reply,
)
from clarion.channels.mailgun.config import ROOTS, MailgunConfig
from clarion.channels.mailgun.events import OUR_ID, events_of
from clarion.channels.mailgun.outcomes import BAD_KEY, WORDS, outcome_of, refused
from clarion.channels.mailing.files import MB
from clarion.channels.mailing.kind import API_LIMITS, MailKind
from clarion.channels.mailing.mailboxes import sender_of
from clarion.channels.multipart import form
from clarion.channels.replies import as_http, json_object
from clarion.kit.parts import Media
from clarion.transport.messages import HttpRequest

# Callbacks are tried for eight hours; nobody needs one that is older. What is replayed within that
# time changes nothing: each event is applied once.
REPLAY_BOUND = 12 * 3_600  # seconds
_TIMEOUT = 30.0  # seconds
_TIMEOUT_WHEN_LARGE = 60.0
_LARGE = 1_000_000  # bytes


class MailgunKind(MailKind):
    """E-mail through Mailgun."""

    kind: ClassVar[str] = "mailgun"
    label: ClassVar[str] = "Mailgun"
    account: ClassVar[str] = "a sending domain at Mailgun"
    summary: ClassVar[str] = "Sends e-mail through the API of Mailgun."
    # Mailgun has rate limits, and publishes none. 25 MB: the same page as at ``request``, and
    # https://documentation.mailgun.com/en/latest/api-sending.html
    limits: ClassVar[Limits] = replace(API_LIMITS, mail_size=25 * MB)
    Config: ClassVar[type[BaseModel]] = MailgunConfig

    def __init__(self, config: MailgunConfig) -> None:
        self._config = config
        self._sender = sender_of(config.sender)
        self._root = config.api_root or ROOTS[config.region]
        key = config.api_key.get_secret_value()
        self._signing_key = config.webhook_secret.get_secret_value()
        login = b64encode(f"api:{key}".encode()).decode()
        self._secrets = (key, self._signing_key, login)
        self._authorization = ("Authorization", f"Basic {login}")

    @staticmethod
    def listed_errors() -> Iterable[ListedError]:
        """The errors of its table."""
        return [ListedError(*row) for row in WORDS]

    def request(self, message: Outgoing) -> HttpRequest:
        """POST messages.mime. Raises Unsendable for what an e-mail can't have.

        https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages
        """
        recipient, mail = self.built(message, self._sender, self._config.reply_to)
        # Clarion tracks links itself, and Mailgun's pixel would be counted for nobody.
        fields = {"to": recipient, f"v:{OUR_ID}": message.id, "o:tracking": "no"}
        data = mail.head + mail.tail
        kind, body = form(fields, "message", Media("file", "", "message.mime", "", data))
        timeout = _TIMEOUT if len(body) < _LARGE else _TIMEOUT_WHEN_LARGE
        url = f"{self._root}/v3/{self._config.domain}/messages.mime"
        headers = (("Content-Type", kind), self._authorization)
        return HttpRequest("POST", url, headers, body, timeout, self._config.allow_private)

    def outcome(self, reply: Reply) -> Outcome:
        """Accepted is 200 with the message's id."""
        return outcome_of(as_http(reply), self._secrets)

    def check(self) -> HttpRequest:
        """Ask for the domain."""
        url = f"{self._root}/v4/domains/{self._config.domain}"
        allow_private = self._config.allow_private
        return HttpRequest("GET", url, (self._authorization,), b"", _TIMEOUT, allow_private)

    def checked(self, reply: Reply) -> str:
        """That the domain may send. Raises ValueError when key, domain or region are wrong."""
        http = as_http(reply)
        answer = json_object(http.body)
        domain = payloads.part(answer.get("domain"))
        if http.status == 200 and domain:
            state = payloads.text(domain.get("state"), 30)
            if state == "active":
                return "The API key is valid and the domain is verified."
            raise ValueError(
                f"Mailgun lists the domain as “{state or 'unknown'}”. Verify it there first."
            )
        if http.status in (401, 403):
            raise ValueError(
                f"{BAD_KEY} A sending key can't be checked: it may only send, and is good if "
                "messages arrive."
            )
        raise ValueError(refused(http, answer, self._secrets).reason)

    def verify(self, hook: HookRequest) -> None:
        """The HMAC over timestamp and token in the body, which must not be old.

        https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks: the
        signature is not over the rest, so whoever has seen one could write another body. HTTPS
        keeps it from being seen.
        """
        try:
            signature = payloads.part(payloads.object_of(hook.body).get("signature"))
        except ValueError:
            raise BadSignature("The callback has no signature.") from None
        timestamp = payloads.identifier(signature.get("timestamp"))
        token = payloads.identifier(signature.get("token"))
        stated = payloads.text(signature.get("signature"), 100)
        expected = hmac.digest(
            self._signing_key.encode(), f"{timestamp}{token}".encode("utf-8", "replace"), "sha256"
        ).hex()
        is_good = hmac.compare_digest(expected.encode(), stated.encode("utf-8", "replace"))
        if not self._signing_key or not is_good:
            raise BadSignature("The signature is missing or wrong.")
        is_time = timestamp.isdecimal() and len(timestamp) <= 12
        age = hook.received_at.timestamp() - (int(timestamp) if is_time else 0)
        if abs(age) > REPLAY_BOUND:
            raise BadSignature("The callback is too old.")

    def events(self, hook: HookRequest) -> Iterable[Event]:
        """Deliveries, failures, complaints and unsubscribes."""
        return events_of(hook)
