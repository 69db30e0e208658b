"""What a Viber channel needs to know."""

import re

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from clarion.channels.groups import ADVANCED
from clarion.channels.urls import api_root

OFFICIAL = "https://chatapi.viber.com"
NAME_LENGTH = 28  # characters: https://creators.viber.com/docs/bots-api/data-models/message
_TOKEN = re.compile(r"[!-~]{8,200}")


class ViberConfig(BaseModel):
    """What a Viber channel needs to know."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    token: SecretStr = Field(
        title="Token",
        description="The bot's authentication token (app key), in Viber's admin panel. It also "
        "proves that callbacks are from Viber.",
    )
    sender: str = Field(
        title="Sender name",
        description=f"The name above each message, up to {NAME_LENGTH} characters.",
    )
    broadcasts: bool = Field(
        default=True,
        title="Broadcast messages",
        description="Send the same message to up to 300 subscribers with one request. Viber must "
        "have approved your bot for this; without approval each message has its own request.",
    )
    api_root: str = Field(
        default=OFFICIAL,
        title="Viber API",
        description="Viber's own URL, or that of a compatible provider.",
        json_schema_extra={"group": ADVANCED, "receives": ["token"]},
    )
    allow_private: bool = Field(
        default=False,
        title="Allow private addresses",
        description="Allows a Viber API in your own network or on this machine, such as the "
        "simulator.",
    )

    @field_validator("token")
    @classmethod
    def _is_token(cls, value: SecretStr) -> SecretStr:
        if not _TOKEN.fullmatch(value.get_secret_value()):
            raise ValueError(
                "A token has at least 8 characters and no spaces. "
                "Copy it again from Viber's admin panel."
            )
        return value

    @field_validator("sender")
    @classmethod
    def _is_name(cls, value: str) -> str:
        name = value.strip()
        if not 0 < len(name) <= NAME_LENGTH or not name.isprintable():
            raise ValueError(f"Write a name of 1 to {NAME_LENGTH} characters.")
        return name

    @field_validator("api_root")
    @classmethod
    def _is_api_root(cls, value: str) -> str:
        return api_root(value, "the Viber API")
