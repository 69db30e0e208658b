"""A form with a file in it: multipart/form-data (RFC 7578)."""

import hashlib
from collections.abc import Mapping

from clarion.channels.files import content_type, file_name
from clarion.kit.parts import Media

_BOUNDARY = "clarion-form-boundary"


def form(fields: Mapping[str, str], name: str, media: Media) -> tuple[str, bytes]:
    """The Content-Type and the body of a form of texts and one file called ``name``.

    Pure: the same form has the same bytes. The boundary stands in none of the parts, so that no
    file and no text can start a field of its own. Needs ``media.data``.
    """
    parts = [
        (f'Content-Disposition: form-data; name="{field}"', value.encode("utf-8", "replace"))
        for field, value in fields.items()
    ]
    head = (
        f'Content-Disposition: form-data; name="{name}"; filename="{file_name(media)}"\r\n'
        f"Content-Type: {content_type(media)}"
    )
    parts.append((head, media.data or b""))
    boundary = _boundary([content for _, content in parts])
    pieces = [
        piece
        for head, content in parts
        for piece in (f"--{boundary}\r\n{head}\r\n\r\n".encode(), content, b"\r\n")
    ]
    body = b"".join([*pieces, f"--{boundary}--\r\n".encode()])
    return f"multipart/form-data; boundary={boundary}", body


def _boundary(contents: list[bytes]) -> str:
    if not any(_BOUNDARY.encode() in content for content in contents):
        return _BOUNDARY
    # Nobody can write a text that holds the hash of itself.
    digest = hashlib.sha256()
    for content in contents:
        digest.update(b"%d:" % len(content) + content)
    return f"{_BOUNDARY}-{digest.hexdigest()[:32]}"
