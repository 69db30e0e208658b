"""What a webhook message carries beside its text, as JSON."""

import json
from base64 import b64encode
from functools import lru_cache
from typing import Any

from clarion.channels.contract import Outgoing
from clarion.channels.fitting import sent_back
from clarion.kit.parts import Media


def parts_of(message: Outgoing) -> list[bytes]:
    """The fields “media”, “buttons” and “template”, those that there are, a comma before each.

    In pieces, for the bytes of an upload are copied once only. They go along in base64 where there
    is no address to get them from.
    """
    pieces = []
    if message.media is not None:
        pieces += _media(message.media)
    if message.buttons:
        buttons = [
            {"kind": each.kind, "label": each.label, "value": sent_back(each)}
            for each in message.buttons
        ]
        pieces.append(b',"buttons":' + _json(buttons))
    if message.template is not None:
        template = message.template
        named = {"name": template.name, "language": template.language}
        pieces.append(b',"template":' + _json({**named, "variables": list(template.variables)}))
    return pieces


def _media(media: Media) -> list[bytes]:
    named = {"url": media.url, "name": media.name, "content_type": media.content_type}
    fields = {"kind": media.kind, **{name: value for name, value in named.items() if value}}
    opened = b',"media":' + _json(fields)
    if media.url:
        return [opened]
    # Base64 needs no escaping, and looking through megabytes for what does takes long.
    return [opened[:-1], b',"data":"', _base64(media.data or b""), b'"}']


@lru_cache(maxsize=2)
def _base64(data: bytes) -> bytes:
    """Kept for the next person: all of a broadcast get the same bytes."""
    return b64encode(data)


def _json(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")
