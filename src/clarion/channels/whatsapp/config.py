"""What a WhatsApp channel needs to know."""

import re
from secrets import token_urlsafe

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from clarion.channels import phones
from clarion.channels.urls import api_root

# v26.0 came on 29 July 2026; a version lives for two years at least:
# https://developers.facebook.com/docs/graph-api/changelog/versions/
OFFICIAL = "https://graph.facebook.com/v26.0"
_PHONE_NUMBER_ID = re.compile(r"[0-9]{1,30}")
_TOKEN = re.compile(r"[!-~]{1,2000}")


class WhatsAppConfig(BaseModel):
    """What a WhatsApp channel needs to know."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    phone_number_id: str = Field(
        title="Phone number id",
        description="Meta's id of your number, digits only: in Meta's app dashboard, under "
        "WhatsApp, API setup. It is not the phone number itself.",
    )
    token: SecretStr = Field(
        title="Access token",
        description="The token of a system user with the permission whatsapp_business_messaging. "
        "The temporary token in the dashboard expires after a day.",
    )
    app_secret: SecretStr = Field(
        default=SecretStr(""),
        title="App secret",
        description="In Meta's app dashboard, under App settings, Basic. It proves that callbacks "
        "are from Meta; without it they are refused.",
    )
    verify_token: SecretStr = Field(
        default_factory=lambda: SecretStr(token_urlsafe(32)),
        title="Verify token",
        description="Meta sends it when it first tries your webhook URL. Leave it empty to "
        "generate one, or write one if you enter the webhook URL at Meta by hand.",
    )
    country: str = Field(
        default="",
        title="Country of phone numbers",
        description="Two letters, for example DE. Phone numbers in files that begin with neither + "
        "nor 00 are then numbers of this country. Leave it empty if they have their country code.",
    )
    api_root: str = Field(
        default=OFFICIAL,
        title="Graph API",
        description="Meta's own URL with its version, or that of a compatible provider.",
        json_schema_extra={"receives": ["token", "verify_token"]},
    )
    allow_private: bool = Field(
        default=False,
        title="Allow private addresses",
        description="Allows a Graph API in your own network or on this machine, such as the "
        "simulator.",
    )

    @field_validator("phone_number_id")
    @classmethod
    def _is_id(cls, value: str) -> str:
        if not _PHONE_NUMBER_ID.fullmatch(value):
            raise ValueError("Write the id that Meta gave the number: digits only, without “+”.")
        return value

    @field_validator("token")
    @classmethod
    def _is_token(cls, value: SecretStr) -> SecretStr:
        if not _TOKEN.fullmatch(value.get_secret_value()):
            raise ValueError("An access token has no spaces. Copy it again from Meta.")
        return value

    @field_validator("country")
    @classmethod
    def _is_country(cls, value: str) -> str:
        country = value.strip().upper()
        if country and country not in phones.countries():
            raise ValueError("Write the two letters of a country, for example DE.")
        return country

    @field_validator("api_root")
    @classmethod
    def _is_api_root(cls, value: str) -> str:
        return api_root(value, "the Graph API")
