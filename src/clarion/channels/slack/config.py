"""What a Slack channel needs to know."""

import re

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from clarion.channels.groups import ADVANCED, INCOMING
from clarion.channels.urls import api_root

OFFICIAL = "https://slack.com/api"
_TOKEN = re.compile(r"xox[a-z]-[A-Za-z0-9-]{1,200}")
_SECRET = re.compile(r"[!-~]{0,200}")


class SlackConfig(BaseModel):
    """What a Slack channel needs to know."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    token: SecretStr = Field(
        title="Bot token",
        description="The Bot User OAuth Token of your app, for example xoxb-1234-5678-AbCd. It "
        "needs the scope chat:write.",
    )
    webhook_secret: SecretStr = Field(
        default=SecretStr(""),
        title="Signing secret",
        description="From Basic Information of your app. It verifies events; without it, they are "
        "refused.",
        json_schema_extra={"group": INCOMING},
    )
    api_root: str = Field(
        default=OFFICIAL,
        title="Web API server",
        description="Slack's own, or the simulator.",
        json_schema_extra={"group": ADVANCED, "receives": ["token"]},
    )

    @field_validator("token")
    @classmethod
    def _is_token(cls, value: SecretStr) -> SecretStr:
        if not _TOKEN.fullmatch(value.get_secret_value()):
            raise ValueError(
                "A bot token looks like xoxb-…. Copy it again from OAuth & Permissions."
            )
        return value

    @field_validator("webhook_secret")
    @classmethod
    def _is_secret(cls, value: SecretStr) -> SecretStr:
        if not _SECRET.fullmatch(value.get_secret_value()):
            raise ValueError("Copy the signing secret again: it has no spaces.")
        return value

    @field_validator("api_root")
    @classmethod
    def _is_api_root(cls, value: str) -> str:
        return api_root(value, "the Web API server")
