"""What a Web Push channel needs to know."""

import re
from secrets import token_urlsafe
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from clarion.channels.fitting import is_address
from clarion.channels.groups import ADVANCED, INCOMING, MESSAGES
from clarion.channels.urls import checked_url
from clarion.channels.webpush import keys

LONGEST_TTL = 2_419_200  # seconds: 28 days, the most that push services keep a message
# Of Chrome, Edge and others (Google), Firefox, Safari, and Edge on Windows.
SERVICES = "fcm.googleapis.com *.push.services.mozilla.com *.push.apple.com *.notify.windows.com"
_SERVICES = re.compile(r"\*|(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::[0-9]{1,5})?")
_TOPIC = re.compile(r"[A-Za-z0-9_-]{0,32}")  # RFC 8030 section 5.4
_MAIL = re.compile(r"mailto:[^\s@<>\"]+@[^\s@<>\"]+\.[^\s@<>\"]+")
_SMALLEST_SECRET = 16  # characters


class WebPushConfig(BaseModel):
    """What a Web Push channel needs to know."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    worker_url: str = Field(
        title="Service worker",
        description="The URL of the service worker file on your website, for example "
        "https://shop.example/clarion-worker.js. This page shows its content once the channel is "
        "added.",
    )
    subject: str = Field(
        title="Contact for push services",
        description="Where a push service can reach you about your messages: mailto:you@example.org"
        " or an https:// URL.",
    )
    site: str = Field(
        title="Website",
        description="The page that opens when a notification without a link button is clicked.",
    )
    title: str = Field(
        title="Default title",
        max_length=100,
        description="Used for messages without a title, for example the name of your website.",
    )
    icon: str = Field(
        default="", title="Icon", description="The URL of a square picture beside each message."
    )
    ttl: int = Field(
        default=86_400,
        ge=0,
        le=LONGEST_TTL,
        title="Time to live",
        description="Seconds for which a push service keeps a message for a browser that is "
        "offline, at most 28 days. With 0, only browsers that are online get it.",
        json_schema_extra={"group": MESSAGES},
    )
    urgency: Literal["very-low", "low", "normal", "high"] = Field(
        default="normal",
        title="Urgency",
        description="Devices in power-saving mode may show less urgent messages later.",
        json_schema_extra={"group": MESSAGES},
    )
    topic: str = Field(
        default="",
        title="Topic",
        description="A new message replaces one with the same topic that a push service still "
        "keeps. Up to 32 letters, digits, “-” and “_”; empty keeps all messages.",
        json_schema_extra={"group": MESSAGES},
    )
    services: str = Field(
        default=SERVICES,
        title="Push services",
        description="Hosts to which visitors' subscriptions may point, separated by spaces. Anyone "
        "can subscribe, so a subscription to another host is refused; “*” accepts all hosts.",
        json_schema_extra={"group": ADVANCED},
    )
    consent: str = Field(
        default="",
        title="Consent",
        description="The name of the consent that visitors give by subscribing. Leave it empty for "
        "none.",
    )
    profile_secret: SecretStr = Field(
        default=SecretStr(""),
        title="Profile secret",
        description="Your server uses it to sign details of a visitor: name, attributes, tags. At "
        "least 16 characters. Without it, subscriptions contain no such details.",
        json_schema_extra={"group": INCOMING},
    )
    private_key: SecretStr = Field(
        default_factory=lambda: SecretStr(keys.generate()),
        title="Private key (VAPID)",
        description="Clarion generates one unless you enter one. Subscriptions are bound to it: "
        "with another key, all contacts on this channel must subscribe again.",
        json_schema_extra={"group": ADVANCED},
    )
    webhook_secret: SecretStr = Field(
        default_factory=lambda: SecretStr(token_urlsafe(32)),
        title="Report secret",
        description="Signs what browsers report about messages. Clarion generates one unless you "
        "enter one.",
        json_schema_extra={"group": INCOMING},
    )
    allow_private: bool = Field(
        default=False,
        title="Allow private addresses",
        description="Allows push services and a website in your own network, for tests.",
        json_schema_extra={"group": ADVANCED},
    )

    @field_validator("worker_url", "site")
    @classmethod
    def _is_page(cls, value: str) -> str:
        if not is_address(value):
            raise ValueError("Enter a URL that begins with https://.")
        return checked_url(value)

    @field_validator("icon")
    @classmethod
    def _is_picture(cls, value: str) -> str:
        if value and not is_address(value):
            raise ValueError("Enter a URL that begins with https://.")
        return value

    @field_validator("subject")
    @classmethod
    def _is_subject(cls, value: str) -> str:
        if not _MAIL.fullmatch(value) and not (value.startswith("https://") and is_address(value)):
            raise ValueError("Enter mailto: and an e-mail address, or a URL with https://.")
        return value

    @field_validator("topic")
    @classmethod
    def _is_topic(cls, value: str) -> str:
        if not _TOPIC.fullmatch(value):
            raise ValueError("Use up to 32 letters, digits, “-” and “_”.")
        return value

    @field_validator("services")
    @classmethod
    def _are_hosts(cls, value: str) -> str:
        if not all(_SERVICES.fullmatch(each) for each in value.split()):
            raise ValueError("Enter host names such as *.push.example, separated by spaces.")
        return value

    @field_validator("private_key")
    @classmethod
    def _is_key(cls, value: SecretStr) -> SecretStr:
        try:
            keys.private_key(value.get_secret_value())
        except ValueError:
            raise ValueError(
                "A private key is 32 bytes in URL-safe base64. Leave it empty to generate one."
            ) from None
        return value

    @field_validator("profile_secret")
    @classmethod
    def _is_secret(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < _SMALLEST_SECRET:
            raise ValueError(f"Use at least {_SMALLEST_SECRET} characters.")
        return value
