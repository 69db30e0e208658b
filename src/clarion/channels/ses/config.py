"""What an Amazon SES channel needs to know."""

import re

from pydantic import Field, SecretStr, field_validator

from clarion.channels.groups import ADVANCED, INCOMING
from clarion.channels.mailing.settings import MailApiConfig, WebhookSecret, new_webhook_secret
from clarion.channels.urls import AllowPrivate, api_root

_KEY_ID = re.compile(r"[A-Z0-9]{16,128}")
_SECRET_KEY = re.compile(r"[!-~]{16,128}")
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]{2,10}){1,3}-[0-9]{1,2}")
_SET = re.compile(r"[A-Za-z0-9_-]{0,64}")
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:([a-z0-9-]{1,40}):[0-9]{12}:[A-Za-z0-9_-]{1,256}")


class SesConfig(MailApiConfig):
    """What an Amazon SES channel needs to know."""

    access_key_id: str = Field(
        title="Access key id",
        description="Of an IAM user with the permissions ses:SendEmail, ses:SendRawEmail and "
        "ses:GetAccount, and sns:Subscribe to register the webhook.",
    )
    secret_access_key: SecretStr = Field(title="Secret access key")
    session_token: SecretStr = Field(
        default=SecretStr(""),
        title="Session token",
        description="Only for temporary keys. It expires with them.",
        json_schema_extra={"group": ADVANCED},
    )
    region: str = Field(title="Region", description="For example eu-central-1.")
    configuration_set: str = Field(
        default="",
        title="Configuration set",
        description="Its event destination is the SNS topic below. Without one, SES reports no "
        "deliveries, bounces or complaints.",
    )
    topic_arn: str = Field(
        default="",
        title="SNS topic",
        description="The ARN of the topic for SES events, for example "
        "arn:aws:sns:eu-central-1:123456789012:ses-events. Callbacks of other topics are refused.",
        json_schema_extra={"group": INCOMING},
    )
    webhook_secret: WebhookSecret = Field(
        default_factory=new_webhook_secret,
        title="Webhook key",
        description="A part of the webhook URL that is registered at SNS, which proves that "
        "callbacks are for this channel. Clarion generates one unless you enter one.",
        json_schema_extra={"group": INCOMING},
    )
    api_root: str = Field(
        default="",
        title="API",
        description="Leave it empty to use Amazon's own URLs, or enter the simulator's URL.",
        json_schema_extra={
            "group": ADVANCED,
            "receives": ["secret_access_key", "session_token", "webhook_secret"],
        },
    )
    allow_private: AllowPrivate = False

    @field_validator("access_key_id")
    @classmethod
    def _is_key_id(cls, value: str) -> str:
        if not _KEY_ID.fullmatch(value.strip()):
            raise ValueError("An access key id looks like AKIAIOSFODNN7EXAMPLE.")
        return value.strip()

    @field_validator("secret_access_key")
    @classmethod
    def _is_secret_key(cls, value: SecretStr) -> SecretStr:
        if not _SECRET_KEY.fullmatch(value.get_secret_value()):
            raise ValueError("A secret access key has 40 characters and no spaces. Copy it again.")
        return value

    @field_validator("region")
    @classmethod
    def _is_region(cls, value: str) -> str:
        if not _REGION.fullmatch(value.strip()):
            raise ValueError("Write the region's code, for example eu-central-1.")
        return value.strip()

    @field_validator("configuration_set")
    @classmethod
    def _is_set(cls, value: str) -> str:
        if not _SET.fullmatch(value.strip()):
            raise ValueError("Write the name of the configuration set, not its ARN.")
        return value.strip()

    @field_validator("topic_arn")
    @classmethod
    def _is_topic(cls, value: str) -> str:
        if value.strip() and not _TOPIC.fullmatch(value.strip()):
            raise ValueError("Write the topic's ARN: arn:aws:sns:REGION:ACCOUNT:NAME.")
        return value.strip()

    @field_validator("api_root")
    @classmethod
    def _is_api_root(cls, value: str) -> str:
        return api_root(value, "the API") if value.strip() else ""


def region_of(topic_arn: str) -> str:
    """The region of a topic, which may be another one than that of the e-mails."""
    match = _TOPIC.fullmatch(topic_arn)
    return match[1] if match else ""
