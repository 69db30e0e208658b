"""What a LINE channel needs to know."""

import re

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from clarion.channels.groups import ADVANCED, INCOMING
from clarion.channels.urls import api_root

OFFICIAL = "https://api.line.me"
_TOKEN = re.compile(r"[!-~]{1,2000}")


class LineConfig(BaseModel):
    """What a LINE channel needs to know."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    token: SecretStr = Field(
        title="Channel access token",
        description="A long-lived token of the Messaging API, in the LINE Developers Console.",
    )
    secret: SecretStr = Field(
        default=SecretStr(""),
        title="Channel secret",
        description="In the LINE Developers Console, under Basic settings. It proves that "
        "callbacks are from LINE; without it they are refused.",
        json_schema_extra={"group": INCOMING},
    )
    api_root: str = Field(
        default=OFFICIAL,
        title="Messaging API",
        description="LINE's own URL, or that of a compatible provider.",
        json_schema_extra={"group": ADVANCED, "receives": ["token"]},
    )
    allow_private: bool = Field(
        default=False,
        title="Allow private addresses",
        description="Allows a Messaging API in your own network or on this machine, such as the "
        "simulator.",
    )

    @field_validator("token")
    @classmethod
    def _is_token(cls, value: SecretStr) -> SecretStr:
        if not _TOKEN.fullmatch(value.get_secret_value()):
            raise ValueError(
                "An access token has no spaces. Copy it again from the LINE Developers Console."
            )
        return value

    @field_validator("api_root")
    @classmethod
    def _is_api_root(cls, value: str) -> str:
        return api_root(value, "the Messaging API")
