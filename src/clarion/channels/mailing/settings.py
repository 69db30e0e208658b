"""Settings that the kinds of e-mail with a provider's API have in common."""

from pydantic import BaseModel, ConfigDict, Field, field_validator

from clarion.channels.mailing.mailboxes import mailbox, sender_of


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
