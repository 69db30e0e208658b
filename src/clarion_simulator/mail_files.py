"""The files of an e-mail, as the log keeps them: read without decoding them, however large."""

import re
from typing import Any
from urllib.parse import unquote

_PART = re.compile(
    rb"\r\nContent-Disposition: (attachment|inline);\s+filename(\*?)=([^\r\n]+)\r\n"
    rb"(?:[^\r\n]+\r\n)*\r\n"
)


def files_in(mime: bytes) -> list[dict[str, Any]]:
    """Name, size in bytes and disposition of each part that is a file in base64."""
    files = []
    for match in _PART.finditer(mime):
        end = mime.find(b"\r\n--", match.end())
        content = mime[match.end() : end if end >= 0 else len(mime)].rstrip()
        letters = len(content) - 2 * content.count(b"\r\n")
        name = match[3].decode("ascii", "replace")
        name = unquote(name.rpartition("'")[2]) if match[2] else name.strip('"')
        size = letters * 3 // 4 - content[-2:].count(b"=")
        files.append({"name": name, "size": size, "disposition": match[1].decode("ascii")})
    return files


def parts_of(files: list[dict[str, Any]]) -> dict[str, Any] | None:
    """What ``Log.add`` takes as parts."""
    return {"files": files} if files else None
