"""What a VK channel needs to know."""

import re
from secrets import token_hex

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from clarion.channels.groups import ADVANCED, INCOMING
from clarion.channels.urls import api_root

OFFICIAL = "https://api.vk.com/method"
_TOKEN = re.compile(r"[A-Za-z0-9_.-]{10,500}")
_GROUP = re.compile(r"[1-9][0-9]{0,11}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{0,50}")
_CONFIRMATION = re.compile(r"[A-Za-z0-9]{0,50}")


class VkConfig(BaseModel):
    """What a VK channel needs to know."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    group_id: str = Field(
        title="Community id", description="The number of the community, without a minus."
    )
    token: SecretStr = Field(
        title="Access token",
        description="Of the community, with access to its messages: under API usage.",
    )
    confirmation: str = Field(
        default="",
        title="Confirmation string",
        description="From the settings of the Callback API: VK asks for it before it uses the "
        "webhook URL.",
        json_schema_extra={"group": INCOMING},
    )
    webhook_secret: SecretStr = Field(
        default_factory=lambda: SecretStr(token_hex(16)),
        title="Secret key",
        description="Choose one and enter it in the settings of the Callback API, too: VK sends it "
        "with every event. Events with another one are refused.",
        json_schema_extra={"group": INCOMING},
    )
    api_root: str = Field(
        default=OFFICIAL,
        title="API server",
        description="VK's own, or the simulator.",
        json_schema_extra={"group": ADVANCED, "receives": ["token"]},
    )

    @field_validator("group_id")
    @classmethod
    def _is_group(cls, value: str) -> str:
        if not _GROUP.fullmatch(value):
            raise ValueError("Enter the number of the community: digits only.")
        return value

    @field_validator("token")
    @classmethod
    def _is_token(cls, value: SecretStr) -> SecretStr:
        if not _TOKEN.fullmatch(value.get_secret_value()):
            raise ValueError(
                "An access token has at least 10 characters and no spaces. Copy it again from VK."
            )
        return value

    @field_validator("confirmation")
    @classmethod
    def _is_confirmation(cls, value: str) -> str:
        if not _CONFIRMATION.fullmatch(value):
            raise ValueError("Copy the confirmation string again: letters and digits only.")
        return value

    @field_validator("webhook_secret")
    @classmethod
    def _is_secret(cls, value: SecretStr) -> SecretStr:
        if not _SECRET.fullmatch(value.get_secret_value()):
            raise ValueError("Use up to 50 letters, digits, “_” and “-”; VK accepts no others.")
        return value

    @field_validator("api_root")
    @classmethod
    def _is_api_root(cls, value: str) -> str:
        return api_root(value, "the API server")
