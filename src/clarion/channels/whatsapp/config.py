"""What a WhatsApp channel needs to know."""

from collections.abc import Mapping
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from clarion.channels import prices
from clarion.channels.graph.settings import (
    OFFICIAL,
    PRIVATE_HELP,
    PROVES_CALLBACKS,
    PROVES_SERVER,
    access_token,
    is_object_id,
    new_verify_token,
)
from clarion.channels.groups import ADVANCED, COSTS, INCOMING
from clarion.channels.phone_ids import Country
from clarion.channels.urls import api_root

# https://developers.facebook.com/documentation/business-messaging/whatsapp/messaging-limits
UNLIMITED: Final = "unlimited"
AS_REPORTED: Final = "as reported"
# What messages are charged as:
# https://developers.facebook.com/documentation/business-messaging/whatsapp/pricing
SERVICE: Final = "service"  # whatever is no template
CATEGORIES: Final[Mapping[str, str]] = {
    "marketing": "marketing",
    "utility": "utility",
    "authentication": "authentication",
    SERVICE: "service",
}
FREE_IN_WINDOW: Final[Mapping[str, frozenset[str]]] = {
    "nothing": frozenset(),
    "service": frozenset({"service"}),
    "service and utility": frozenset({"service", "utility"}),
}


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
        description=PROVES_CALLBACKS,
        json_schema_extra={"group": INCOMING},
    )
    verify_token: SecretStr = Field(
        default_factory=new_verify_token,
        title="Verify token",
        description=PROVES_SERVER,
        json_schema_extra={"group": INCOMING},
    )
    waba_id: str = Field(
        default="",
        title="WhatsApp Business account id",
        description="Needed for the list of templates, and for what Meta reports about the "
        "account. Digits only: in Meta's app dashboard, under "
        "WhatsApp, API setup. The token also needs the permission whatsapp_business_management.",
    )
    messaging_limit: Literal["as reported", "unlimited", "250", "2000", "10000", "100000"] = Field(
        default=AS_REPORTED,
        title="Messaging limit",
        description="How many contacts you may begin a conversation with in 24 hours. Clarion "
        "reads it when it checks the channel, and Meta reports changes. Templates beyond it wait.",
    )
    pair_seconds: int = Field(
        default=0,
        ge=0,
        le=3_600,
        title="Seconds between messages to one contact",
        description="Between two messages of a story. WhatsApp accepts up to 45 in a row, and then "
        "one in 6 seconds.",
    )
    country: Country = ""
    currency: str = Field(
        default="",
        title="Currency",
        description="The currency of the prices below: three letters, for example EUR. Leave it "
        "empty to show no costs.",
        json_schema_extra={"group": COSTS},
    )
    prices: str = Field(
        default="",
        title="Prices",
        description="The calling code, the category (marketing, utility, authentication, service) "
        "and the price of one message, for example 49 marketing=0.1131, 49 utility=0.05. A price "
        "without a category applies to all categories, and * to all other countries.",
        json_schema_extra={"group": COSTS, "long": True},
    )
    # Since 2026-10-01 Meta charges for utility templates within the window too, and for service
    # messages as for utility, after the first 1,000 of a month and number. Reported by providers:
    # docs.ycloud.com (WhatsApp pricing), chakrahq.com; Meta's own rate cards were not at hand.
    free_in_window: Literal["nothing", "service", "service and utility"] = Field(
        default="nothing",
        title="Free within 24 hours",
        description="Which messages cost nothing within 24 hours after a contact wrote. See "
        "your provider's price list.",
        json_schema_extra={"group": COSTS},
    )
    api_root: str = Field(
        default=OFFICIAL,
        title="Graph API",
        description="Meta's own URL with its version, or that of a compatible provider.",
        json_schema_extra={"group": ADVANCED, "receives": ["token", "verify_token"]},
    )
    allow_private: bool = Field(
        default=False,
        title="Allow private addresses",
        description=PRIVATE_HELP,
        json_schema_extra={"group": ADVANCED},
    )

    @field_validator("phone_number_id")
    @classmethod
    def _is_id(cls, value: str) -> str:
        if not is_object_id(value):
            raise ValueError("Write the id that Meta gave the number: digits only, without “+”.")
        return value

    @field_validator("waba_id")
    @classmethod
    def _is_account_id(cls, value: str) -> str:
        if value and not is_object_id(value):
            raise ValueError("Write the id that Meta gave the account: digits only.")
        return value

    @field_validator("token")
    @classmethod
    def _is_token(cls, value: SecretStr) -> SecretStr:
        return access_token(value)

    @field_validator("currency")
    @classmethod
    def _is_currency(cls, value: str) -> str:
        return prices.currency(value)

    @field_validator("prices")
    @classmethod
    def _are_prices(cls, value: str) -> str:
        return prices.written(prices.parse(value, CATEGORIES))

    @field_validator("api_root")
    @classmethod
    def _is_api_root(cls, value: str) -> str:
        return api_root(value, "the Graph API")
