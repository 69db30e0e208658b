"""What a Telegram channel needs to know."""

import re
from secrets import token_urlsafe
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from clarion.channels.groups import ADVANCED, INCOMING, MESSAGES
from clarion.channels.urls import api_root

OFFICIAL = "https://api.telegram.org"
_TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{1,100}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")  # as setWebhook takes it


class TelegramConfig(BaseModel):
    """What a Telegram channel needs to know."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    token: SecretStr = Field(
        title="Token", description="The bot's token from @BotFather, for example 123456:ABC"
    )
    api_root: str = Field(
        default=OFFICIAL,
        title="Bot API server",
        description="Telegram's own, or one that you run yourself.",
        json_schema_extra={"group": ADVANCED, "receives": ["token", "webhook_secret"]},
    )
    webhook_secret: SecretStr = Field(
        default_factory=lambda: SecretStr(token_urlsafe(32)),
        title="Webhook secret",
        description="Telegram sends it with every update, to prove that the update is from "
        "Telegram. Clarion generates one unless you enter one.",
        json_schema_extra={"group": INCOMING},
    )

    updates: Literal["webhook", "polling"] = Field(
        default="webhook",
        title="Incoming messages",
        description="webhook: Telegram calls this server, which needs a public URL. polling: a "
        "worker asks Telegram for them.",
        json_schema_extra={"group": INCOMING},
    )

    paid_broadcasts: bool = Field(
        default=False,
        title="Paid broadcasts",
        description="Broadcasts may be sent at up to 1,000 messages a second. Telegram charges "
        "0.1 Stars for each message over 30 a second, from the bot's balance. Turn them on at "
        "@BotFather as well, and set the send rate.",
        json_schema_extra={
            "group": MESSAGES,
            "asks": "Paid broadcasts cost 0.1 Telegram Stars for each message over 30 a second: "
            "up to 10,000 Stars for 100,000 recipients. Telegram takes them from the bot's "
            "balance.",
        },
    )

    @field_validator("token")
    @classmethod
    def _is_token(cls, value: SecretStr) -> SecretStr:
        if not _TOKEN.fullmatch(value.get_secret_value()):
            raise ValueError("A token looks like 123456:ABC…. Copy it again from @BotFather.")
        return value

    @field_validator("api_root")
    @classmethod
    def _is_api_root(cls, value: str) -> str:
        return api_root(value, "the Bot API server")

    @field_validator("webhook_secret")
    @classmethod
    def _is_secret(cls, value: SecretStr) -> SecretStr:
        secret = value.get_secret_value()
        if secret and not _SECRET.fullmatch(secret):
            raise ValueError(
                "Use 1 to 256 letters, digits, “_” and “-”; Telegram accepts no others."
            )
        return value
