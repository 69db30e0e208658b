"""A message as messages.send takes it: https://dev.vk.com/method/messages.send.

Keyboards: https://dev.vk.com/api/bots/development/keyboard.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from clarion.channels.contract import Limits, Outgoing, Unsendable
from clarion.channels.fitting import ensure_fits, sent_back
from clarion.kit.parts import Button

VERSION = "5.199"
TEXT = 4_096  # characters. The schema says 9,000; beyond 4,096, error 914 was seen
BUTTONS = 10  # of an inline keyboard, in up to six rows
RECIPIENTS = 100  # of one request, as peer_ids
_ROWS = 6
_LABEL = 40  # characters
_PAYLOAD = 255  # characters of JSON


def content_of(message: Outgoing, limits: Limits, label: str) -> dict[str, str]:
    """What a message says, without its recipients. Raises Unsendable for what VK does not take."""
    fields = {"message": message.text, "v": VERSION}
    if message.media or message.buttons or message.template:
        ensure_fits(message, limits, label)
        fields["keyboard"] = json.dumps(_keyboard(message), ensure_ascii=False)
    return fields


def body_of(messages: Sequence[Outgoing], content: Mapping[str, str]) -> bytes:
    """The form of one message, or of the same one to several."""
    peers = ",".join(message.to for message in messages)
    recipients = {"peer_ids" if len(messages) > 1 else "peer_id": peers}
    fields = {**recipients, "random_id": str(random_id(messages)), **content}
    return urlencode(fields, errors="replace").encode()


def random_id(messages: Sequence[Outgoing]) -> int:
    """A positive number of 31 bits, the same for every attempt of these messages.

    “Unique in connection with the API id and the sender, to prevent the same message from being
    sent again.” https://vk.com/dev/messages.send of 2019 said that it is compared with the whole
    history of messages; today's page names no time, so that nothing is built on it.
    """
    text = "\n".join(f"{each.id}\n{each.to}" for each in messages).encode("utf-8", "replace")
    return int.from_bytes(sha256(text).digest()[:4], "big") % (2**31 - 1) + 1


def _keyboard(message: Outgoing) -> dict[str, Any]:
    keys = [{"action": _action(each)} for each in message.buttons]
    width = 1 if len(keys) <= _ROWS else 2
    rows = [keys[start : start + width] for start in range(0, len(keys), width)]
    # one_time is required by the schema, though inline keyboards stay where they are.
    return {"one_time": False, "inline": True, "buttons": rows}


def _action(button: Button) -> dict[str, str]:
    if len(button.label) > _LABEL:
        raise Unsendable(f"VK accepts at most {_LABEL} characters on a button. Shorten it.")
    if button.kind == "link":
        return {"type": "open_link", "link": button.value, "label": button.label}
    payload = json.dumps({"button": sent_back(button)}, ensure_ascii=False)
    if len(payload) > _PAYLOAD:
        raise Unsendable("A reply button sends back more than VK accepts: about 240 characters.")
    return {"type": "text", "label": button.label, "payload": payload}
