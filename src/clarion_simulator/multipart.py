"""Reading multipart/form-data (RFC 7578), as strictly as a provider that wants no surprises."""

import re
from typing import NamedTuple

_BOUNDARY = re.compile(rb'boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE)
_NAME = re.compile(rb'[;\s]name="([^"\r\n]*)"', re.IGNORECASE)
_FILE_NAME = re.compile(rb'[;\s]filename="([^"\r\n]*)"', re.IGNORECASE)
_TYPE = re.compile(rb"(?:^|\r\n)content-type:[ \t]*([^\r\n]*)", re.IGNORECASE)
_DISPOSITION = re.compile(rb"(?:^|\r\n)content-disposition:([^\r\n]*)", re.IGNORECASE)


class File(NamedTuple):
    """One uploaded file."""

    name: str
    content_type: str
    data: bytes


def read(content_type: bytes, body: bytes) -> tuple[dict[str, str], dict[str, File]]:
    """The texts and the files of a form, by field. ValueError for what is no such form."""
    match = _BOUNDARY.search(content_type)
    if match is None:
        raise ValueError("The form has no boundary")
    line = b"--" + (match[1] or match[2])
    pieces = (b"\r\n" + body).split(b"\r\n" + line)
    if len(pieces) < 2 or pieces[0] or pieces[-1].rstrip() != b"--":
        raise ValueError("The form does not end")
    texts: dict[str, str] = {}
    files: dict[str, File] = {}
    for piece in pieces[1:-1]:
        head, blank, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        disposition = _DISPOSITION.search(head)
        name = _NAME.search(disposition[1]) if disposition else None
        if not blank or not piece.startswith(b"\r\n") or disposition is None or name is None:
            raise ValueError("A part of the form has no name")
        field = name[1].decode()
        if field in texts or field in files:
            raise ValueError("Two parts of the form have the same name")
        file = _FILE_NAME.search(disposition[1])
        if file is None:
            texts[field] = content.decode()
        else:
            kind = _TYPE.search(head)
            files[field] = File(file[1].decode(), kind[1].decode() if kind else "", content)
    return texts, files
