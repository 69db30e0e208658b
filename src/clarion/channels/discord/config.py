"""What a Discord channel needs to know."""

import re

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from clarion.channels.groups import ADVANCED, INCOMING
from clarion.channels.urls import api_root

OFFICIAL = "https://discord.com/api/v10"
_TOKEN = re.compile(r"[A-Za-z0-9_.-]{20,200}")
_KEY = re.compile(r"[0-9a-f]{64}")


class DiscordConfig(BaseModel):
    """What a Discord channel needs to know."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    token: SecretStr = Field(
        title="Bot token", description="From the page Bot of your application, after Reset Token."
    )
    public_key: str = Field(
        default="",
        title="Public key",
        description="From General Information of your application, 64 characters. It verifies "
        "interactions; without it, they are refused.",
        json_schema_extra={"group": INCOMING},
    )
    command_reply: str = Field(
        default="Thank you. We have received your message.",
        title="Answer to commands",
        max_length=2_000,
        description="What a person sees, and nobody else, after a slash command of your app.",
        json_schema_extra={"group": INCOMING},
    )
    api_root: str = Field(
        default=OFFICIAL,
        title="API server",
        description="Discord's own, or the simulator.",
        json_schema_extra={"group": ADVANCED, "receives": ["token"]},
    )

    @field_validator("token")
    @classmethod
    def _is_token(cls, value: SecretStr) -> SecretStr:
        if not _TOKEN.fullmatch(value.get_secret_value()):
            raise ValueError("A bot token has no spaces and at least 20 characters. Copy it again.")
        return value

    @field_validator("public_key")
    @classmethod
    def _is_key(cls, value: str) -> str:
        key = value.strip().lower()
        if key and not _KEY.fullmatch(key):
            raise ValueError("The public key has 64 characters, 0 to 9 and a to f. Copy it again.")
        return key

    @field_validator("api_root")
    @classmethod
    def _is_api_root(cls, value: str) -> str:
        return api_root(value, "the API server")
