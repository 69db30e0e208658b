"""What an SMPP channel needs to know."""

import re
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic.config import JsonDict

from clarion.channels.groups import ADVANCED, MESSAGES
from clarion.channels.phone_ids import Country
from clarion.channels.sms_settings import SmsSettings
from clarion.transport.messages import SmppAccount

_HOST = re.compile(r"[0-9A-Za-z._-]{1,253}|[0-9a-fA-F:.]{2,45}")
_SENDER = re.compile(r"[ -~]{0,20}")
_WORD = re.compile(r"[!-~]*")
_NUMBER = re.compile(r"\+?[0-9]+")
_LONGEST_NAME = 11  # characters of an alphanumeric sender (3GPP TS 23.040, 9.1.2.5)
_SHORT_CODE = 6  # digits at most; longer numbers are those of phones
# Type of number and numbering plan (SMPP 3.4, 5.2.5 and 5.2.6).
Ton = Literal["auto", "0", "1", "2", "3", "4", "5", "6"]
Npi = Literal["auto", "0", "1", "3", "4", "6", "8", "9", "10", "14", "18"]

_TON_LABELS: JsonDict = {
    "auto": "Automatic", "0": "0, unknown", "1": "1, international", "2": "2, national",
    "3": "3, specific to the network", "4": "4, subscriber", "5": "5, name", "6": "6, abbreviated",
}  # fmt: skip
_NPI_LABELS: JsonDict = {
    "auto": "Automatic", "0": "0, unknown", "1": "1, telephone (E.164)", "3": "3, data (X.121)",
    "4": "4, telex", "6": "6, land mobile", "8": "8, national", "9": "9, private",
    "10": "10, ERMES", "14": "14, internet", "18": "18, WAP",
}  # fmt: skip


class _Account(BaseModel):
    """The settings of the account and its messages, which come first in the form."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    host: str = Field(
        title="Server",
        description="The provider's SMPP server (SMSC), for example smpp.example.org.",
        json_schema_extra={"receives": ["password"]},
    )
    port: int = Field(
        default=2775,
        ge=1,
        le=65535,
        title="Port",
        description="Usually 2775; with TLS often 3550 or 2776.",
        json_schema_extra={"receives": ["password"]},
    )
    security: Literal["none", "tls"] = Field(
        default="none",
        title="Encryption",
        description="Choose TLS if the provider offers it. Without it, the login and messages can "
        "be read in transit.",
        json_schema_extra={"labels": {"none": "None", "tls": "TLS"}, "receives": ["password"]},
    )
    system_id: str = Field(title="System id", description="The user name (system_id).")
    password: SecretStr = Field(default=SecretStr(""), title="Password")
    sender: str = Field(
        default="",
        title="Sender",
        description="What recipients see: a phone number, a short code, or a name of at most 11 "
        "characters. Empty if the provider sets it.",
    )
    country: Country = ""
    system_type: str = Field(
        default="",
        title="System type",
        description="Only if the provider specifies one (system_type).",
        json_schema_extra={"group": ADVANCED},
    )
    bind: Literal["transceiver", "separate"] = Field(
        default="transceiver",
        title="Kind of connection",
        description="Choose two connections only if the provider has no transceiver.",
        json_schema_extra={
            "labels": {
                "transceiver": "One connection for both directions (transceiver)",
                "separate": "One for each direction (transmitter and receiver)",
            },
            "group": ADVANCED,
        },
    )
    connections: int = Field(
        default=1,
        ge=1,
        le=20,
        title="Connected workers",
        description="How many workers may be connected at a time: at most as many as the provider "
        "allows connections for this account. With separate connections a worker needs two.",
        json_schema_extra={"group": ADVANCED},
    )
    window: int = Field(
        default=10,
        ge=1,
        le=1000,
        title="Window",
        description="How many messages may wait for an answer at a time, on one connection. Ask "
        "the provider. If a connection breaks, the outcome of these messages is in "
        "doubt.",
        json_schema_extra={"group": ADVANCED},
    )
    enquire_link: int = Field(
        default=30,
        ge=1,
        le=600,
        title="Keep-alive interval, seconds",
        description="After this many seconds without traffic, the connection is tested "
        "(enquire_link).",
        json_schema_extra={"group": ADVANCED},
    )
    sender_ton: Ton = Field(
        default="auto",
        title="Sender's type of number (TON)",
        description="Automatic: 1 for a phone number, 3 for a short code, 5 for a name.",
        json_schema_extra={"labels": _TON_LABELS, "group": ADVANCED},
    )
    sender_npi: Npi = Field(
        default="auto",
        title="Sender's numbering plan (NPI)",
        description="Automatic: 1 for a phone number, otherwise 0.",
        json_schema_extra={"labels": _NPI_LABELS, "group": ADVANCED},
    )
    recipient_ton: Ton = Field(
        default="auto",
        title="Recipients' type of number (TON)",
        description="Automatic: 1, international.",
        json_schema_extra={"labels": _TON_LABELS, "group": ADVANCED},
    )
    recipient_npi: Npi = Field(
        default="auto",
        title="Recipients' numbering plan (NPI)",
        description="Automatic: 1, telephone.",
        json_schema_extra={"labels": _NPI_LABELS, "group": ADVANCED},
    )
    service_type: str = Field(
        default="",
        title="Service type",
        description="Only if the provider specifies one (service_type).",
        json_schema_extra={"group": ADVANCED},
    )
    long_messages: Literal["udh", "sar", "payload"] = Field(
        default="udh",
        title="Long messages",
        description="How a text that takes several SMS is sent. Nearly all providers accept parts "
        "with headers. With the whole text at once, the provider divides it.",
        json_schema_extra={
            "labels": {
                "udh": "Parts with headers (udh)",
                "sar": "Parts with parameters (sar)",
                "payload": "The whole text at once (payload)",
            },
            "group": MESSAGES,
        },
    )
    receipts: Literal["all", "failures", "none"] = Field(
        default="all",
        title="Delivery receipts",
        description="Which delivery receipts the provider is asked for. Without them, sent is the "
        "last state of a message.",
        json_schema_extra={
            "labels": {"all": "All", "failures": "Failures only", "none": "None"},
            "group": MESSAGES,
        },
    )
    receipt_ids: Literal["same", "hex", "decimal"] = Field(
        default="same",
        title="Message ids in receipts",
        description="How the provider writes ids in receipts. Change it if messages stay sent "
        "although the provider reports deliveries.",
        json_schema_extra={
            "labels": {
                "same": "As in the answer to the message",
                "hex": "Hexadecimal, the answer decimal",
                "decimal": "Decimal, the answer hexadecimal",
            },
            "group": ADVANCED,
        },
    )
    validity_hours: int = Field(
        default=0,
        ge=0,
        le=720,
        title="Validity, hours",
        description="How many hours the provider tries to deliver a message. 0: the provider "
        "decides.",
        json_schema_extra={"group": MESSAGES},
    )
    allow_private: bool = Field(
        default=False,
        title="Allow private addresses",
        description="Allows a server in your own network or on this machine, for example one that "
        "is reached through a VPN.",
        json_schema_extra={"group": ADVANCED},
    )

    @field_validator("host")
    @classmethod
    def _is_host(cls, value: str) -> str:
        value = value.strip()
        if not _HOST.fullmatch(value):
            raise ValueError("Write only the name of the server, for example smpp.example.org.")
        return value

    @field_validator("system_id", "system_type", "service_type")
    @classmethod
    def _is_word(cls, value: str) -> str:
        value = value.strip()
        if not _WORD.fullmatch(value):
            raise ValueError("Use letters a to z, digits and signs, without spaces.")
        return value

    @field_validator("password")
    @classmethod
    def _is_password(cls, value: SecretStr) -> SecretStr:
        if not _WORD.fullmatch(value.get_secret_value()):
            raise ValueError("An SMPP password has letters a to z, digits and signs, no spaces.")
        return value

    @field_validator("sender")
    @classmethod
    def _is_sender(cls, value: str) -> str:
        value = value.strip()
        number = _NUMBER.fullmatch(value)
        if not _SENDER.fullmatch(value) or (not number and len(value) > _LONGEST_NAME):
            raise ValueError(
                "A sender is a phone number, a short code, or a name of at most 11 characters "
                "from a to z, digits and spaces."
            )
        return value.removeprefix("+") if number else value

    @model_validator(mode="after")
    def _fits(self) -> Self:
        lengths = {"system_id": 64, "system_type": 12, "service_type": 5}
        for name, most in lengths.items():
            if len(getattr(self, name)) > most:
                title = type(self).model_fields[name].title
                raise ValueError(f"{title}: at most {most} characters.")
        if len(self.password.get_secret_value()) > 64:
            raise ValueError("An SMPP password has at most 64 characters.")
        return self

    @property
    def account(self) -> SmppAccount:
        """The account as the transport needs it."""
        return SmppAccount(
            host=self.host,
            port=self.port,
            security=self.security,
            system_id=self.system_id,
            password=self.password.get_secret_value(),
            system_type=self.system_type,
            separate=self.bind == "separate",
            window=self.window,
            enquire=float(self.enquire_link),
            allow_private=self.allow_private,
        )

    @property
    def source(self) -> tuple[int, int]:
        """Type of number and numbering plan of the sender."""
        if not self.sender:
            usual = 0, 0
        elif not self.sender.isdigit():
            usual = 5, 0
        elif len(self.sender) <= _SHORT_CODE:
            usual = 3, 0
        else:
            usual = 1, 1
        return _chosen(self.sender_ton, usual[0]), _chosen(self.sender_npi, usual[1])

    @property
    def destination(self) -> tuple[int, int]:
        """Type of number and numbering plan of recipients."""
        return _chosen(self.recipient_ton, 1), _chosen(self.recipient_npi, 1)


class SmppConfig(SmsSettings, _Account):
    """What an SMPP channel needs to know."""


def _chosen(value: str, usual: int) -> int:
    return usual if value == "auto" else int(value)
