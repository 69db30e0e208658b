"""What a Twilio channel needs to know."""

import re

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator

from clarion.channels.groups import ADVANCED, INCOMING
from clarion.channels.phone_ids import PHONE, Country
from clarion.channels.sms_settings import SmsSettings
from clarion.channels.urls import AllowPrivate, api_root

OFFICIAL = "https://api.twilio.com"
_ACCOUNT_SID = re.compile(r"AC[0-9a-fA-F]{32}")
_SERVICE_SID = re.compile(r"MG[0-9a-fA-F]{32}")
_KEY_SID = re.compile(r"SK[0-9a-fA-F]{32}")
_SECRET = re.compile(r"[!-~]{1,200}")
_SHORT_CODE = re.compile(r"[0-9]{3,8}")
# Up to 11 characters with at least one letter:
# https://www.twilio.com/docs/glossary/what-alphanumeric-sender-id
_SENDER_ID = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 &+_-]{1,11}")


class _Account(BaseModel):
    """The settings of Twilio itself; they come first in the form."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    account_sid: str = Field(
        title="Account SID",
        description="On the start page of Twilio's console. It begins with AC.",
    )
    auth_token: SecretStr = Field(
        title="Auth token",
        description="Beside the account SID. Twilio signs callbacks with it. Clarion logs in with "
        "it unless you enter an API key.",
    )
    api_key: str = Field(
        default="",
        title="API key",
        description="Optional: its SID, which begins with SK. A key can be revoked without "
        "changing the auth token.",
    )
    api_key_secret: SecretStr = Field(
        default=SecretStr(""),
        validate_default=True,
        title="API key secret",
        description="The secret that Twilio showed when the API key was created.",
    )
    sender: str = Field(
        title="Sender",
        description="A Twilio number such as +4915112345678, a short code, an alphanumeric sender "
        "ID, or the SID of a Messaging Service, which begins with MG.",
    )
    country: Country = ""
    answers_help: bool = Field(
        default=True,
        title="Twilio answers HELP",
        description="Twilio answers HELP and INFO itself, unless your account or Messaging Service "
        "is set up otherwise. While this is on, Clarion does not answer them a second time.",
        json_schema_extra={"group": INCOMING},
    )
    api_root: str = Field(
        default=OFFICIAL,
        title="Twilio API",
        description="Twilio's own URL, that of another region, or the simulator's.",
        json_schema_extra={"group": ADVANCED, "receives": ["auth_token", "api_key_secret"]},
    )
    allow_private: AllowPrivate = False

    @field_validator("account_sid")
    @classmethod
    def _is_account(cls, value: str) -> str:
        if not _ACCOUNT_SID.fullmatch(value):
            raise ValueError("An account SID is AC and 32 characters. Copy it again from Twilio.")
        return value

    @field_validator("auth_token")
    @classmethod
    def _is_token(cls, value: SecretStr) -> SecretStr:
        if not _SECRET.fullmatch(value.get_secret_value()):
            raise ValueError("An auth token has no spaces. Copy it again from Twilio.")
        return value

    @field_validator("api_key")
    @classmethod
    def _is_key(cls, value: str) -> str:
        if value and not _KEY_SID.fullmatch(value):
            raise ValueError("An API key is SK and 32 characters. Copy its SID again from Twilio.")
        return value

    @field_validator("api_key_secret")
    @classmethod
    def _belongs_to_key(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        secret = value.get_secret_value()
        if info.data.get("api_key") and not _SECRET.fullmatch(secret):
            raise ValueError("Enter the secret of the API key.")
        return value

    @field_validator("sender")
    @classmethod
    def _is_sender(cls, value: str) -> str:
        sender = value.strip()
        digits = re.sub(r"[\s()/-]", "", sender)
        if PHONE.fullmatch(digits.removeprefix("+")) and digits.startswith("+"):
            return digits
        if any(form.fullmatch(sender) for form in (_SERVICE_SID, _SHORT_CODE, _SENDER_ID)):
            return sender
        raise ValueError(
            "Write a phone number with + and its country code, a short code, a sender ID of up to "
            "11 letters and digits, or the SID of a Messaging Service."
        )

    @field_validator("api_root")
    @classmethod
    def _is_api_root(cls, value: str) -> str:
        return api_root(value, "the Twilio API")


class TwilioConfig(SmsSettings, _Account):
    """What a Twilio channel needs to know."""

    @property
    def is_service(self) -> bool:
        """Whether a Messaging Service chooses the sender."""
        return bool(_SERVICE_SID.fullmatch(self.sender))
