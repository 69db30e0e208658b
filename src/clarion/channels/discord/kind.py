"""The Discord kind: a bot that writes to channels and to users.

A user is written to in a channel of direct messages, which is opened by a request of its own: its
answer is not an accepted message but another id, to which the message is sent next. Opening it
again gives the same channel, so nothing is in doubt. What people write in direct messages comes by
the Gateway alone, a connection that this kind does not have.
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
    Refusal,
    Refused,
    Reply,
)
from clarion.channels.discord import ids
from clarion.channels.discord.config import OFFICIAL, DiscordConfig
from clarion.channels.discord.events import answer_to, events_of, is_signed
from clarion.channels.discord.guard import InvalidRequests
from clarion.channels.discord.outcomes import ERRORS, OPENED, guarded, opened, refused
from clarion.channels.discord.requests import BUTTONS, TEXT, body_of, opening
from clarion.channels.replies import as_http, json_object
from clarion.transport.messages import HttpRequest

_ACCEPTED = Accepted()
_TIMEOUT = 15.0  # seconds
_SOON = 0.1  # seconds until a message follows the channel that was opened for it
_NAME_LENGTH = 80


class DiscordKind:
    """A Discord bot."""

    kind: ClassVar[str] = "discord"
    label: ClassVar[str] = "Discord"
    account: ClassVar[str] = "a Discord bot"
    summary: ClassVar[str] = "Sends as a Discord bot to channels, and to people in its servers."
    # “All bots can make up to 50 requests per second” (topics/rate-limits). With 10, a broadcast to
    # people who can't be reached stays below the 10,000 invalid requests in ten minutes that ban a
    # server, see guard.py. The limits of single channels are in headers only: five messages in five
    # seconds were seen.
    limits: ClassVar[Limits] = Limits(
        rate=10.0,
        text_length=TEXT,
        caption_length=TEXT,
        receipts=frozenset(),
        media=frozenset({"image"}),
        buttons=frozenset({"link", "reply"}),
        most_buttons=BUTTONS,
        inbound=True,
    )
    id_titles: ClassVar[tuple[str, ...]] = ids.TITLES
    Config: ClassVar[type[BaseModel]] = DiscordConfig
    idempotent = False  # a nonce is remembered for “the past few minutes” only

    def __init__(self, config: DiscordConfig) -> None:
        token = config.token.get_secret_value()
        self._root = config.api_root
        self._allow_private = config.api_root != OFFICIAL
        self._headers = (
            ("Content-Type", "application/json"),
            ("Authorization", f"Bot {token}"),
            # The form that docs.discord.com/developers/reference demands.
            ("User-Agent", "DiscordBot (clarion, 0.1)"),
        )
        self._key = config.public_key
        self._command_reply = config.command_reply
        self._secrets = (token,)
        self._invalid = InvalidRequests()

    @staticmethod
    def listed_errors() -> Iterable[ListedError]:
        """The errors of its table."""
        return listed(ERRORS)

    @staticmethod
    def user_id(text: str) -> str:
        """The id of a channel, or “user:” and that of a user. Raises BadIdError."""
        return ids.user_id(text)

    @staticmethod
    def rank_id(value: str) -> int:
        """A channel of direct messages is better than the user behind it."""
        return ids.rank_id(value)

    def request(self, message: Outgoing) -> HttpRequest:
        """Create Message, or Create DM for a user whose channel is not known yet.

        Raises Unsendable for what Discord does not take, before anything is opened for it.
        """
        body = body_of(message, self.limits, self.label)
        if ids.user_of(message.to):
            return self._post("/users/@me/channels", opening(message.to))
        return self._post(f"/channels/{message.to}/messages", body)

    def outcome(self, reply: Reply) -> Outcome:
        """Accepted is 200 with the message. A channel that was opened is where to send it next."""
        http = as_http(reply)
        answer = json_object(http.body)
        if http.status in (200, 201):
            if channel := opened(answer):
                return Refused(
                    Refusal.THROTTLED, OPENED, "", _SOON, whole_channel=False, moved_to=channel
                )
            if payloads.identifier(answer.get("id")) and "channel_id" in answer:
                return _ACCEPTED
        if self._invalid.is_too_many(http):
            return guarded()
        return refused(http, answer, self._secrets)

    def limits_chat(self, user_id: str) -> bool:
        """Each channel has a limit of its own. Opening them has one for the whole bot."""
        return not ids.user_of(user_id)

    def check(self) -> HttpRequest:
        """Ask who the bot is."""
        url = f"{self._root}/users/@me"
        return HttpRequest("GET", url, self._headers[1:], b"", _TIMEOUT, self._allow_private)

    def checked(self, reply: Reply) -> str:
        """Who the bot is. Raises ValueError when the token or the server is wrong."""
        http = as_http(reply)
        answer = json_object(http.body)
        if http.status != 200 or not payloads.identifier(answer.get("id")):
            raise ValueError(refused(http, answer, self._secrets).reason)
        name = payloads.text(answer.get("username"), _NAME_LENGTH) or "?"
        for secret in self._secrets:
            name = name.replace(secret, "…")
        return f"The token is valid. The bot is {name}."

    def verify(self, hook: HookRequest) -> None:
        """The signature of the application; without its public key nothing is believed."""
        if not is_signed(self._key, hook):
            raise BadSignature("The signature is missing, wrong or older than five minutes.")

    def events(self, hook: HookRequest) -> Iterable[Event]:
        """Pressed buttons and slash commands."""
        return events_of(hook)

    def answer(self, hook: HookRequest) -> CallbackAnswer | None:
        """What Discord waits for: PONG, or an answer to the interaction."""
        body = answer_to(hook, self._command_reply)
        return CallbackAnswer(body) if body else None

    def _post(self, path: str, body: bytes) -> HttpRequest:
        url = f"{self._root}{path}"
        return HttpRequest("POST", url, self._headers, body, _TIMEOUT, self._allow_private)
