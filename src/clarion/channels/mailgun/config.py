"""What a Mailgun channel needs to know."""

import re
from typing import Literal

from pydantic import Field, SecretStr, field_validator

from clarion.channels.groups import ADVANCED, INCOMING
from clarion.channels.mailing.settings import MailApiConfig
from clarion.channels.urls import AllowPrivate, api_root

# https://documentation.mailgun.com/docs/mailgun/api-reference/api-overview
ROOTS = {"us": "https://api.mailgun.net", "eu": "https://api.eu.mailgun.net"}
_KEY = re.compile(r"[!-~]{8,200}")
_DOMAIN = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}"
)


class MailgunConfig(MailApiConfig):
    """What a Mailgun channel needs to know."""

    api_key: SecretStr = Field(
        title="API key",
        description="In Mailgun, under Account settings, API keys, or a sending key of the domain.",
    )
    domain: str = Field(
        title="Sending domain", description="As Mailgun lists it, for example mg.example.org."
    )
    region: Literal["us", "eu"] = Field(
        default="us", title="Region", description="Where the domain was created at Mailgun."
    )
    webhook_secret: SecretStr = Field(
        default=SecretStr(""),
        title="Webhook signing key",
        description="In Mailgun, under Webhooks. It proves that callbacks are from Mailgun; "
        "without it they are refused.",
        json_schema_extra={"group": INCOMING},
    )
    api_root: str = Field(
        default="",
        title="Mailgun API",
        description="Leave it empty to use the region's URL, or enter the simulator's URL.",
        json_schema_extra={"group": ADVANCED, "receives": ["api_key"]},
    )
    allow_private: AllowPrivate = False

    @field_validator("api_key")
    @classmethod
    def _is_key(cls, value: SecretStr) -> SecretStr:
        if not _KEY.fullmatch(value.get_secret_value()):
            raise ValueError(
                "An API key has at least 8 characters and no spaces. Copy it again from Mailgun."
            )
        return value

    @field_validator("domain")
    @classmethod
    def _is_domain(cls, value: str) -> str:
        domain = value.strip().lower()
        if not _DOMAIN.fullmatch(domain):
            raise ValueError("Write only the domain, for example mg.example.org.")
        return domain

    @field_validator("api_root")
    @classmethod
    def _is_api_root(cls, value: str) -> str:
        return api_root(value, "the Mailgun API") if value.strip() else ""
