"""A message as the service worker gets it."""

import json
from typing import Any, Final

from clarion.channels.contract import Limits, Outgoing, Unsendable
from clarion.channels.fitting import ensure_fits, sent_back
from clarion.channels.webpush import ids
from clarion.channels.webpush.config import WebPushConfig
from clarion.channels.webpush.encryption import encrypt
from clarion.channels.webpush.keys import decoded
from clarion.channels.webpush.reports import proof

# Push services must take 4,096 bytes (RFC 8030 section 7.2), of which 3,993 remain for the message.
# Firefox on Android takes less: about 3,000 are safe everywhere.
LARGEST: Final = 3_000  # bytes
TOO_LARGE: Final = (
    f"With its links and picture, the message is larger than the {LARGEST:,} bytes that all push "
    "services accept. Shorten it."
)


def subscription_of(to: str) -> ids.Subscription:
    """The subscription that a message goes to. Raises Unsendable for one without its keys.

    It was checked when it was stored; to do that again costs as much as to encrypt.
    """
    parts = to.split(" ")
    if len(parts) != 3:
        raise Unsendable("This subscription has no keys. The contact must subscribe again.")
    return ids.Subscription(*parts)


def encrypted(payload: bytes, subscription: ids.Subscription) -> bytes:
    """The body of a push message. Raises Unsendable for keys that are damaged."""
    try:
        return encrypt(payload, decoded(subscription.p256dh), decoded(subscription.auth))
    except ValueError:
        raise Unsendable("The keys of this subscription are damaged.") from None


def payload_of(
    message: Outgoing, endpoint: str, config: WebPushConfig, limits: Limits, label: str
) -> bytes:
    """What is encrypted: JSON, empty fields left out. Raises Unsendable for what does not fit."""
    if message.media or message.buttons or message.template:
        ensure_fits(message, limits, label)
    fields: dict[str, Any] = {
        "id": message.id,
        "title": message.title or config.title,
        "body": message.text,
        "url": config.site,
    }
    if config.icon:
        fields["icon"] = config.icon
    if message.language:
        fields["lang"] = message.language
    if message.media:
        if not message.media.url:
            raise Unsendable(
                "Web Push needs the public URL of a picture. Set CLARION_PUBLIC_URL, or use a "
                "picture that has a URL."
            )
        fields["image"] = message.media.url
    if message.buttons:
        fields["buttons"] = [
            {"kind": each.kind, "label": each.label, "value": sent_back(each)}
            for each in message.buttons
        ]
        links = [each.value for each in message.buttons if each.kind == "link"]
        fields["url"] = links[0] if links else config.site
    secret = config.webhook_secret.get_secret_value()
    if secret:
        fields["to"] = ids.compared(endpoint)
        fields["proof"] = proof(secret, message.id, fields["to"])
    raw = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    if len(raw) > LARGEST:
        raise Unsendable(TOO_LARGE)
    return raw
