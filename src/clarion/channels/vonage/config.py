"""What a Vonage channel needs to know."""

import re

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from clarion.channels.groups import ADVANCED, INCOMING
from clarion.channels.phone_ids import PHONE, Country
from clarion.channels.sms_settings import SmsSettings
from clarion.channels.urls import AllowPrivate, api_root

OFFICIAL = "https://api.nexmo.com"
_KEY = re.compile(r"[0-9a-zA-Z]{4,20}")
_SECRET = re.compile(r"[!-~]{1,200}")
# Up to 11 characters: https://api.support.vonage.com/hc/en-us/articles/217571017
_SENDER_ID = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")


class _Account(BaseModel):
    """The settings of Vonage itself; they come first in the form."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    api_key: str = Field(title="API key", description="In Vonage's dashboard, under API settings.")
    api_secret: SecretStr = Field(
        title="API secret", description="Beside the API key, in the dashboard."
    )
    webhook_secret: SecretStr = Field(
        default=SecretStr(""),
        title="Signature secret",
        description="In the dashboard, under API settings. It proves that callbacks are from "
        "Vonage; without it they are refused.",
        json_schema_extra={"group": INCOMING},
    )
    sender: str = Field(
        title="Sender",
        description="A Vonage number such as +4915112345678, or a sender ID of up to 11 letters "
        "and digits where the country allows it.",
    )
    country: Country = ""
    api_root: str = Field(
        default=OFFICIAL,
        title="Vonage API",
        description="Vonage's own URL, that of a region, or the simulator's.",
        json_schema_extra={"group": ADVANCED, "receives": ["api_secret"]},
    )
    allow_private: AllowPrivate = False

    @field_validator("api_key")
    @classmethod
    def _is_key(cls, value: str) -> str:
        if not _KEY.fullmatch(value):
            raise ValueError("An API key is letters and digits only. Copy it again from Vonage.")
        return value

    @field_validator("api_secret")
    @classmethod
    def _is_secret(cls, value: SecretStr) -> SecretStr:
        if not _SECRET.fullmatch(value.get_secret_value()):
            raise ValueError("An API secret has no spaces. Copy it again from Vonage.")
        return value

    @field_validator("sender")
    @classmethod
    def _is_sender(cls, value: str) -> str:
        sender = value.strip()
        digits = re.sub(r"[\s()/+-]", "", sender)
        if PHONE.fullmatch(digits):
            return digits
        if _SENDER_ID.fullmatch(sender):
            return sender
        raise ValueError(
            "Write a phone number with + and its country code, or a sender ID of up to 11 letters "
            "and digits."
        )

    @field_validator("api_root")
    @classmethod
    def _is_api_root(cls, value: str) -> str:
        return api_root(value, "the Vonage API")


class VonageConfig(SmsSettings, _Account):
    """What a Vonage channel needs to know."""
