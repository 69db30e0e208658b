"""What an e-mail channel needs to know."""

import re

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from clarion.channels.mailing.mailboxes import mailbox, sender_of
from clarion.transport.messages import Security

_HOST = re.compile(r"[0-9A-Za-z._-]{1,253}|[0-9a-fA-F:.]{2,45}")
# A domain of several labels, or an address literal such as [192.0.2.1] (RFC 5321 4.1.1.1, 4.1.3).
_EHLO = re.compile(
    r"(?=.{1,253}\Z)(?:[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?\.)+[A-Za-z][0-9A-Za-z-]{0,61}"
    r"|\[[0-9A-Za-z.:]{2,60}\]"
)


class EmailConfig(BaseModel):
    """What an e-mail channel needs to know."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    host: str = Field(
        title="Server",
        description="The SMTP server, for example smtp.example.org.",
        json_schema_extra={"receives": ["password"]},
    )
    port: int = Field(
        default=587,
        ge=1,
        le=65535,
        title="Port",
        description="Usually 587; 465 with TLS.",
        json_schema_extra={"receives": ["password"]},
    )
    security: Security = Field(
        default="starttls",
        title="Encryption",
        description="starttls for port 587, tls for port 465, none only inside your own network.",
        json_schema_extra={"receives": ["password"]},
    )
    username: str = Field(
        default="", title="User name", description="Leave it empty if the server needs no login."
    )
    password: SecretStr = Field(default=SecretStr(""), title="Password")
    sender: str = Field(
        title="Sender", description="The From address, for example News <news@example.org>."
    )
    reply_to: str = Field(
        default="",
        title="Reply-to",
        description="Where replies go, for example help@example.org. Leave it empty to use the "
        "sender. A broadcast can have its own.",
    )

    ehlo: str = Field(
        default="",
        title="Name of this host",
        description="The full name with which Clarion introduces itself to the mail server (EHLO), "
        "for example clarion.example.org. Leave it empty to use the name of the machine.",
    )

    @field_validator("ehlo")
    @classmethod
    def _is_ehlo(cls, value: str) -> str:
        value = value.strip()
        if value and not _EHLO.fullmatch(value):
            raise ValueError("Write a full name, for example clarion.example.org.")
        return value

    @field_validator("reply_to")
    @classmethod
    def _is_reply_to(cls, value: str) -> str:
        value = value.strip()
        if value:
            mailbox(value)
        return value

    @field_validator("host")
    @classmethod
    def _is_host(cls, value: str) -> str:
        value = value.strip()
        if not _HOST.fullmatch(value):
            raise ValueError("Write only the name of the server, for example smtp.example.org.")
        return value

    @field_validator("sender")
    @classmethod
    def _is_sender(cls, value: str) -> str:
        sender_of(value)
        return value

    @model_validator(mode="after")
    def _fits(self) -> "EmailConfig":
        if self.password.get_secret_value() and not self.username:
            raise ValueError("There is a password but no user name. Fill in both or neither.")
        return self
