"""The Web Push kind: encrypted messages to browsers, posted to the push service of each.

A push service answers 201 when it keeps the message; whether it was shown is reported by the
service worker of the website. There is no account with anybody, and no idempotency key: a message
that comes twice is shown once as long as the first is there, which is less than to drop it.
"""

from collections.abc import Iterable
from datetime import datetime
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
from clarion.channels.replies import as_http
from clarion.channels.subscriptions import Places, PublicFile, Snippet, Subscription
from clarion.channels.webpush import ids, outcomes, site
from clarion.channels.webpush.config import WebPushConfig
from clarion.channels.webpush.outcomes import refused
from clarion.channels.webpush.reports import events_of, is_proven
from clarion.channels.webpush.requests import encrypted, payload_of, subscription_of
from clarion.channels.webpush.vapid import Vapid
from clarion.transport.messages import HttpRequest

_ACCEPTED = Accepted()
_TIMEOUT = 15.0  # seconds
_TEXT = 1_000  # characters; systems show about 200 of them


class WebPushKind:
    """Notifications of browsers."""

    kind: ClassVar[str] = "webpush"
    label: ClassVar[str] = "Web Push"
    account: ClassVar[str] = "a website with push messages"
    summary: ClassVar[str] = "Shows notifications in the browsers of visitors who subscribed."
    limits: ClassVar[Limits] = Limits(
        rate=None,  # no push service publishes one; they answer 429
        text_length=_TEXT,
        caption_length=_TEXT,
        receipts=frozenset({"delivered"}),
        media=frozenset({"image"}),
        buttons=frozenset({"link", "reply"}),
        most_buttons=2,  # Notification.maxActions of the browsers that show any
        titled=True,
        inbound=True,  # reply buttons
    )
    id_titles: ClassVar[tuple[str, ...]] = ids.TITLES
    Config: ClassVar[type[BaseModel]] = WebPushConfig
    idempotent = False

    def __init__(self, config: WebPushConfig) -> None:
        self._config = config
        self._secret = config.webhook_secret.get_secret_value()
        self._vapid = Vapid(config.private_key.get_secret_value(), config.subject)
        self._headers: tuple[tuple[str, str], ...] = (
            ("Content-Type", "application/octet-stream"),
            ("Content-Encoding", "aes128gcm"),
            ("TTL", str(config.ttl)),
            ("Urgency", config.urgency),
            *((("Topic", config.topic),) if config.topic else ()),
        )

    @staticmethod
    def listed_errors() -> Iterable[ListedError]:
        """The errors of its tables."""
        return outcomes.listed_errors()

    @staticmethod
    def user_id(text: str) -> str:
        """A subscription, by its endpoint. Raises BadIdError."""
        return ids.user_id(text)

    @staticmethod
    def written_id(text: str) -> str:
        """The endpoint and the keys of a subscription. Raises BadIdError."""
        return ids.written_id(text)

    def request(self, message: Outgoing) -> HttpRequest:
        """The encrypted message, for the browser's push service (RFC 8030 section 5).

        No I/O, but not the same twice: every message has a key of its own. Raises Unsendable.
        """
        subscription = subscription_of(message.to)
        payload = payload_of(message, subscription.endpoint, self._config, self.limits, self.label)
        body = encrypted(payload, subscription)
        proof = ("Authorization", self._vapid.authorization(subscription.origin))
        headers = (*self._headers, proof)
        private = self._config.allow_private
        return HttpRequest("POST", subscription.endpoint, headers, body, _TIMEOUT, private)

    def outcome(self, reply: Reply) -> Outcome:
        """2xx is accepted, as 201 Created; receipts refer to our own id."""
        http = as_http(reply)
        return _ACCEPTED if 200 <= http.status <= 299 else refused(http)

    def limits_chat(self, user_id: str) -> bool:
        """Push services limit single subscriptions, and each knows only those of its browsers."""
        return True

    def check(self) -> HttpRequest:
        """Get the service worker of the website. No push service can be asked without a message."""
        private = self._config.allow_private
        return HttpRequest("GET", self._config.worker_url, timeout=_TIMEOUT, allow_private=private)

    def checked(self, reply: Reply) -> str:
        """That the website has the service worker. Raises ValueError with what is missing."""
        http = as_http(reply)
        if http.status != 200:
            raise ValueError(
                f"Your website answered {http.status} to the URL of the service worker. Save the "
                "file there that this page shows."
            )
        if b"importScripts" not in http.body:
            raise ValueError(
                "The file at the URL of the service worker does not load the script of this "
                "channel. Add the line that this page shows."
            )
        if "javascript" not in http.headers.get("content-type", "").lower():
            raise ValueError(
                "Your website does not serve the service worker as JavaScript, so browsers refuse "
                "it. Set its Content-Type to text/javascript."
            )
        return (
            "The service worker is on your website. Nothing was sent: subscribe yourself and send "
            "a test message to see whether it arrives."
        )

    def verify(self, hook: HookRequest) -> None:
        """The proof that the message itself carried; without a secret nothing is believed."""
        if not is_proven(self._secret, hook):
            raise BadSignature("The proof is missing or wrong.")

    def events(self, hook: HookRequest) -> Iterable[Event]:
        """Messages that were shown, and pressed reply buttons."""
        return events_of(hook)

    def public_file(self, name: str, places: Places) -> PublicFile | None:
        """The scripts of the website."""
        return site.public_file(name, places, self._config, self._vapid.public)

    def snippets(self, places: Places) -> tuple[Snippet, ...]:
        """What to put on the website."""
        return site.snippets(places, self._config, self._vapid.public)

    def subscription(self, body: bytes, at: datetime) -> Subscription:
        """What a visitor posted. Raises SubscriptionRefused."""
        return site.subscription_of(body, at, self._config)
