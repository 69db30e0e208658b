"""Names and types of pictures and files, made safe for headers, disks and people's eyes."""

import re
from urllib.parse import unquote, urlsplit

from clarion.kit.parts import Media

LONGEST_NAME = 80  # characters; percent-encoded emoji of that number still fill one e-mail line
_LONGEST_ENDING = 12  # characters, the dot included
_UNSAFE = re.compile(r'[\\/:*?"<>|;%]')
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,60}")
_ENDINGS = {"image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp"}


def file_name(media: Media) -> str:
    """A name that can stand between quotes in a header and on any disk; never empty.

    Slashes, quotes, semicolons and the like become “_”, what can't be printed is dropped, a long
    name loses its middle and keeps its ending. Without a name, the address's last part serves.
    """
    name = media.name or unquote(_path(media.url).rpartition("/")[2], errors="replace")
    name = "".join(each for each in _UNSAFE.sub("_", name) if each.isprintable())
    name = " ".join(name.split()).strip(" .")
    if not name:
        noun = "picture" if media.kind == "image" else "file"
        return noun + _ENDINGS.get(content_type(media), "")
    stem, dot, ending = name.rpartition(".")
    if len(name) > LONGEST_NAME and dot and len(ending) < _LONGEST_ENDING:
        return f"{stem[: LONGEST_NAME - len(ending) - 1]}.{ending}"
    return name[:LONGEST_NAME]


def content_type(media: Media) -> str:
    """Its type, lower case; application/octet-stream where there is none or a strange one."""
    type_ = media.content_type.partition(";")[0].strip().lower()
    return type_ if _TYPE.fullmatch(type_) else "application/octet-stream"


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""
