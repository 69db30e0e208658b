"""What a journal looks like in its file: a head, then entries, then zeros up to its size.

An entry is a word of 8 bytes (length and kind in the first half, CRC-32 of the body in the second)
and a body, padded to 8 bytes. The word is written after the body and in one piece, so an entry that
the death of the process cut off begins with a zero word: it is the end of the journal.
"""

import json
import marshal
import sys
import zlib
from array import array
from dataclasses import dataclass, field, fields
from enum import IntEnum
from operator import attrgetter
from pathlib import Path
from struct import Struct
from typing import Any, Final

from clarion.records.deliveries.settle import Settlement
from clarion.records.progress import Progress

MAGIC: Final = b"ClarionJ"
HEAD = 1_024  # bytes, in which the head is padded with zeros
USED, USED_AT = b"u", HEAD - 1  # a mark of those who read it, and where it is
WORD = Struct("<II")
ID = Struct("<q")
LONGEST = (1 << 24) - 1  # bytes of a body
SETTLEMENT = tuple(f.name for f in fields(Settlement))
_values = attrgetter(*SETTLEMENT)
# Whoever wrote other entries can't be read. marshal, which is five times as fast as JSON, may
# change with Python.
VERSION = f"4 {sys.implementation.cache_tag} {marshal.version} {' '.join(SETTLEMENT)}"


class Kind(IntEnum):
    """What an entry notes."""

    CLAIMED = 1  # deliveries that the worker alone may send from now on
    BEGUN = 2  # the first byte of a delivery's message is about to leave
    ANSWERED = 3  # what is to be settled of a delivery
    BEAT = 4  # the database's heartbeat
    SHARED = 5  # the first byte of one request for these deliveries' messages is about to leave


class Mark(IntEnum):
    """What is known of a delivery that has no answer."""

    CLAIMED = 1
    BEGUN = 2  # alone
    SHARED = 3  # begun together with others, with one request


@dataclass(frozen=True, slots=True)
class Head:
    """Whose journal it is; it is believed only where all of this is so still."""

    boot: str  # of the machine; other machines have others
    inode: int  # of the file itself: a copy, in a restored data folder for example, has another
    size: int  # bytes of the file
    database: str  # the identity of the database
    beat: int  # its heartbeat when everything that is not in here had been settled


@dataclass(slots=True)
class Contents:
    """What a journal says."""

    head: Head
    beat: int  # the newest heartbeat of the database that it knows
    last: dict[int, Mark | Settlement] = field(default_factory=dict)  # by delivery
    used: bool = False  # somebody has begun to carry out what it says
    whole: bool = False  # nothing is missing at the end: what is not in here was not begun


def boot_id() -> str:
    """This machine since it was switched on (proc(5), random/boot_id)."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def pack_head(head: Head) -> bytes:
    """The head, with its padding."""
    fields = [VERSION, head.boot, head.inode, head.size, head.database, head.beat]
    body = json.dumps(fields).encode()
    packed = MAGIC + WORD.pack(len(body), zlib.crc32(body)) + body
    return packed.ljust(HEAD, b"\0")


def pack_word(kind: int, body: bytes) -> bytes:
    """The word before an entry's body; the check begins with the kind, so that it covers both."""
    return WORD.pack(kind << 24 | len(body), zlib.crc32(body, kind))


def pack_ids(deliveries: list[int]) -> bytes:
    """The body of an entry about several deliveries."""
    return array("q", deliveries).tobytes()


def pack_answer(settlement: Settlement) -> bytes:
    """The body of an entry about an answer."""
    values = _values(settlement)
    try:
        return marshal.dumps(values)
    except ValueError:  # there is progress, or the member of an enumeration
        return marshal.dumps(tuple(map(_plain, values)))


def _plain(value: Any) -> Any:
    if isinstance(value, Progress):
        return json.dumps([value.data, value.sent, value.recorded, value.answers, value.memory])
    return str(value) if isinstance(value, str) else value


def parse_head(data: bytes) -> Head | None:
    """The head of a file; None if it is no journal, is damaged or of another version."""
    length, check = WORD.unpack_from(data.ljust(HEAD, b"\0"), len(MAGIC))
    start = len(MAGIC) + WORD.size
    body = data[start : start + length]
    if not data.startswith(MAGIC) or not body or len(body) != length or zlib.crc32(body) != check:
        return None
    version, *fields = json.loads(body)
    return Head(*fields) if version == VERSION else None


def parse(data: bytes) -> Contents | None:
    """What a file says as far as it can be read; None if nothing.

    A journal that was cut, or damaged in some place, is read up to there and is not ``whole``.
    """
    head = parse_head(data)
    if head is None:
        return None
    contents = Contents(head, head.beat, used=data[USED_AT:HEAD] == USED)
    position = HEAD
    while position + WORD.size <= len(data):
        packed, check = WORD.unpack_from(data, position)
        kind, length = packed >> 24, packed & LONGEST
        start = position + WORD.size
        body = data[start : start + length]
        if not packed and not check:
            contents.whole = len(data) == head.size
            break
        if (
            len(body) != length
            or zlib.crc32(body, kind) != check
            or not _note(contents, kind, body)
        ):
            break
        position = start + length + -length % 8
    else:
        contents.whole = position == len(data) == head.size
    return contents


def _note(contents: Contents, kind: int, body: bytes) -> bool:
    """Take over what an entry says; False if it can't be understood."""
    if kind in {Kind.CLAIMED, Kind.SHARED}:
        mark = Mark.CLAIMED if kind == Kind.CLAIMED else Mark.SHARED
        for (delivery,) in ID.iter_unpack(body):
            contents.last[delivery] = mark
    elif kind == Kind.BEGUN:
        contents.last[ID.unpack(body)[0]] = Mark.BEGUN
    elif kind == Kind.ANSWERED:
        answer = _answer(body)
        contents.last[answer.delivery] = answer
    elif kind == Kind.BEAT:
        contents.beat = ID.unpack(body)[0]
    else:
        return False
    return True


def _answer(body: bytes) -> Settlement:
    # The check sum and the version have been compared: it is what pack_answer has written.
    fields = dict(zip(SETTLEMENT, marshal.loads(body), strict=True))  # noqa: S302
    if fields["progress"] is not None:
        fields["progress"] = Progress(*json.loads(fields["progress"]))
    return Settlement(**fields)
