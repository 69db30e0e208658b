"""The Viber kind: a bot, over https://creators.viber.com/docs/bots-api.

No idempotency key. Errors come with the HTTP status 200, in the body.
"""

import hmac
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel

from clarion.channels import payloads
from clarion.channels.catalogue import ListedError, listed
from clarion.channels.contract import (
    Accepted,
    BadSignature,
    Event,
    HookRequest,
    Limits,
    Outcome,
    Outgoing,
    Reply,
    Unsendable,
)
from clarion.channels.replies import as_http, json_object
from clarion.channels.viber import ids
from clarion.channels.viber.config import ViberConfig
from clarion.channels.viber.errors import OK, STATUSES
from clarion.channels.viber.events import EVENTS, events_of
from clarion.channels.viber.outcomes import outcome_of, outcomes_of
from clarion.channels.viber.requests import (
    CAPTION,
    MOST_BUTTONS,
    RECEIVERS,
    TEXT_LENGTH,
    content_of,
    encoded,
    fits_many,
)
from clarion.channels.wording import tidy
from clarion.transport.messages import HttpRequest

SIGNATURE_HEADER = "x-viber-content-signature"
_TIMEOUT = 30.0  # seconds


class ViberKind:
    """A Viber bot."""

    kind: ClassVar[str] = "viber"
    label: ClassVar[str] = "Viber"
    account: ClassVar[str] = "a Viber bot"
    summary: ClassVar[str] = "Sends as a Viber bot to people who have subscribed to it."
    # 500 broadcast messages in 10 seconds, each to at most 300 subscribers and of 30 kB:
    # https://creators.viber.com/docs/bots-api/resources/messaging/broadcast-message. Of single
    # messages no limit is documented but 100 an hour to one person who does not answer.
    limits: ClassVar[Limits] = Limits(
        rate=50.0,
        text_length=TEXT_LENGTH,
        receipts=frozenset({"delivered", "read", "failed"}),
        media=frozenset({"image", "file"}),
        bare_media=frozenset({"file"}),
        buttons=frozenset({"link", "reply"}),
        most_buttons=MOST_BUTTONS,
        caption_length=CAPTION,
        inbound=True,
        opt_outs=frozenset({"reported"}),
        most_recipients=RECEIVERS,
        rate_counts="requests",
    )
    id_titles: ClassVar[tuple[str, ...]] = ids.TITLES
    Config: ClassVar[type[BaseModel]] = ViberConfig
    idempotent = False

    def __init__(self, config: ViberConfig) -> None:
        token = config.token.get_secret_value()
        self._base = f"{config.api_root}/pa/"
        self._allow_private = config.allow_private
        self._key = token.encode()
        self._secrets = (token,)
        self._sender = {"name": config.sender}
        self._broadcasts = config.broadcasts
        self._headers = (("Content-Type", "application/json"), ("X-Viber-Auth-Token", token))

    @staticmethod
    def listed_errors() -> Iterable[ListedError]:
        """The errors of its table."""
        return listed(STATUSES)

    @staticmethod
    def user_id(text: str) -> str:
        """The id of a subscriber. Raises BadIdError."""
        return ids.user_id(text)

    def request(self, message: Outgoing) -> HttpRequest:
        """send_message. Raises Unsendable for what Viber does not take."""
        content = content_of(message, self.limits, self.label)
        return self._call(
            "send_message", {"receiver": message.to, "sender": self._sender, **content}
        )

    def outcome(self, reply: Reply) -> Outcome:
        """Accepted is the status 0 with a token in the body, see ``outcome_of``."""
        return outcome_of(as_http(reply), self._secrets)

    def shared(self, message: Outgoing) -> Hashable | None:
        """The content, where one request for 300 receivers is small enough for it."""
        if not self._broadcasts:
            return None
        try:
            content = content_of(message, self.limits, self.label)
        except Unsendable:
            return None
        return encoded(content) if fits_many(content) else None

    def batch_request(self, messages: Sequence[Outgoing]) -> HttpRequest:
        """broadcast_message."""
        body: dict[str, Any] = {
            "broadcast_list": [message.to for message in messages],
            "sender": self._sender,
            **content_of(messages[0], self.limits, self.label),
        }
        return self._call("broadcast_message", body)

    def batch_outcomes(self, messages: Sequence[Outgoing], reply: Reply) -> Sequence[Outcome]:
        """Those in ``failed_list`` are refused, the others accepted, see ``outcomes_of``."""
        return outcomes_of(as_http(reply), [message.to for message in messages], self._secrets)

    def check(self) -> HttpRequest:
        """get_account_info, which does nothing."""
        return self._call("get_account_info")

    def checked(self, reply: Reply) -> str:
        """Which bot it is. Raises ValueError when the token is wrong."""
        http = as_http(reply)
        answer = json_object(http.body)
        if http.status != 200 or answer.get("status") != OK or not answer.get("id"):
            outcome = outcome_of(http, self._secrets)
            if isinstance(outcome, Accepted):
                raise ValueError("The server that answered is not a Viber API. Check its URL.")
            raise ValueError(outcome.reason)
        name = tidy(payloads.text(answer.get("name"), 200), self._secrets)
        sentence = f"The token is valid. The bot is {name or 'without a name'}."
        count = answer.get("subscribers_count")
        if isinstance(count, int) and not isinstance(count, bool) and 0 <= count < 10**10:
            sentence += f" It has {count:,} subscribers."
        return sentence

    def register(self, hook_url: str) -> HttpRequest:
        """set_webhook, with the events that are understood; messages always come.

        https://creators.viber.com/docs/bots-api/getting-started/web-hooks
        """
        return self._call(
            "set_webhook",
            {
                "url": hook_url,
                "event_types": list(EVENTS),
                "send_name": True,
                "send_photo": False,
            },
        )

    def registered(self, reply: Reply) -> str:
        """That callbacks will come. Raises ValueError with what Viber has against the address."""
        http = as_http(reply)
        answer = json_object(http.body)
        if http.status == 200 and answer.get("status") == OK:
            return "Viber now sends messages and receipts of this bot to this server."
        if answer.get("status") == 1:
            words = tidy(payloads.text(answer.get("status_message"), 400), self._secrets)
            raise ValueError(
                f"Viber refuses the webhook URL of this server: {words or 'no reason given'}. It "
                "must begin with https://, have a certificate of a known authority and answer."
            )
        outcome = outcome_of(http, self._secrets)
        if isinstance(outcome, Accepted):
            raise ValueError("The server that answered is not a Viber API. Check its URL.")
        raise ValueError(outcome.reason)

    def verify(self, hook: HookRequest) -> None:
        """HMAC-SHA256 of the raw body with the token, in hex."""
        expected = hmac.digest(self._key, hook.body, "sha256").hex()
        signature = hook.headers.get(SIGNATURE_HEADER, "").encode("utf-8", "replace")
        if not hmac.compare_digest(expected.encode(), signature):
            raise BadSignature("The signature is missing or wrong.")

    def events(self, hook: HookRequest) -> Iterable[Event]:
        """Receipts, messages of people, and who subscribed or unsubscribed."""
        return events_of(hook)

    def _call(self, method: str, body: dict[str, Any] | None = None) -> HttpRequest:
        verb, raw = ("GET", b"") if body is None else ("POST", encoded(body))
        url = f"{self._base}{method}"
        return HttpRequest(verb, url, self._headers, raw, _TIMEOUT, self._allow_private)
