"""Logging in with OAuth 2 in the place of passwords, as Microsoft 365 and Google want it.

Scopes: learn.microsoft.com/exchange/client-developer/legacy-protocols/
how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth (https://outlook.office365.com/
.default for a client's own credentials), developers.google.com/workspace/gmail/imap/
xoauth2-protocol (https://mail.google.com/).
"""

from typing import Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, JsonValue, SecretStr, field_validator, model_validator

from clarion.channels.urls import checked_url
from clarion.transport.messages import OAuth

GROUP: Final = "OAuth 2"
# They, or the tokens that they get, go to the token server and to the mail servers.
SECRETS: Final[list[JsonValue]] = ["oauth_client_secret", "oauth_refresh_token"]
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class OAuthConfig(BaseModel):
    """The settings of a channel by which access tokens are got."""

    oauth_login: Literal["none", "both", "smtp", "mailbox"] = Field(
        default="none",
        title="Log in with OAuth 2",
        description="In the place of the passwords, as Microsoft 365 requires.",
        json_schema_extra={
            "group": GROUP,
            "labels": {
                "none": "No",
                "both": "SMTP server and mailbox",
                "smtp": "SMTP server",
                "mailbox": "Mailbox",
            },
        },
    )
    oauth_token_url: str = Field(
        default="",
        title="Token URL",
        description="Microsoft 365: "
        "https://login.microsoftonline.com/TENANT/oauth2/v2.0/token. Google: "
        "https://oauth2.googleapis.com/token.",
        json_schema_extra={"group": GROUP, "receives": SECRETS},
    )
    oauth_client_id: str = Field(
        default="",
        title="Client ID",
        description="Of the app that is registered with the mail provider.",
        json_schema_extra={"group": GROUP},
    )
    oauth_client_secret: SecretStr = Field(
        default=SecretStr(""), title="Client secret", json_schema_extra={"group": GROUP}
    )
    oauth_refresh_token: SecretStr = Field(
        default=SecretStr(""),
        title="Refresh token",
        description="Of the mailbox's user. Leave it empty if the app logs in by itself "
        "(client credentials), as with Microsoft 365.",
        json_schema_extra={"group": GROUP},
    )
    oauth_scope: str = Field(
        default="",
        title="Scope",
        description="Microsoft 365: https://outlook.office365.com/.default. Google: "
        "https://mail.google.com/, or leave it empty with a refresh token.",
        json_schema_extra={"group": GROUP},
    )

    @field_validator("oauth_token_url")
    @classmethod
    def _is_token_url(cls, value: str) -> str:
        url = checked_url(value.strip()) if value.strip() else ""
        parts = urlsplit(url)
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise ValueError("Client secrets must not be sent unencrypted. Use an https:// URL.")
        return url

    @model_validator(mode="after")
    def _can_get_tokens(self) -> "OAuthConfig":
        secret = self.oauth_client_secret.get_secret_value()
        if self.oauth_login == "none":
            # Secrets are kept, so that one may go back to passwords and return.
            return self
        if not (self.oauth_token_url and self.oauth_client_id and secret):
            raise ValueError("OAuth 2 needs token URL, client ID and client secret. Fill in all.")
        if not (self.oauth_refresh_token.get_secret_value() or self.oauth_scope):
            raise ValueError("OAuth 2 without a refresh token needs a scope. Fill in one of them.")
        return self

    @property
    def smtp_oauth(self) -> OAuth | None:
        """How the token for the SMTP server is got; None where that takes the password."""
        return self._oauth if self.oauth_login in ("both", "smtp") else None

    @property
    def mailbox_oauth(self) -> OAuth | None:
        """How the token for the mailbox of bounces is got; None where that takes the password."""
        return self._oauth if self.oauth_login in ("both", "mailbox") else None

    @property
    def _oauth(self) -> OAuth:
        return OAuth(
            self.oauth_token_url,
            self.oauth_client_id,
            self.oauth_client_secret.get_secret_value(),
            self.oauth_refresh_token.get_secret_value(),
            self.oauth_scope,
            allow_private=True,  # as the mail servers themselves
        )
