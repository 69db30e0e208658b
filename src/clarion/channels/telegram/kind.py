"""The Telegram kind: a bot, over the Bot API of Telegram or of a server of one's own.

Telegram has no idempotency key and no receipts: a message id is the last that is heard of a
message. So it is not kept: nothing could ever refer to it, and an index of millions of them costs
space.
"""

import hmac
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from json.encoder import encode_basestring
from typing import ClassVar

from pydantic import BaseModel

from clarion.channels import payloads
from clarion.channels.abilities import Fetched
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
    Refused,
    Reply,
)
from clarion.channels.measuring import Measured
from clarion.channels.prices import PriceRow, PriceTable
from clarion.channels.replies import as_http, json_object
from clarion.channels.telegram import ids
from clarion.channels.telegram.config import OFFICIAL, TelegramConfig
from clarion.channels.telegram.errors import DESCRIPTIONS
from clarion.channels.telegram.events import answer_to, events_of
from clarion.channels.telegram.outcomes import conflict, kept_id_of, refused, words_of
from clarion.channels.telegram.requests import CAPTION, JSON, PARSE_MODES, call_of
from clarion.kit import clock
from clarion.transport.messages import HttpRequest

SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105 - a header's name
_ACCEPTED = Accepted()
_HEADERS = (("Content-Type", JSON),)
_TIMEOUT = 15.0  # seconds
_TIMEOUT_UPLOADING = 60.0
_BETWEEN_IN_GROUPS = 60.0 / 20
_HELD_OPEN = 25  # seconds that Telegram waits for an update
# Telegram writes every letter outside ASCII as six bytes and an emoji as twelve, so that an update,
# with the message that it replies to, may have more than 100 kB. The transport takes a megabyte:
# what is larger would be asked for, and refused, again and again.
AT_ONCE = 8  # updates
LARGEST_FETCHED = 1_048_576  # bytes
_UPDATES = '["message","edited_message","callback_query","my_chat_member"]'
STARS = "Stars"  # Telegram's own currency
_FEE = Decimal("0.1")  # Stars of a message
_FREE = "at most 0.1 Stars; 30 a second are free"
_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")


class TelegramKind:
    """A Telegram bot."""

    kind: ClassVar[str] = "telegram"
    label: ClassVar[str] = "Telegram"
    account: ClassVar[str] = "a Telegram bot"
    summary: ClassVar[str] = "Sends as a Telegram bot to people who have written to it."
    # 4,096 characters after entities parsing; Telegram counts UTF-16 units, so that most emoji are
    # two. About 30 messages a second in all and one a second to one chat:
    # https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
    limits: ClassVar[Limits] = Limits(
        rate=30.0,
        text_length=4096,
        receipts=frozenset(),
        media=frozenset({"image", "file"}),
        buttons=frozenset({"link", "reply"}),
        most_buttons=100,
        keeps_files=True,
        formats=frozenset(PARSE_MODES),
        caption_length=CAPTION,
        utf16=True,
        # "Bots can't initiate conversations with users": core.telegram.org/bots/features
        inbound=True,
        opt_outs=frozenset({"reported"}),
        written_first=True,
    )
    # https://core.telegram.org/bots/api#paid-broadcasts
    unit: ClassVar[tuple[str, str]] = ("message", "messages")
    counts_alone: ClassVar[bool] = False
    price_categories: ClassVar[Mapping[str, str]] = {}
    free_in_window: frozenset[str] = frozenset()
    id_titles: ClassVar[tuple[str, ...]] = ids.TITLES
    Config: ClassVar[type[BaseModel]] = TelegramConfig
    idempotent = False

    def __init__(self, config: TelegramConfig) -> None:
        token = config.token.get_secret_value()
        self._base = f"{config.api_root}/bot{token}/"
        # A Bot API server of one's own usually stands in one's own network.
        self._allow_private = config.api_root != OFFICIAL
        self._paid = config.paid_broadcasts
        self.prices = PriceTable(STARS, [PriceRow("", "", _FEE)] if self._paid else [])
        self._fetches = config.updates == "polling"
        self._webhook_secret = config.webhook_secret.get_secret_value()
        self._secrets = (token, token.partition(":")[2], self._webhook_secret)

    @staticmethod
    def listed_errors() -> Iterable[ListedError]:
        """The errors of its table."""
        return listed(DESCRIPTIONS)

    @staticmethod
    def user_id(text: str) -> str:
        """A chat id: a whole number, or the name of a group or channel. Raises BadIdError."""
        return ids.user_id(text)

    def request(self, message: Outgoing) -> HttpRequest:
        """sendMessage, sendPhoto or sendDocument: each with the text as it is, and parse_mode only
        where it has markup. Raises Unsendable for what Telegram does not take."""
        paid = self._paid and message.purpose == "broadcast"
        if paid or message.media or message.buttons or message.template or message.format:
            return self._with_parts(message, paid=paid)
        text = encode_basestring
        body = f'{{"chat_id":{text(message.to)},"text":{text(message.text)}}}'
        return self._call("sendMessage", body)

    def outcome(self, reply: Reply) -> Outcome:
        """Accepted is 200 with ok:true; a 200 with anything else may come from who knows where.

        5xx is UNKNOWN: a 500 may be about a message under way, and 502 and 504 come from proxies
        that know nothing. With no idempotency key, trying again could send twice
        (docs/decisions/0005-outcome-classes.md).
        """
        http = as_http(reply)
        answer = json_object(http.body)
        if http.status == 200 and answer.get("ok") is True:
            kept_id = kept_id_of(payloads.part(answer.get("result")))
            return Accepted(kept_id=kept_id) if kept_id else _ACCEPTED
        return refused(http, answer, self._secrets)

    def measure(self, message: Outgoing) -> Measured:
        """What it costs at most: Telegram charges only what exceeds 30 messages a second."""
        return Measured(1, self.prices.match("").price, _FREE if self._paid else "")

    @staticmethod
    def price_category(message: Outgoing) -> str:
        """All messages are charged alike."""
        return ""

    @staticmethod
    def priced_number(user_id: str) -> str:
        """They cost the same for everybody."""
        return ""

    def resolve(self, user_id: str) -> HttpRequest | None:
        """getChat for the name of a group or channel, which may be given away; its id lasts."""
        if not ids.is_name(user_id):
            return None
        return self._call("getChat", f'{{"chat_id":{encode_basestring(user_id)}}}')

    def resolved(self, reply: Reply) -> str | Refused:
        """The id of the chat: https://core.telegram.org/bots/api#getchat."""
        http = as_http(reply)
        answer = json_object(http.body)
        if http.status == 200 and answer.get("ok") is True:
            chat_id = payloads.identifier(payloads.part(answer.get("result")).get("id"))
            if ids.is_chat_id(chat_id):
                return chat_id
        return refused(http, answer, self._secrets)

    def limits_chat(self, user_id: str) -> bool:
        """A group or channel: it may get 20 messages a minute.

        A private chat's own limit, one message a second, is shorter than a broadcast comes back to
        it; so a 429 there is about the bot (core.telegram.org/bots/faq, “My bot is hitting limits”;
        the answer itself does not tell: `retry_after` is the same for both).
        """
        return ids.is_group(user_id)

    def pause_after(self, user_id: str) -> float:
        """Three seconds for a group or channel, which may get 20 messages a minute; none for a
        person, where short bursts pass: core.telegram.org/bots/faq, “My bot is hitting limits”."""
        return _BETWEEN_IN_GROUPS if ids.is_group(user_id) else 0.0

    def check(self) -> HttpRequest:
        """Ask getMe, which does nothing."""
        return self._call("getMe", "{}")

    def checked(self, reply: Reply) -> str:
        """Who the bot is. Raises ValueError when the token or the server is wrong."""
        http = as_http(reply)
        answer = json_object(http.body)
        bot = answer.get("result")
        if http.status == 200 and answer.get("ok") is True and isinstance(bot, dict):
            name = str(bot.get("username"))
            return f"The token is valid. The bot is @{name if _NAME.fullmatch(name) else '?'}."
        raise ValueError(refused(http, answer, self._secrets).reason)

    def register(self, hook_url: str) -> HttpRequest:
        """setWebhook, with the secret and only the updates that are understood; deleteWebhook
        where a worker asks for them."""
        if self._fetches:
            return self._call("deleteWebhook", "{}")
        if not self._webhook_secret:
            raise ValueError("Set a webhook secret on this channel first.")
        body = (
            f'{{"url":{encode_basestring(hook_url)},'
            f'"secret_token":{encode_basestring(self._webhook_secret)},'
            f'"allowed_updates":{_UPDATES}}}'
        )
        return self._call("setWebhook", body)

    def registered(self, reply: Reply) -> str:
        """That updates will come. Raises ValueError with what Telegram has against the address."""
        http = as_http(reply)
        answer = json_object(http.body)
        if http.status == 200 and answer.get("ok") is True:
            if self._fetches:
                return "Telegram calls no webhook of this bot. A worker asks for new messages."
            return "Telegram now sends new messages to this server."
        if http.status == 400:
            words = words_of(answer, self._secrets)
            raise ValueError(
                f"Telegram refuses the webhook URL of this server: {words or 'no reason given'}. "
                "It must begin with https:// and use port 443, 80, 88 or 8443."
            )
        raise ValueError(refused(http, answer, self._secrets).reason)

    def verify(self, hook: HookRequest) -> None:
        """The header that setWebhook asked for; without a secret nothing is believed."""
        secret = hook.headers.get(SECRET_HEADER, "").encode("utf-8", "replace")
        expected = self._webhook_secret.encode()
        if not expected or not hmac.compare_digest(expected, secret):
            raise BadSignature("The secret token is missing or wrong.")

    def events(self, hook: HookRequest) -> Iterable[Event]:
        """Messages of people, buttons that they pressed, and who blocked the bot or came back."""
        return events_of(hook)

    def answer(self, hook: HookRequest) -> CallbackAnswer | None:
        """That a pressed button has done its work."""
        body = answer_to(hook)
        return CallbackAnswer(body) if body else None

    def fetches(self) -> bool:
        """Whether a worker asks for the updates, as the channel's settings say."""
        return self._fetches

    def fetch(self, cursor: str) -> HttpRequest:
        """getUpdates, which Telegram holds open: https://core.telegram.org/bots/api#getupdates."""
        offset = f'"offset":{cursor},' if cursor else ""
        body = f'{{{offset}"timeout":{_HELD_OPEN},"limit":{AT_ONCE},"allowed_updates":{_UPDATES}}}'
        return self._call("getUpdates", body, _HELD_OPEN + _TIMEOUT)

    def fetched(self, reply: Reply, cursor: str) -> Fetched:
        """The updates. An offset behind the last one tells Telegram that they are stored."""
        http = as_http(reply)
        answer = json_object(http.body, LARGEST_FETCHED)
        updates = answer.get("result")
        if http.status == 409:
            raise ValueError(conflict(answer))
        if http.status != 200 or answer.get("ok") is not True or not isinstance(updates, list):
            raise ValueError(refused(http, answer, self._secrets).reason)
        numbers = [
            each["update_id"]
            for each in updates
            if isinstance(each, dict) and isinstance(each.get("update_id"), int)
        ]
        bodies = tuple(json.dumps(each).encode() for each in updates if isinstance(each, dict))
        following = str(max(numbers) + 1) if numbers else cursor
        return Fetched(bodies, following, tuple(self._answers(bodies)))

    def _answers(self, bodies: Iterable[bytes]) -> Iterator[HttpRequest]:
        """What shows pressed buttons as done, which the answer to a callback does otherwise."""
        for body in bodies:
            answer = json_object(answer_to(HookRequest({}, "", body, clock.now())))
            if method := answer.pop("method", ""):
                yield self._call(str(method), json.dumps(answer))

    def _call(self, method: str, body: str, timeout: float = _TIMEOUT) -> HttpRequest:
        raw = body.encode("utf-8", "replace")
        url = f"{self._base}{method}"
        return HttpRequest("POST", url, _HEADERS, raw, timeout, self._allow_private)

    def _with_parts(self, message: Outgoing, *, paid: bool) -> HttpRequest:
        call = call_of(message, self.limits, self.label, paid=paid)
        url = f"{self._base}{call.method}"
        headers = (("Content-Type", call.content_type),)
        timeout = _TIMEOUT_UPLOADING if call.upload else _TIMEOUT
        return HttpRequest("POST", url, headers, call.body, timeout, self._allow_private)
