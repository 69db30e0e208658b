"""What a Postmark channel needs to know."""

import re

from pydantic import Field, SecretStr, field_validator

from clarion.channels.groups import ADVANCED, INCOMING
from clarion.channels.mailing.settings import MailApiConfig, WebhookSecret, new_webhook_secret
from clarion.channels.urls import AllowPrivate, api_root

OFFICIAL = "https://api.postmarkapp.com"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{8,100}")
_STREAM = re.compile(r"[A-Za-z0-9_-]{1,30}")  # a message stream's id


class PostmarkConfig(MailApiConfig):
    """What a Postmark channel needs to know."""

    token: SecretStr = Field(
        title="Server token",
        description="In Postmark, under the server's API Tokens.",
    )
    stream: str = Field(
        default="broadcast",
        title="Message stream",
        description="The id of the message stream. Postmark wants newsletters in one of the type "
        "Broadcasts; its usual id is broadcast.",
    )
    webhook_secret: WebhookSecret = Field(
        default_factory=new_webhook_secret,
        title="Webhook password",
        description="Postmark sends it with every callback, with the user name clarion (Basic "
        "auth). Clarion generates one unless you enter one.",
        json_schema_extra={"group": INCOMING},
    )
    api_root: str = Field(
        default=OFFICIAL,
        title="Postmark API",
        description="Postmark's own URL, or that of the simulator.",
        json_schema_extra={"group": ADVANCED, "receives": ["token", "webhook_secret"]},
    )
    allow_private: AllowPrivate = False

    @field_validator("token")
    @classmethod
    def _is_token(cls, value: SecretStr) -> SecretStr:
        if not _TOKEN.fullmatch(value.get_secret_value()):
            raise ValueError(
                "A server token has at least 8 characters and no spaces. "
                "Copy it again from Postmark."
            )
        return value

    @field_validator("stream")
    @classmethod
    def _is_stream(cls, value: str) -> str:
        if not _STREAM.fullmatch(value.strip()):
            raise ValueError("Write the stream's id, for example broadcast, not its name.")
        return value.strip()

    @field_validator("api_root")
    @classmethod
    def _is_api_root(cls, value: str) -> str:
        return api_root(value, "the Postmark API")
