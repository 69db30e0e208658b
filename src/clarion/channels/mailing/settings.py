"""Settings that the kinds of e-mail with a provider's API have in common."""

import re
from secrets import token_urlsafe
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator

from clarion.channels.mailing.mailboxes import mailbox, sender_of

_WEBHOOK_SECRET = re.compile(r"[!-~]{16,200}")


def new_webhook_secret() -> SecretStr:
    """What proves callbacks where the provider does not sign them; nobody can guess it."""
    return SecretStr(token_urlsafe(32))


def _is_webhook_secret(value: SecretStr) -> SecretStr:
    if value.get_secret_value() and not _WEBHOOK_SECRET.fullmatch(value.get_secret_value()):
        raise ValueError("Use 16 to 200 letters, digits and signs, without spaces.")
    return value


WebhookSecret = Annotated[SecretStr, AfterValidator(_is_webhook_secret)]


class MailApiConfig(BaseModel):
    """Who the messages of a channel are from."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    sender: str = Field(
        title="Sender",
        description="The From address, for example News <news@example.org>. Its domain must be "
        "verified with the provider.",
    )
    reply_to: str = Field(
        default="",
        title="Reply-to",
        description="Where replies are sent, if not to the sender, for example "
        "support@example.org.",
    )

    @field_validator("sender")
    @classmethod
    def _is_sender(cls, value: str) -> str:
        sender_of(value)
        return value

    @field_validator("reply_to")
    @classmethod
    def _is_reply_to(cls, value: str) -> str:
        return mailbox(value.strip()) if value.strip() else ""
