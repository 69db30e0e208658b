"""Settings of the channels with direct messages. Each kind says what the first two are there."""

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from clarion.channels.graph.settings import (
    OFFICIAL,
    PRIVATE_HELP,
    PROVES_CALLBACKS,
    PROVES_SERVER,
    access_token,
    is_object_id,
    new_verify_token,
)
from clarion.channels.groups import ADVANCED, INCOMING
from clarion.channels.urls import api_root


class DirectConfig(BaseModel):
    """Which account sends, what proves that it does, and where."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    account_id: str = Field(title="Account id", description="Meta's id of the account.")
    token: SecretStr = Field(title="Access token", description="A token of the account.")
    app_secret: SecretStr = Field(
        default=SecretStr(""),
        title="App secret",
        description=PROVES_CALLBACKS,
        json_schema_extra={"group": INCOMING},
    )
    verify_token: SecretStr = Field(
        default_factory=new_verify_token,
        title="Verify token",
        description=PROVES_SERVER,
        json_schema_extra={"group": INCOMING},
    )
    api_root: str = Field(
        default=OFFICIAL,
        title="Graph API",
        description="Meta's own URL with its version.",
        json_schema_extra={"group": ADVANCED, "receives": ["token"]},
    )
    allow_private: bool = Field(
        default=False,
        title="Allow private addresses",
        description=PRIVATE_HELP,
        json_schema_extra={"group": ADVANCED},
    )

    @field_validator("account_id")
    @classmethod
    def _is_id(cls, value: str) -> str:
        if not is_object_id(value):
            raise ValueError("Write the id that Meta gave the account: digits only.")
        return value

    @field_validator("token")
    @classmethod
    def _is_token(cls, value: SecretStr) -> SecretStr:
        return access_token(value)

    @field_validator("api_root")
    @classmethod
    def _is_api_root(cls, value: str) -> str:
        return api_root(value, "the Graph API")
