"""The LINE kind: a LINE Official Account, over the Messaging API.

Each request has a retry key, which follows from the messages in it: so a repeat never arrives
twice, for 24 hours. There are no receipts of pushed messages, so that no id of them is kept.
"""

import hmac
from base64 import b64encode
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel

from clarion.channels import payloads
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
    Unsendable,
)
from clarion.channels.line import ids, outcomes
from clarion.channels.line.config import LineConfig
from clarion.channels.line.events import events_of
from clarion.channels.line.outcomes import outcome_of
from clarion.channels.line.requests import (
    MOST_BUTTONS,
    RECIPIENTS,
    TEXT_LENGTH,
    encoded,
    messages_of,
    retry_key,
)
from clarion.channels.replies import as_http, json_object
from clarion.channels.wording import tidy
from clarion.transport.messages import HttpReply, HttpRequest

SIGNATURE_HEADER = "x-line-signature"
_TIMEOUT = 30.0  # seconds


class LineKind:
    """A LINE Official Account."""

    kind: ClassVar[str] = "line"
    label: ClassVar[str] = "LINE"
    account: ClassVar[str] = "a LINE Official Account"
    summary: ClassVar[str] = "Sends as a LINE Official Account to people who have added it."
    # 200 multicasts a second, each to at most 500 users; pushes are among the others, of which
    # 2,000 a second are allowed: https://developers.line.biz/en/reference/messaging-api/#rate-limits
    # (that the 200 are those of multicasts is not verified).
    limits: ClassVar[Limits] = Limits(
        rate=200.0,
        text_length=TEXT_LENGTH,
        receipts=frozenset(),
        idempotent=True,
        # A retry key can be used for 24 hours, and LINE asks for longer and longer waits between
        # repeats: https://developers.line.biz/en/docs/messaging-api/retrying-api-request/.
        repeats_for=86_400.0,
        attempts=6,
        backoff=2.0,
        media=frozenset({"image"}),
        buttons=frozenset({"link", "reply"}),
        most_buttons=MOST_BUTTONS,
        caption_length=TEXT_LENGTH,
        utf16=True,
        inbound=True,
        opt_outs=frozenset({"reported"}),
        most_recipients=RECIPIENTS,
        rate_counts="requests",
    )
    id_titles: ClassVar[tuple[str, ...]] = ids.TITLES
    Config: ClassVar[type[BaseModel]] = LineConfig
    idempotent = True

    def __init__(self, config: LineConfig) -> None:
        token = config.token.get_secret_value()
        self._base = f"{config.api_root}/v2/bot/"
        self._allow_private = config.allow_private
        self._secret = config.secret.get_secret_value().encode()
        self._secrets = (token, config.secret.get_secret_value())
        self._headers = (
            ("Content-Type", "application/json"),
            ("Authorization", f"Bearer {token}"),
        )

    @staticmethod
    def listed_errors() -> Iterable[ListedError]:
        """The errors of its tables."""
        return outcomes.listed_errors()

    @staticmethod
    def user_id(text: str) -> str:
        """U and 32 hexadecimal digits. Raises BadIdError."""
        return ids.user_id(text)

    def request(self, message: Outgoing) -> HttpRequest:
        """A push. Raises Unsendable for what LINE does not take."""
        objects = messages_of(message, self.limits, self.label)
        body = {"to": message.to, "messages": objects}
        return self._call("POST", "message/push", body, retry_key([message.id]))

    def outcome(self, reply: Reply) -> Outcome:
        """Accepted is 200, and 409 for what was accepted before, see ``outcome_of``."""
        return outcome_of(as_http(reply), self._secrets)

    def shared(self, message: Outgoing) -> Hashable | None:
        """The message objects."""
        try:
            return encoded({"messages": messages_of(message, self.limits, self.label)})
        except Unsendable:
            return None

    def batch_request(self, messages: Sequence[Outgoing]) -> HttpRequest:
        """A multicast; the same messages have the same retry key."""
        body = {
            "to": [message.to for message in messages],
            "messages": messages_of(messages[0], self.limits, self.label),
        }
        key = retry_key([message.id for message in messages])
        return self._call("POST", "message/multicast", body, key)

    def batch_outcomes(self, messages: Sequence[Outgoing], reply: Reply) -> Sequence[Outcome]:
        """LINE accepts a multicast for all or for nobody."""
        return [self.outcome(reply)] * len(messages)

    def check(self) -> HttpRequest:
        """Ask for the account itself, which does nothing."""
        return self._call("GET", "info")

    def checked(self, reply: Reply) -> str:
        """Which account it is. Raises ValueError when the token is wrong."""
        http = as_http(reply)
        answer = json_object(http.body)
        if http.status != 200 or not payloads.identifier(answer.get("userId")):
            raise ValueError(self._reason(http))
        name = tidy(payloads.text(answer.get("displayName"), 200), self._secrets)
        return f"The token is valid. The account is {name or 'without a name'}."

    def register(self, hook_url: str) -> HttpRequest:
        """Set the webhook URL of the account.

        https://developers.line.biz/en/reference/messaging-api/#set-webhook-endpoint-url
        """
        if not self._secret:
            raise ValueError("Set the channel secret on this channel first: it proves callbacks.")
        return self._call("PUT", "channel/webhook/endpoint", {"endpoint": hook_url})

    def registered(self, reply: Reply) -> str:
        """That callbacks will come. Raises ValueError with what LINE has against the address."""
        http = as_http(reply)
        if http.status == 200:
            return (
                "LINE has this server's webhook URL. Turn on “Use webhook” in the LINE Developers "
                "Console, so that LINE sends messages there."
            )
        if http.status == 400:
            words = tidy(payloads.text(json_object(http.body).get("message"), 400), self._secrets)
            raise ValueError(
                f"LINE refuses the webhook URL of this server: {words or 'no reason given'}. It "
                "must begin with https:// and have at most 500 characters."
            )
        raise ValueError(self._reason(http))

    def verify(self, hook: HookRequest) -> None:
        """HMAC-SHA256 of the raw body with the channel secret, in Base64."""
        expected = b64encode(hmac.digest(self._secret, hook.body, "sha256"))
        signature = hook.headers.get(SIGNATURE_HEADER, "").encode("utf-8", "replace")
        if not self._secret or not hmac.compare_digest(expected, signature):
            raise BadSignature("The signature is missing or wrong.")

    def events(self, hook: HookRequest) -> Iterable[Event]:
        """Messages of people, buttons that they pressed, and who added or blocked the account."""
        return events_of(hook)

    def _reason(self, http: HttpReply) -> str:
        outcome = outcome_of(http, self._secrets)
        if isinstance(outcome, Accepted):
            return "The server that answered is not a Messaging API. Check its URL."
        return outcome.reason

    def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, key: str = ""
    ) -> HttpRequest:
        headers = (*self._headers, ("X-Line-Retry-Key", key)) if key else self._headers
        raw = b"" if body is None else encoded(body)
        url = f"{self._base}{path}"
        return HttpRequest(method, url, headers, raw, _TIMEOUT, self._allow_private)
