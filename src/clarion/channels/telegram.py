"""The Telegram kind: a bot, over the Bot API of Telegram or of a server of one's own.

Texts and codes are those of tdlib/telegram-bot-api (`Client::fail_query_with_error` in Client.cpp,
`Query::set_retry_after_error` in Query.cpp) and of https://core.telegram.org/bots/api. Telegram
has no idempotency key and no receipts: a message id is the last that is heard of a message. So it
is not kept: nothing could ever refer to it, and an index of millions of them costs space.
"""

import hmac
import re
from collections.abc import Iterable
from json.encoder import encode_basestring
from secrets import token_urlsafe
from typing import ClassVar, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from clarion.channels.contract import (
    Accepted,
    BadSignature,
    Event,
    HookRequest,
    Limits,
    Outcome,
    Outgoing,
    Refusal,
    Refused,
    Reply,
)
from clarion.channels.replies import DEFAULT_WAIT, as_http, json_object, wait_seconds
from clarion.channels.telegram_messages import BUTTON_DATA, CAPTION, JSON, call_of
from clarion.channels.telegram_updates import answer_to, events_of
from clarion.channels.wording import tidy
from clarion.transport.errors import NotSent
from clarion.transport.head import parse_url
from clarion.transport.messages import HttpReply, HttpRequest

OFFICIAL = "https://api.telegram.org"
SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105 - a header's name
_ACCEPTED = Accepted()
_HEADERS = (("Content-Type", JSON),)
_PATIENCE = 15.0  # seconds
_PATIENCE_UPLOADING = 60.0
_TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{1,100}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")  # as setWebhook takes it
_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")
_RETRY_AFTER = re.compile(r"retry after (\d{1,9})")
_PREFIX = re.compile(r"^(?:Bad Request|Forbidden|Unauthorized|Internal Server Error): *")
_TOO_MANY = "Too Many Requests"


class _Meaning(NamedTuple):
    refusal: Refusal
    sentence: str
    mark: Literal["blocked", "deactivated", "unreachable"] = "unreachable"


_GONE = Refusal.UNREACHABLE
_NO_RIGHTS = _Meaning(_GONE, "The bot may not write in this group or channel. Make it an admin.")
_NO_CHAT = _Meaning(_GONE, "Telegram knows no such chat, or this person never wrote to the bot.")
_LONG_CAPTION = _Meaning(
    Refusal.REJECTED, f"The text beside a picture or file is longer than {CAPTION:,} characters."
)
_NOT_FETCHED = _Meaning(
    Refusal.REJECTED, "Telegram can't get the picture or file from its address. Open it to see why."
)
_NO_PICTURE = _Meaning(Refusal.REJECTED, "Telegram can't read the picture. Use another one.")
_BAD_LINK = _Meaning(
    Refusal.REJECTED, "Telegram does not take the address of a link button. Correct it."
)
# Looked for in the description of a 400 or 403, in this order.
_DESCRIPTIONS: dict[str, _Meaning] = {
    "bot was blocked by the user": _Meaning(_GONE, "They blocked the bot.", "blocked"),
    "user is deactivated": _Meaning(_GONE, "Their Telegram account is deactivated.", "deactivated"),
    "group chat was deactivated": _Meaning(_GONE, "The group was deleted.", "deactivated"),
    "chat was deleted": _Meaning(_GONE, "The group was deleted.", "deactivated"),
    "bot was kicked": _Meaning(_GONE, "The bot was removed from this group.", "blocked"),
    "bot is not a member": _Meaning(_GONE, "The bot is not in this group or channel. Add it."),
    "bot can't initiate conversation": _Meaning(_GONE, "This person never wrote to the bot."),
    "bot can't send messages to bots": _Meaning(_GONE, "This is a bot, not a person."),
    "bots can't send messages to bots": _Meaning(_GONE, "This is a bot, not a person."),
    "upgraded to a supergroup": _Meaning(
        _GONE, "The group became a supergroup with another chat id. Add it under its new id."
    ),
    "chat not found": _NO_CHAT,
    "user not found": _NO_CHAT,
    "PEER_ID_INVALID": _NO_CHAT,
    "chat_id is empty": _NO_CHAT,
    "have no rights to send": _NO_RIGHTS,
    "not enough rights": _NO_RIGHTS,
    "need administrator rights": _NO_RIGHTS,
    "CHAT_WRITE_FORBIDDEN": _NO_RIGHTS,
    "message is too long": _Meaning(
        Refusal.REJECTED, "The text is longer than the 4,096 characters that Telegram takes."
    ),
    "message text is empty": _Meaning(Refusal.REJECTED, "The text is empty."),
    "caption is too long": _LONG_CAPTION,
    "MEDIA_CAPTION_TOO_LONG": _LONG_CAPTION,
    "failed to get HTTP URL content": _NOT_FETCHED,
    "wrong HTTP URL specified": _NOT_FETCHED,
    "wrong type of the web page content": _NOT_FETCHED,
    "IMAGE_PROCESS_FAILED": _NO_PICTURE,
    "PHOTO_INVALID_DIMENSIONS": _NO_PICTURE,
    "BUTTON_URL_INVALID": _BAD_LINK,
    "inline keyboard button URL": _BAD_LINK,
    "BUTTON_DATA_INVALID": _Meaning(
        Refusal.REJECTED, f"A reply button sends back nothing, or more than {BUTTON_DATA} bytes."
    ),
    "Logged out": _Meaning(
        Refusal.MISCONFIGURED, "The bot is logged out of this Bot API server. Log it in again."
    ),
}
_TOO_LARGE = "The picture or file is larger than the Bot API server takes (413). Use a smaller one."
_BAD_TOKEN = "Telegram does not know the bot's token. Copy it again from @BotFather."  # noqa: S105


class TelegramConfig(BaseModel):
    """What a Telegram channel needs to know."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    token: SecretStr = Field(
        title="Token", description="The bot's token, as @BotFather gives it: 123456:ABC…"
    )
    api_root: str = Field(
        default=OFFICIAL,
        title="Bot API server",
        description="Telegram's own, or one that you run yourself.",
    )
    webhook_secret: SecretStr = Field(
        default_factory=lambda: SecretStr(token_urlsafe(32)),
        title="Webhook secret",
        description="Telegram sends it with every update, as proof that the update is Telegram's. "
        "Leave it empty to have one made.",
    )

    @field_validator("token")
    @classmethod
    def _is_token(cls, value: SecretStr) -> SecretStr:
        if not _TOKEN.fullmatch(value.get_secret_value()):
            raise ValueError("A token looks like 123456:ABC…. Copy it again from @BotFather.")
        return value

    @field_validator("api_root")
    @classmethod
    def _is_address(cls, value: str) -> str:
        try:
            _, target = parse_url(value, allow_private=True)
        except NotSent as refused:
            raise ValueError(refused.reason) from None
        if "?" in target or "#" in value:
            raise ValueError("The address of the Bot API server must have no “?” or “#”.")
        return value.rstrip("/")

    @field_validator("webhook_secret")
    @classmethod
    def _is_secret(cls, value: SecretStr) -> SecretStr:
        secret = value.get_secret_value()
        if secret and not _SECRET.fullmatch(secret):
            raise ValueError("Use 1 to 256 letters, digits, “_” and “-”; Telegram takes no others.")
        return value


class TelegramKind:
    """A Telegram bot."""

    kind: ClassVar[str] = "telegram"
    label: ClassVar[str] = "Telegram"
    summary: ClassVar[str] = "Sends as a Telegram bot to people who have written to it."
    # 4,096 characters after entities parsing; Telegram counts UTF-16 units, so that most emoji are
    # two. About 30 messages a second in all and one a second to one chat:
    # https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
    limits: ClassVar[Limits] = Limits(
        rate=30.0,
        text_length=4096,
        receipts=frozenset(),
        per_address=1.0,
        media=frozenset({"image", "file"}),
        buttons=frozenset({"link", "reply"}),
        most_buttons=100,
        caption_length=CAPTION,
    )
    Config: ClassVar[type[BaseModel]] = TelegramConfig
    idempotent = False

    def __init__(self, config: TelegramConfig) -> None:
        token = config.token.get_secret_value()
        self._base = f"{config.api_root}/bot{token}/"
        # A Bot API server of one's own usually stands in one's own network.
        self._allow_private = config.api_root != OFFICIAL
        self._webhook_secret = config.webhook_secret.get_secret_value()
        self._secrets = (token, token.partition(":")[2], self._webhook_secret)

    def request(self, message: Outgoing) -> HttpRequest:
        """sendMessage, sendPhoto or sendDocument: each with the text as it is, without parse_mode,
        so nothing in it needs escaping. Raises Unsendable for what Telegram does not take."""
        if message.media or message.buttons or message.template:
            return self._with_parts(message)
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
        said = json_object(http.body)
        if http.status == 200 and said.get("ok") is True:
            return _ACCEPTED
        return self._refused(http, said)

    def check(self) -> HttpRequest:
        """Ask getMe, which does nothing."""
        return self._call("getMe", "{}")

    def checked(self, reply: Reply) -> str:
        """Who the bot is. Raises ValueError when the token or the server is wrong."""
        http = as_http(reply)
        said = json_object(http.body)
        bot = said.get("result")
        if http.status == 200 and said.get("ok") is True and isinstance(bot, dict):
            name = str(bot.get("username"))
            return f"The token is good. The bot is @{name if _NAME.fullmatch(name) else '?'}."
        raise ValueError(self._refused(http, said).reason)

    def register(self, hook_url: str) -> HttpRequest:
        """setWebhook, with the secret and only the updates that are understood."""
        if not self._webhook_secret:
            raise ValueError("Set a webhook secret on this channel first.")
        body = (
            f'{{"url":{encode_basestring(hook_url)},'
            f'"secret_token":{encode_basestring(self._webhook_secret)},'
            f'"allowed_updates":["message","callback_query","my_chat_member"]}}'
        )
        return self._call("setWebhook", body)

    def registered(self, reply: Reply) -> str:
        """That updates will come. Raises ValueError with what Telegram has against the address."""
        http = as_http(reply)
        said = json_object(http.body)
        if http.status == 200 and said.get("ok") is True:
            return "Telegram brings new messages to this server from now on."
        if http.status == 400:
            words = tidy(_PREFIX.sub("", _description(said)), self._secrets)
            raise ValueError(
                f"Telegram refuses the address of this server: {words or 'no reason given'}. It "
                "must begin with https://, with port 443, 80, 88 or 8443."
            )
        raise ValueError(self._refused(http, said).reason)

    def verify(self, hook: HookRequest) -> None:
        """The header that setWebhook asked for; without a secret nothing is believed."""
        given = hook.headers.get(SECRET_HEADER, "").encode("utf-8", "replace")
        expected = self._webhook_secret.encode()
        if not expected or not hmac.compare_digest(expected, given):
            raise BadSignature("The secret token is missing or wrong.")

    def events(self, hook: HookRequest) -> Iterable[Event]:
        """Messages of people, buttons that they pressed, and who blocked the bot or came back."""
        return events_of(hook)

    def answer(self, hook: HookRequest) -> bytes:
        """That a pressed button has done its work."""
        return answer_to(hook)

    def _call(self, method: str, body: str) -> HttpRequest:
        raw = body.encode("utf-8", "replace")
        url = f"{self._base}{method}"
        return HttpRequest("POST", url, _HEADERS, raw, _PATIENCE, self._allow_private)

    def _with_parts(self, message: Outgoing) -> HttpRequest:
        call = call_of(message, self.limits, self.label)
        url = f"{self._base}{call.method}"
        headers = (("Content-Type", call.content_type),)
        patience = _PATIENCE_UPLOADING if call.upload else _PATIENCE
        return HttpRequest("POST", url, headers, call.body, patience, self._allow_private)

    def _refused(self, reply: HttpReply, said: dict[str, object]) -> Refused:
        status, description = reply.status, _description(said)
        code = str(status)
        if status == 429 or description.startswith(_TOO_MANY):  # 500 where it can't tell how long
            return Refused(
                Refusal.THROTTLED,
                "Telegram asks us to wait (429, too many requests).",
                "429",
                _wait(reply, said, description),
            )
        for words, meaning in _DESCRIPTIONS.items():
            if status in (400, 403) and words in description:
                return Refused(meaning.refusal, meaning.sentence, code, mark=meaning.mark)
        if status == 413:
            return Refused(Refusal.REJECTED, _TOO_LARGE, code)
        if 300 <= status <= 499 and "ok" not in said:
            sentence = f"What answered ({status}) is no Bot API server. Check its address."
            return Refused(Refusal.MISCONFIGURED, sentence, code)
        if status in (401, 404):
            return Refused(Refusal.MISCONFIGURED, _BAD_TOKEN, code)
        if 300 <= status <= 499:
            words = tidy(_PREFIX.sub("", description), self._secrets)
            tail = f": {words}" if words else ""
            return Refused(
                Refusal.REJECTED, f"Telegram refused the message ({status}){tail}.", code
            )
        if status >= 500:
            sentence = f"Telegram answered {status}, and may have sent the message all the same."
            return Refused(Refusal.UNKNOWN, sentence, code)
        sentence = "Telegram gave an answer that makes no sense, and may have sent the message."
        return Refused(Refusal.UNKNOWN, sentence, code)


def _description(said: dict[str, object]) -> str:
    description = said.get("description")
    return description if isinstance(description, str) else ""


def _wait(reply: HttpReply, said: dict[str, object], description: str) -> float:
    """Seconds: from the header, from parameters.retry_after, or from the description."""
    parameters = said.get("parameters")
    stated = parameters.get("retry_after") if isinstance(parameters, dict) else None
    if stated is None and (match := _RETRY_AFTER.search(description)):
        stated = int(match[1])
    wait = wait_seconds(reply, stated)
    return DEFAULT_WAIT if wait is None else wait
