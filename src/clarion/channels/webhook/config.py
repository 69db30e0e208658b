"""What a webhook channel needs to know."""

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from clarion.channels.groups import ADVANCED
from clarion.channels.urls import checked_url
from clarion.kit import standard_webhooks


class WebhookConfig(BaseModel):
    """What a webhook channel needs to know."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str = Field(
        title="URL",
        description="Every message is posted to it, for example https://example.org/messages.",
        json_schema_extra={"receives": ["secret"]},
    )
    secret: SecretStr = Field(
        default=SecretStr(""),
        title="Secret",
        description="Signs messages and verifies callbacks (Standard Webhooks): whsec_… or "
        "any text. Without one, messages are unsigned and callbacks are refused.",
    )
    idempotent: bool = Field(
        default=False,
        title="Drops repeated messages",
        description="Only if the receiver drops a message whose Idempotency-Key it has seen "
        "before. A message whose outcome is unknown is then sent again; otherwise it is in doubt.",
    )
    allow_private: bool = Field(
        default=False,
        title="Allow private addresses",
        description="Allows a receiver in your own network or on this machine.",
        json_schema_extra={"group": ADVANCED},
    )

    @field_validator("url")
    @classmethod
    def _is_url(cls, value: str) -> str:
        return checked_url(value)

    @field_validator("secret")
    @classmethod
    def _is_secret(cls, value: SecretStr) -> SecretStr:
        standard_webhooks.key_of(value.get_secret_value())
        return value
