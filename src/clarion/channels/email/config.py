"""What an e-mail channel needs to know."""

import re

from pydantic import (
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from clarion.channels.email.oauth import SECRETS, OAuthConfig
from clarion.channels.groups import ADVANCED
from clarion.channels.mailing.dkim import Signer
from clarion.channels.mailing.mailboxes import mailbox, sender_of
from clarion.transport.messages import Security

DKIM = "DKIM"  # groups of the form
BOUNCES = "Bounces"
_DNS_NAME = re.compile(r"(?=.{1,200}\Z)[0-9A-Za-z_-]{1,63}(?:\.[0-9A-Za-z_-]{1,63})*")
_HOST = re.compile(r"[0-9A-Za-z._-]{1,253}|[0-9a-fA-F:.]{2,45}")
# A domain of several labels, or an address literal such as [192.0.2.1] (RFC 5321 4.1.1.1, 4.1.3).
_EHLO = re.compile(
    r"(?=.{1,253}\Z)(?:[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?\.)+[A-Za-z][0-9A-Za-z-]{0,61}"
    r"|\[[0-9A-Za-z.:]{2,60}\]"
)


class EmailConfig(OAuthConfig):
    """What an e-mail channel needs to know."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    host: str = Field(
        title="Server",
        description="The SMTP server, for example smtp.example.org.",
        json_schema_extra={"receives": ["password", *SECRETS]},
    )
    port: int = Field(
        default=587,
        ge=1,
        le=65535,
        title="Port",
        description="Usually 587; 465 with TLS.",
        json_schema_extra={"receives": ["password", *SECRETS]},
    )
    security: Security = Field(
        default="starttls",
        title="Encryption",
        description="Choose None only inside your own network.",
        json_schema_extra={
            "labels": {"starttls": "STARTTLS (port 587)", "tls": "TLS (port 465)", "none": "None"},
            "receives": ["password", *SECRETS],
        },
    )
    username: str = Field(
        default="", title="User name", description="Leave it empty if the server needs no login."
    )
    password: SecretStr = Field(
        default=SecretStr(""),
        title="Password",
        description="Not needed with OAuth 2.",
    )
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
        json_schema_extra={"group": ADVANCED},
    )

    dkim_domain: str = Field(
        default="",
        title="DKIM domain",
        description="Only if Clarion signs the messages itself, because the mail server does not: "
        "the domain of the sender, or one above it.",
        json_schema_extra={"group": DKIM},
    )
    dkim_selector: str = Field(
        default="",
        title="DKIM selector",
        description="The name of the key, for example clarion.",
        json_schema_extra={"group": DKIM},
    )
    dkim_key: SecretStr = Field(
        default=SecretStr(""),
        title="DKIM private key",
        description="In PEM form: RSA or Ed25519, without a password.",
        json_schema_extra={"group": DKIM},
    )

    bounce_address: str = Field(
        default="",
        title="Bounce address",
        description="Where mail servers send what can't be delivered, for example "
        "bounces@example.org. Leave it empty to use the sender.",
        json_schema_extra={"group": BOUNCES},
    )
    bounce_codes: bool = Field(
        default=True,
        title="Add a code to the bounce address",
        description="The address is then bounces+code@example.org. Turn this off if your "
        "mail server does not deliver such addresses.",
        json_schema_extra={"group": BOUNCES},
    )
    bounce_host: str = Field(
        default="",
        title="IMAP server",
        description="The server of the mailbox in which bounces arrive, for example "
        "imap.example.org. Leave it empty to read no mailbox.",
        json_schema_extra={"group": BOUNCES, "receives": ["bounce_password", *SECRETS]},
    )
    bounce_port: int = Field(
        default=993,
        ge=1,
        le=65535,
        title="IMAP port",
        description="Usually 993 with TLS; 143 with STARTTLS.",
        json_schema_extra={"group": BOUNCES, "receives": ["bounce_password", *SECRETS]},
    )
    bounce_security: Security = Field(
        default="tls",
        title="IMAP encryption",
        description="Choose None only inside your own network.",
        json_schema_extra={
            "group": BOUNCES,
            "labels": {"tls": "TLS (port 993)", "starttls": "STARTTLS (port 143)", "none": "None"},
            "receives": ["bounce_password", *SECRETS],
        },
    )
    bounce_username: str = Field(
        default="", title="Mailbox user name", json_schema_extra={"group": BOUNCES}
    )
    bounce_password: SecretStr = Field(
        default=SecretStr(""),
        title="Mailbox password",
        description="An app password, if the mail provider requires one. Not needed with OAuth 2.",
        json_schema_extra={"group": BOUNCES},
    )
    bounce_folder: str = Field(
        default="INBOX",
        max_length=200,
        title="Folder",
        description="The folder in which bounces arrive.",
        json_schema_extra={"group": BOUNCES},
    )
    bounce_interval: int = Field(
        default=60,
        ge=1,
        le=3_600,
        title="Check every, seconds",
        description="Seconds between two checks of the mailbox for new e-mail.",
        json_schema_extra={"group": BOUNCES},
    )
    bounce_delete: bool = Field(
        default=False,
        title="Delete bounces once they are stored",
        description="Also deletes complaints and automatic replies, whichever messages they are "
        "about, and never any other e-mail. Not possible if another channel reads this folder.",
        json_schema_extra={"group": BOUNCES},
    )

    @field_validator("ehlo")
    @classmethod
    def _is_ehlo(cls, value: str) -> str:
        value = value.strip()
        if value and not _EHLO.fullmatch(value):
            raise ValueError("Write a full name, for example clarion.example.org.")
        return value

    @field_validator("reply_to", "bounce_address")
    @classmethod
    def _is_address(cls, value: str) -> str:
        value = value.strip()
        if value:
            mailbox(value)
        return value

    @field_validator("bounce_folder")
    @classmethod
    def _is_folder(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError("Write the name of one folder, for example INBOX.")
        return value.strip() or "INBOX"

    @field_validator("host", "bounce_host")
    @classmethod
    def _is_host(cls, value: str, info: ValidationInfo) -> str:
        value = value.strip()
        if value or info.field_name == "host":
            example = "smtp.example.org" if info.field_name == "host" else "imap.example.org"
            if not _HOST.fullmatch(value):
                raise ValueError(f"Write only the name of the server, for example {example}.")
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
        unused = self.oauth_token_url and self.oauth_login == "none"
        if unused and self.username and not self.password.get_secret_value():
            raise ValueError("Choose what Clarion logs in to with OAuth 2, or enter a password.")
        if self.smtp_oauth and not self.username:
            raise ValueError("OAuth 2 needs the user name of the mailbox. Fill it in.")
        if self.mailbox_oauth and self.oauth_login == "mailbox" and not self.bounce_host:
            raise ValueError("OAuth 2 is for the mailbox, but there is none. Fill in its server.")
        return self

    @model_validator(mode="after")
    def _can_read_bounces(self) -> "EmailConfig":
        password = self.bounce_password.get_secret_value()
        settings = (self.bounce_host, self.bounce_username, password or self.mailbox_oauth)
        if any((*settings[:2], password)) and not all(settings):
            raise ValueError(
                "Reading bounces needs the IMAP server, user name and password of the mailbox. "
                "Fill in all three."
            )
        return self

    @model_validator(mode="after")
    def _can_sign(self) -> "EmailConfig":
        settings = (self.dkim_domain, self.dkim_selector, self.dkim_key.get_secret_value())
        if any(settings) and not all(settings):
            raise ValueError("DKIM needs domain, selector and private key. Fill in all three.")
        if not all(settings):
            return self
        for name in (self.dkim_domain, self.dkim_selector):
            if not _DNS_NAME.fullmatch(name):
                raise ValueError(f"“{name}” can't be a name in the DNS. Correct it.")
        sender = sender_of(self.sender).domain.lower()
        domain = self.dkim_domain.lower()
        if sender != domain and not sender.endswith(f".{domain}"):
            raise ValueError(
                "The DKIM domain is not the domain of the sender or one above it, so DMARC would "
                "not accept the signature. Correct it."
            )
        self.signer()
        return self

    def signer(self) -> Signer | None:
        """What signs its messages; None where the mail server does."""
        key = self.dkim_key.get_secret_value()
        return Signer(key, self.dkim_domain, self.dkim_selector) if key else None
