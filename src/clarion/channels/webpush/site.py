"""What a website needs: the script that subscribes, the service worker, and how to put them in."""

import json
from collections.abc import Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from clarion.channels import payloads
from clarion.channels.contract import BadIdError
from clarion.channels.subscriptions import (
    Places,
    PublicFile,
    Snippet,
    Subscription,
    SubscriptionRefused,
)
from clarion.channels.webpush import ids
from clarion.channels.webpush.config import WebPushConfig
from clarion.channels.webpush.profiles import read_profile

WORKER: Final = "worker.js"
PAGE: Final = "subscribe.js"
_FOLDER: Final = Path(__file__).parent
_SCRIPT: Final = "text/javascript; charset=utf-8"
_MOST: Final = 50  # attributes, and tags, of one profile


def public_file(name: str, places: Places, config: WebPushConfig, public: str) -> PublicFile | None:
    """One of the two scripts, with the settings of the channel before it."""
    if name not in (WORKER, PAGE):
        return None
    settings = {"hook": places.hook, "subscribe": places.subscribe, "key": public}
    if name == PAGE:
        settings["worker"] = config.worker_url
    # JSON in a script of its own: no HTML around it, and U+2028 is escaped.
    head = f"const CLARION = {json.dumps(settings)};\n"
    return PublicFile(_SCRIPT, head.encode() + _source(name))


def snippets(places: Places, config: WebPushConfig, public: str) -> tuple[Snippet, ...]:
    """What to put on the website: the service worker, the script, a button."""
    return (
        Snippet(
            "1. Service worker",
            f"Save this line as a file of your website, at {config.worker_url}. Browsers accept a "
            "service worker from the website itself only.",
            f'importScripts("{places.subscribe}{WORKER}");',
        ),
        Snippet(
            "2. Script",
            "Add this to the pages on which visitors can subscribe.",
            f'<script src="{places.subscribe}{PAGE}" defer></script>',
        ),
        Snippet(
            "3. Button",
            "Browsers ask for permission only after a click. Add a button and this script to your "
            "own JavaScript. clarionPush.unsubscribe() ends the subscription, clarionPush.state() "
            "returns subscribed, unsubscribed, blocked or unsupported.",
            'document.querySelector("#notify").addEventListener("click", () =>\n'
            "  clarionPush.subscribe().catch((error) => console.error(error)));",
        ),
        Snippet(
            "Public key",
            "Browsers bind every subscription to this key (VAPID). The script above contains it.",
            public,
        ),
    )


def subscription_of(body: bytes, at: datetime, config: WebPushConfig) -> Subscription:
    """What a website's visitor posted. Raises SubscriptionRefused."""
    try:
        fields = payloads.object_of(body)
        type_ = fields.get("type")
        subscription = _stated(fields.get("subscription"))
        replaced = str(_stated(fields.get("old"))) if type_ == "renew" else ""
    except BadIdError as error:
        raise SubscriptionRefused(f"{str(error)[0].upper()}{str(error)[1:]}.") from None
    except ValueError as error:
        raise SubscriptionRefused(str(error).replace("The callback", "The request")) from None
    _check_service(subscription, config)
    is_wanted = type_ != "unsubscribe"
    token = fields.get("profile")
    profile: Mapping[str, Any] = {}
    if is_wanted and isinstance(token, str) and token:
        profile = read_profile(token, config.profile_secret.get_secret_value(), at)
    attributes, tags = profile.get("attributes", {}), profile.get("tags", [])
    if not isinstance(attributes, dict) or not isinstance(tags, list):
        raise SubscriptionRefused("In a profile, attributes is an object and tags is a list.")
    if len(attributes) > _MOST or len(tags) > _MOST:
        raise SubscriptionRefused(f"A profile has at most {_MOST} attributes and {_MOST} tags.")
    return Subscription(
        str(subscription),
        is_wanted,
        is_update=type_ == "update",
        replaces=replaced,
        consent=config.consent,
        name=payloads.text(profile.get("name"), 200),
        language=payloads.text(profile.get("language"), 35),
        attributes={title: "" if value is None else value for title, value in attributes.items()},
        tags=tuple(str(tag) for tag in tags),
    )


def _stated(value: object) -> ids.Subscription:
    return ids.read(json.dumps(value) if isinstance(value, dict) else "")


def _check_service(subscription: ids.Subscription, config: WebPushConfig) -> None:
    """Anybody can post a subscription: what is not a push service is refused at once.

    The transport refuses private addresses as well, when it connects.
    """
    parts = urlsplit(subscription.endpoint)
    if parts.scheme != "https" and not config.allow_private:
        raise SubscriptionRefused("The endpoint of a subscription begins with https://.")
    host = parts.netloc.lower()
    if not any(fnmatchcase(host, pattern) for pattern in config.services.split()):
        raise SubscriptionRefused(
            f"{host} is not one of the push services of this channel. A manager can add it."
        )


@lru_cache(maxsize=2)
def _source(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()
