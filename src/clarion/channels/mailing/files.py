"""Files in an e-mail, encoded once for all recipients: in the message, and in base64 of it."""

import hashlib
import re
from base64 import b64encode, encodebytes
from collections.abc import Hashable, Iterable
from functools import partial
from typing import Final
from urllib.parse import quote

from clarion.channels.contract import Limits, Unsendable
from clarion.channels.files import content_type, file_name
from clarion.kit.parts import Media
from clarion.kit.weighed_cache import WeighedCache

KEPT: Final = 48 * 1024 * 1024  # bytes of each cache
RELATED, ATTACHED = "=_picture", "=_attached"  # boundaries, see building
_PLAIN_NAME: Final = re.compile(r"[\x20-\x7e]+")
_LINE: Final = 57  # bytes of a file in a line of base64 (RFC 2045 6.8)
_LINE_LENGTH: Final = 78  # with its end
_HEAD: Final = 400  # bytes of the headers of a part, at about the most
MB: Final = 1_000_000  # bytes, as providers count

_tails = WeighedCache[bytes](KEPT, len)
_encoded = WeighedCache[bytes](KEPT, len)


def content_id_of(media: Media) -> str:
    """The Content-ID of a picture: the same for the same bytes."""
    digest = media.sha256 or hashlib.sha256(media.data or b"").hexdigest()
    return f"{digest[:32]}@clarion"


def identity(media: Media) -> Hashable:
    """What two files that are the same in every message have in common."""
    # One that is only measured has the digest of the bytes that it lacks.
    content = media.data if media.data is None else media.sha256 or media.data
    return media.name, media.content_type, media.kind, media.content_id, content, media.unread


def tail_of(inline: tuple[Media, ...], attached: tuple[Media, ...]) -> bytes:
    """What follows the texts of a message with these files, to its end; empty without files.

    Its lines end in CRLF, none begins with a dot or ends with a space: neither SMTP nor DKIM
    changes any.
    """
    if not inline and not attached:
        return b""
    key = (tuple(map(identity, inline)), tuple(map(identity, attached)))
    return _tails.get(key, partial(_tail, inline, attached))


def closing(*, inline: bool, attached: bool) -> bytes:
    """The end of a message whose files are left out."""
    ends = [*([RELATED] if inline else []), *([ATTACHED] if attached else [])]
    return "".join(f"--{boundary}--\r\n" for boundary in ends).encode()


def base64_of(head: bytes, tail: bytes) -> bytes:
    """The base64 of both as one; that of the tail is made once."""
    if not tail:
        return b64encode(head)
    cut = -len(head) % 3
    rest = _encoded.get((tail, cut), lambda: b64encode(tail[cut:]))
    return b64encode(head + tail[:cut]) + rest


def size_in_mail(size: int) -> int:
    """About how many bytes a file of this size takes in a message: base64 adds 37 %."""
    return -(-size // _LINE) * _LINE_LENGTH + _HEAD


def in_megabytes(size: int) -> str:
    """A size for people, such as “1.4 MB”."""
    return f"{max(size / MB, 0.1):,.1f} MB"


def too_large(size: int, limits: Limits, label: str) -> str:
    """The sentence for an e-mail of more bytes than a kind transfers; empty where it fits."""
    if size <= limits.mail_size:
        return ""
    return (
        f"The e-mail would have {in_megabytes(size)} with its files; {label} accepts at most "
        f"{limits.mail_size // MB} MB. Remove a file, or link to it instead."
    )


def refused_file(files: Iterable[Media], limits: Limits, label: str) -> str:
    """The sentence for the first file of a type that a kind never accepts; empty without one."""
    for media in files:
        ending = file_name(media).rpartition(".")[2].lower()
        if ending in limits.refused_files:
            return (
                f"{label} accepts no .{ending} files. Remove “{file_name(media)}”, or link to it."
            )
    return ""


def ensure_files(files: Iterable[Media], limits: Limits, label: str) -> None:
    """Raise Unsendable with a sentence for a file of a type that a kind never accepts."""
    if sentence := refused_file(files, limits, label):
        raise Unsendable(sentence)


def _tail(inline: tuple[Media, ...], attached: tuple[Media, ...]) -> bytes:
    pieces: list[bytes] = []
    for boundary, disposition, files in (
        (RELATED, "inline", inline),
        (ATTACHED, "attachment", attached),
    ):
        for media in files:
            pieces += [f"--{boundary}\r\n".encode(), _entity(media, disposition)]
        if files:
            pieces.append(f"--{boundary}--\r\n".encode())
    return b"".join(pieces)


def _entity(media: Media, disposition: str) -> bytes:
    """A MIME part with the bytes of a file."""
    name = file_name(media)
    if _PLAIN_NAME.fullmatch(name):
        written = f'filename="{name}"'
    else:
        # On a line of its own: a long name of foreign letters fills one (RFC 2231, RFC 5322 2.1.1).
        written = f"filename*=utf-8''{quote(name, safe='')}"
    lines = [
        f"Content-Type: {content_type(media)}",
        "Content-Transfer-Encoding: base64",
        *([f"Content-ID: <{media.content_id}>"] if media.content_id else []),
        f"Content-Disposition: {disposition};\r\n {written}",
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + encodebytes(media.data or b"").replace(b"\n", b"\r\n")
