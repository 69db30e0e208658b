"""What Meta documents about direct messages: its Send API, and the examples of its callbacks.

Meta publishes no schema of them. The pages are those of
https://developers.facebook.com/documentation/business-messaging.
"""

import json
from datetime import UTC, datetime
from typing import Any

from channels.direct import ACCOUNT, callback, item
from channels.published import Documented, Parts, Published
from clarion.channels.contract import Event, Inbound
from clarion.transport.messages import HttpRequest

PSID = "1254477777772919"
AT = datetime(2016, 3, 23, 0, 25, 52, 478_000, UTC)  # 1458692752478
MID = "mid.1457764197618:41d102a3e1ae206a38"


def published(kind: str, about: str, pages: str, *more: Documented) -> Published:
    """Those of one kind. ``about``: what its callbacks are about; ``pages``: where the examples
    stand that all kinds with direct messages share."""
    written = {"mid": MID, "text": "hello, world!"}
    pressed = {"mid": MID, "text": "Red", "quick_reply": {"payload": "red-1"}}
    postback = {"mid": MID, "title": "Get started", "payload": "USER_DEFINED_PAYLOAD"}
    reaction = {"mid": MID, "action": "react", "reaction": "love", "emoji": "❤️"}
    shared = (
        ("messages", {"message": written}, Inbound(PSID, MID, "hello, world!", AT)),
        ("messages", {"message": pressed}, Inbound(PSID, MID, "Red", AT, button="red-1")),
        (
            "messaging-postbacks",
            {"postback": postback},
            Inbound(PSID, MID, "Get started", AT, button="USER_DEFINED_PAYLOAD"),
        ),
        (
            "message-reactions",
            {"reaction": reaction},
            Inbound(
                PSID, f"reaction-1458692752478-{MID}", "Reaction: ❤️", AT,
                payload={"media": "reaction"},
            ),
        ),
    )  # fmt: skip
    return Published(
        kind=kind,
        request=_body,
        documented=(
            *(
                example(
                    about,
                    f"{pages}#{page}" if pages.endswith("examples") else f"{pages}/{page}",
                    part,
                    event,
                )
                for page, part, event in shared
            ),
            *more,
        ),
    )


def example(about: str, source: str, part: dict[str, Any], *events: Event) -> Documented:
    """A callback about one event, at the moment that Meta's examples have."""
    return Documented(source, callback(about, item(person=PSID, at=1458692752478, **part)), events)


def _body(request: HttpRequest) -> Parts:
    if "/subscribed_apps" in request.url:
        assert request.url.partition("?subscribed_fields=")[2]
        return [("subscribed_apps", json.loads(request.body))]
    assert request.url.endswith(("/me/messages", f"/{ACCOUNT}/messages"))
    return [("create_message", json.loads(request.body))]
