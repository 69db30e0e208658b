"""Uploaded images and files: checked, kept in the data folder, and given out by their token."""

import hashlib
import mimetypes
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import quote

from django.conf import settings

from clarion.content.errors import ContentError, UnreadableUploadError
from clarion.content.models import Layout, StoryVersion, Upload
from clarion.kit import clock, ids
from clarion.kit.parts import Media
from clarion.kit.text import clean
from clarion.kit.weighed_cache import WeighedCache

LARGEST: Final = 10 * 1024 * 1024  # bytes
UNUSED: Final = timedelta(days=7)  # for which an upload that nothing uses is kept
_HELD: Final = 48 * 1024 * 1024  # bytes of uploads that are being sent
TOKEN = re.compile(r"[a-z0-9]{12,16}")
_URL = re.compile(r"/media/([a-z0-9]{12,16})/")
_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]{0,60}")
# A browser would run these, and they come from this server's own name.
_ACTIVE = re.compile(r"html|xml|script|ecma|css")
_UNKNOWN = "application/octet-stream"
_CHECK_FOLDER = "Check the folder “media” in its data folder."
_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|]+")


def save_upload(
    name: str, content_type: str, chunks: Iterable[bytes], *, image: bool = False
) -> Upload:
    """Keep an upload; the same bytes under the same name are kept once.

    An image is told by its first bytes, whatever its name says. Raises ContentError for more than
    10 MB, for nothing, and for what is no image where ``image`` is asked for.
    """
    data = _collected(chunks)
    image_type = _image_type(data)
    if image and not image_type:
        raise ContentError("This is no PNG, JPEG, GIF or WebP image. Choose another file.")
    row = Upload(
        token=ids.token(16),
        name=_file_name(name),
        content_type=image_type or _file_type(name, content_type),
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )
    same = Upload.objects.filter(
        sha256=row.sha256, name=row.name, content_type=row.content_type
    ).first()
    if same is not None and path(same.token).exists():
        same.created_at = clock.now()  # from today on it may be unused for a week again
        same.save(update_fields=["created_at"])
        return same
    with path(row.token).open("xb") as file:
        file.write(data)
    row.save()
    return row


def delete_unused(used_elsewhere: Callable[[], Iterable[str]] = tuple) -> int:
    """Delete uploads that are a week old and in no version of a story, no layout, and not used
    elsewhere; return how many.

    ``used_elsewhere``: tokens that are kept; it is asked only if there is something to delete.
    """
    old = Upload.objects.filter(created_at__lt=clock.now() - UNUSED)
    if not old.exists():
        return 0
    versions = StoryVersion.objects.values_list("blocks", flat=True).iterator(chunk_size=500)
    used = {token for blocks in versions for token in _tokens(blocks)}
    for html in Layout.objects.filter(html__contains="/media/").values_list("html", flat=True):
        used |= set(tokens_in(html))
    unused = [row for row in old.order_by("pk") if row.token not in used]
    kept = set(used_elsewhere()) if unused else set[str]()
    unused = [row for row in unused if row.token not in kept]
    for row in unused:
        row.delete()
        path(row.token).unlink(missing_ok=True)
    return len(unused)


def tokens_in(text: str) -> list[str]:
    """The tokens of the uploads whose URLs are in a text."""
    return _URL.findall(text)


def _tokens(value: Any) -> Iterator[str]:
    """Every text within blocks that may be the token of an upload."""
    if isinstance(value, str):
        if TOKEN.fullmatch(value):
            yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _tokens(part)


_held = WeighedCache[bytes](_HELD, len)


def hold(described: Media) -> Media:
    """What was described or measured with its bytes, which are read once for many messages.

    It needs no database, so that the loop of a worker can call it. Raises UnreadableUploadError:
    an upload that is in use is deleted by nobody, so a missing file is the machine's trouble.
    """

    def read_file() -> bytes:
        try:
            data = path(described.token).read_bytes()
        except OSError as error:
            raise _unreadable(described.name, error) from None
        if len(data) != described.unread:
            raise UnreadableUploadError(
                f"The file of the upload “{described.name}” has {len(data):,} bytes on this "
                f"machine instead of {described.unread:,}. {_CHECK_FOLDER}"
            )
        return data

    return replace(described, data=_held.get(described.token, read_file), unread=0)


def describe(token: str) -> Media:
    """An upload without its bytes, by its row alone: the file is not looked at. Raises
    ContentError for one that does not exist."""
    row = find(token)
    return _described(row, row.size)


def measure(token: str) -> Media:
    """As ``describe``, with the size of its file. Raises ContentError."""
    row = find(token)
    try:
        size = path(token).stat().st_size
    except FileNotFoundError:
        raise _gone(row.name) from None
    except OSError as error:
        raise _unreadable(row.name, error) from None
    return _described(row, size)


def _described(row: Upload, size: int) -> Media:
    return Media(
        _kind(row),
        _public_url(row),
        row.name,
        row.content_type,
        unread=size,
        token=row.token,
        sha256=row.sha256,
    )


def _public_url(row: Upload) -> str:
    base = settings.CLARION.public_url.rstrip("/")
    return f"{base}{address(row)}" if base else ""


def _gone(name: str) -> ContentError:
    return ContentError(f"The upload “{name}” no longer exists. Upload it again.")


def _unreadable(name: str, error: OSError) -> UnreadableUploadError:
    why = error.strerror or type(error).__name__
    return UnreadableUploadError(
        f"The file of the upload “{name}” can't be read on this machine ({why}). {_CHECK_FOLDER}"
    )


def glance(token: str) -> Media:
    """An upload for pages of this server: no bytes, an address within it. Raises ContentError."""
    row = find(token)
    return Media(_kind(row), address(row), row.name, row.content_type)


def find(token: str) -> Upload:
    """The row of an upload. Raises ContentError."""
    row = Upload.objects.filter(token=token).first()
    if row is None:
        raise ContentError("There is no such upload. Upload it again.")
    return row


def _kind(row: Upload) -> Literal["image", "file"]:
    return "image" if is_image(row) else "file"


def read(row: Upload) -> bytes:
    """The bytes of an upload. Raises ContentError when its file is gone, UnreadableUploadError
    when it can't be read now."""
    try:
        return path(row.token).read_bytes()
    except FileNotFoundError:
        raise _gone(row.name) from None
    except OSError as error:
        raise _unreadable(row.name, error) from None


def address(row: Upload) -> str:
    """Where this server gives the upload out, to anybody who knows its token."""
    return f"/media/{row.token}/{quote(row.name, safe='')}"


def is_image(row: Upload) -> bool:
    """Whether it can stand in an image block."""
    return row.content_type.startswith("image/")


def path(token: str) -> Path:
    """Where the bytes of that token are. Raises ContentError for what is no token."""
    if not TOKEN.fullmatch(token):
        raise ContentError("There is no such upload. Upload it again.")
    folder = Path(settings.CLARION.data) / "media"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / token


def _collected(chunks: Iterable[bytes]) -> bytes:
    data = bytearray()
    for chunk in chunks:
        data += chunk
        if len(data) > LARGEST:
            raise ContentError("The file is larger than 10 MB. Choose a smaller one.")
    if not data:
        raise ContentError("The file is empty. Choose another one.")
    return bytes(data)


def _image_type(data: bytes) -> str:
    """The type of an image that every channel and browser knows, else nothing."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return ""


def _file_type(name: str, declared: str) -> str:
    """The type of anything else; never one that a browser would run or take for an image."""
    declared_type = declared.partition(";")[0].strip().lower()
    if not _TYPE.fullmatch(declared_type) or declared_type == _UNKNOWN:
        declared_type = mimetypes.guess_type(name)[0] or _UNKNOWN
    return (
        _UNKNOWN
        if declared_type.startswith("image/") or _ACTIVE.search(declared_type)
        else declared_type
    )


def _file_name(name: str) -> str:
    last = re.split(r"[/\\]", clean(name, 1_000))[-1]
    tidy = _NOT_IN_NAMES.sub("_", last).strip(". ")
    stem, dot, suffix = tidy.rpartition(".")
    if len(tidy) > 100 and dot and len(suffix) <= 10:
        tidy = f"{stem[: 99 - len(suffix)]}.{suffix}"
    return tidy[:100] or "file"
