"""What a Telegram channel needs to know."""

import re
from secrets import token_urlsafe
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from clarion.channels.groups import ADVANCED, INCOMING
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
