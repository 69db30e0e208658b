"""The Slack kind: a bot of a workspace that writes to its members and channels.

Slack has no idempotency key and no receipts: an answer with ``"ok": true`` is the last that is
heard of a message.
"""

from collections.abc import Iterable
from typing import ClassVar

from pydantic import BaseModel

from clarion.channels import payloads
from clarion.channels.catalogue import ListedError, listed
from clarion.channels.contract import (
    Accepted,
    BadSignature,
    CallbackAnswer,
    Event,
    HookRequest,
    Limits,
    Outcome,
    Outgoing,
    Reply,
)
from clarion.channels.replies import as_http, json_object
from clarion.channels.slack import ids
from clarion.channels.slack.config import OFFICIAL, SlackConfig
from clarion.channels.slack.errors import ERRORS
from clarion.channels.slack.events import answer_to, events_of, is_signed
from clarion.channels.slack.outcomes import refused
from clarion.channels.slack.requests import BUTTONS, SECTION, TEXT, body_of
from clarion.transport.messages import HttpRequest

_ACCEPTED = Accepted()
_TIMEOUT = 15.0  # seconds
_NAME_LENGTH = 80


class SlackKind:
    """A Slack bot."""

    kind: ClassVar[str] = "slack"
    label: ClassVar[str] = "Slack"
    account: ClassVar[str] = "a Slack app"
    summary: ClassVar[str] = "Sends as an app of a Slack workspace to its members and channels."
    # “chat.postMessage generally allows posting one message per second per channel, while also
    # maintaining a workspace-wide limit”, which is not published: “several hundred messages per
    # minute” (docs.slack.dev/apis/web-api/rate-limits).
    limits: ClassVar[Limits] = Limits(
        rate=5.0,
        text_length=TEXT,
        caption_length=SECTION,
        receipts=frozenset(),
        media=frozenset({"image"}),
        buttons=frozenset({"link", "reply"}),
        most_buttons=BUTTONS,
        inbound=True,
        opt_outs=frozenset({"reported"}),
    )
    id_titles: ClassVar[tuple[str, ...]] = ids.TITLES
    Config: ClassVar[type[BaseModel]] = SlackConfig
    idempotent = False

    def __init__(self, config: SlackConfig) -> None:
        token = config.token.get_secret_value()
        self._root = config.api_root
        self._allow_private = config.api_root != OFFICIAL
        self._headers = (
            ("Content-Type", "application/json; charset=utf-8"),
            ("Authorization", f"Bearer {token}"),
        )
        self._webhook_secret = config.webhook_secret.get_secret_value()
        self._secrets = (token, self._webhook_secret)

    @staticmethod
    def listed_errors() -> Iterable[ListedError]:
        """The errors of its table."""
        return listed(ERRORS)

    @staticmethod
    def user_id(text: str) -> str:
        """The id of a user or a conversation. Raises BadIdError."""
        return ids.user_id(text)

    def request(self, message: Outgoing) -> HttpRequest:
        """chat.postMessage. Raises Unsendable for what Slack does not take."""
        body = body_of(message, self.limits, self.label)
        url = f"{self._root}/chat.postMessage"
        return HttpRequest("POST", url, self._headers, body, _TIMEOUT, self._allow_private)

    def outcome(self, reply: Reply) -> Outcome:
        """Accepted is 200 with ok:true. Errors come with HTTP 200 as well."""
        http = as_http(reply)
        answer = json_object(http.body)
        if http.status == 200 and answer.get("ok") is True:
            return _ACCEPTED
        return refused(http, answer, self._secrets)

    def limits_chat(self, user_id: str) -> bool:
        """Each conversation may get one message a second, and the workspace has a limit of its own;
        the answer does not tell which of them it is about."""
        return True

    def check(self) -> HttpRequest:
        """Ask auth.test, which does nothing."""
        url = f"{self._root}/auth.test"
        return HttpRequest("GET", url, self._headers[1:], b"", _TIMEOUT, self._allow_private)

    def checked(self, reply: Reply) -> str:
        """Who the bot is. Raises ValueError when the token or the server is wrong."""
        http = as_http(reply)
        answer = json_object(http.body)
        if http.status != 200 or answer.get("ok") is not True:
            raise ValueError(refused(http, answer, self._secrets).reason)
        bot, team = (payloads.text(answer.get(name), _NAME_LENGTH) for name in ("user", "team"))
        named = f"@{bot or '?'} in the workspace {team or '?'}"
        for secret in filter(None, self._secrets):
            named = named.replace(secret, "…")
        return f"The token is valid. The bot is {named}."

    def verify(self, hook: HookRequest) -> None:
        """The signature v0 of the app; without a secret nothing is believed."""
        if not is_signed(self._webhook_secret, hook):
            raise BadSignature("The signature is missing, wrong or older than five minutes.")

    def events(self, hook: HookRequest) -> Iterable[Event]:
        """Direct messages, pressed buttons, and who can't be reached any more."""
        return events_of(hook)

    def answer(self, hook: HookRequest) -> CallbackAnswer | None:
        """The challenge with which Slack tries the URL."""
        body = answer_to(hook)
        return CallbackAnswer(body) if body else None
