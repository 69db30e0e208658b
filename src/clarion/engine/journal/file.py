"""Writing the journal: a file that is mapped into memory, so that a note is a copy of some bytes.

The kernel owns the pages, so they survive the death of the process without a write or an fsync.
All blocks of the file are reserved before it is used: so a full disk is noticed there, and does not
end the process with a SIGBUS.
"""

import fcntl
import mmap
import os
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from uuid import uuid4

import structlog

from clarion.engine.journal.format import (
    HEAD,
    ID,
    WORD,
    Head,
    Kind,
    boot_id,
    pack_answer,
    pack_head,
    pack_ids,
    pack_word,
)
from clarion.engine.journal.known import remember
from clarion.records.deliveries.settle import Settlement

log = structlog.get_logger()
SIZE = 32 * 1024 * 1024  # bytes: some seconds of sending
CLAIMED, BEGUN, SHARED = b"", b"\0", b"\1"  # what is in hand without an answer
_BEGUN = Kind.BEGUN << 24 | ID.size
_BEGUN_LENGTH = WORD.size + ID.size


def folder_of(data: Path) -> Path:
    """Where the journals of a data folder are."""
    return data / "journal"


class Journal:
    """A worker's journal, from one registration to the next.

    ``in_hand`` holds what was claimed and is not settled yet, whether or not there is a file. While
    ``ready`` is false nothing may be sent, and ``trouble`` says why: the disk is full, or it can't
    be written to. Not for several threads.
    """

    def __init__(self, folder: Path, size: int = SIZE) -> None:
        self.token = uuid4().hex
        self.in_hand: dict[int, bytes] = {}
        self.trouble = ""
        self._folder = folder
        self._path = folder / f"{self.token}.journal"
        self._size = size
        self._room = size * 3 // 4  # bytes; the rest is for answers to what was begun
        self._descriptor = -1
        self._map: mmap.mmap | None = None
        self._end = 0
        self._beat = ("", 0)  # the identity of the database, and its newest heartbeat
        self._closed = False

    @property
    def ready(self) -> bool:
        """Whether there is room for what is to begin."""
        return self._map is not None and self._end < self._room

    @property
    def crowded(self) -> bool:
        """Whether it should be written anew, without what has been settled."""
        return not self._closed and (self._map is None or self._end > self._size // 4)

    def rewrite(self, database: str, beat: int, before: Mapping[int, bytes]) -> None:
        """Begin a new file with what is in hand alone.

        ``beat``: a heartbeat of the database, ``before``: what was in hand when it was asked for.
        What has been settled since stays in it, so a database that is older than this file, and
        does not know what was left out of it, has an earlier heartbeat.
        """
        if self._closed:
            return
        fresh = self._path.with_suffix(".new")
        before_this = self._descriptor, self._map, self._end
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = _reserve(fresh, self._size)
            self._map = mmap.mmap(self._descriptor, self._size)
            inode = os.fstat(self._descriptor).st_ino
            self._map[:HEAD] = pack_head(Head(boot_id(), inode, self._size, database, beat))
            self._end = HEAD
            self._write_in_hand({**before, **self.in_hand})
            fresh.rename(self._path)
        except OSError as error:
            if self._map is not before_this[1]:
                _close(self._map, self._descriptor)
            self._descriptor, self._map, self._end = before_this
            self._note_trouble(error)
            return
        self._beat = (database, beat)
        _close(before_this[1], before_this[0])
        if self.trouble:
            log.info("journal_works_again", folder=str(self._folder))
        self.trouble = ""

    def note_beat(self, beat: int) -> None:
        """Note a heartbeat of the database: one that has an earlier one is older than this."""
        self._beat = (self._beat[0], beat)
        self._append(Kind.BEAT, ID.pack(beat))

    def claimed(self, deliveries: Iterable[int]) -> None:
        """These are this worker's from now on."""
        fresh = dict.fromkeys(deliveries, CLAIMED)
        self.in_hand |= fresh
        self._append(Kind.CLAIMED, pack_ids(list(fresh)))

    def begin(self, delivery: int) -> bool:
        """Note that a message is about to leave; False: it must not, for there is no room."""
        end = self._end
        if self._map is None or end + _BEGUN_LENGTH > self._size:
            return False
        body = ID.pack(delivery)
        self._map[end + WORD.size : end + _BEGUN_LENGTH] = body
        self._map[end : end + WORD.size] = WORD.pack(_BEGUN, zlib.crc32(body, Kind.BEGUN))
        self._end = end + _BEGUN_LENGTH
        self.in_hand[delivery] = BEGUN
        return True

    def begin_together(self, deliveries: list[int]) -> bool:
        """Note that one request is about to leave for all of these, at once or not at all; False:
        it must not, for there is no room."""
        body = pack_ids(deliveries)
        if self._map is None or self._end + WORD.size + len(body) > self._size:
            return False
        self._append(Kind.SHARED, body)
        self.in_hand |= dict.fromkeys(deliveries, SHARED)
        return True

    def answered(self, settlement: Settlement) -> None:
        """Note what became of a delivery before it is settled.

        Where there is no room, it stays begun: then it is in doubt if the process dies before that.
        """
        body = pack_answer(settlement)
        self.in_hand[settlement.delivery] = body
        self._append(Kind.ANSWERED, body)

    def settled(self, settlements: Iterable[Settlement]) -> None:
        """These have been written to the database; what was claimed anew since is kept."""
        in_hand = self.in_hand
        for settlement in settlements:
            if len(in_hand.get(settlement.delivery, BEGUN)) > len(BEGUN):
                del in_hand[settlement.delivery]

    def close(self) -> None:
        """End it. With nothing in hand the file is deleted, else the next worker reads it."""
        if self._map is not None and not self.in_hand:
            try:
                remember(self._folder, *self._beat)
                self._path.unlink(missing_ok=True)
            except OSError as error:  # the next reaper deletes it
                log.warning("journal_not_deleted", error=str(error), path=str(self._path))
        _close(self._map, self._descriptor)
        self._map, self._descriptor, self._closed = None, -1, True

    def _write_in_hand(self, in_hand: Mapping[int, bytes]) -> None:
        claimed = [delivery for delivery, mark in in_hand.items() if mark == CLAIMED]
        self._append(Kind.CLAIMED, pack_ids(claimed))
        # First that they have begun: should there be no room for an answer, nobody gets it twice.
        for delivery, mark in in_hand.items():
            if mark != CLAIMED:
                kind = Kind.SHARED if mark == SHARED else Kind.BEGUN
                self._append(kind, ID.pack(delivery))
        for mark in in_hand.values():
            if len(mark) > len(BEGUN):
                self._append(Kind.ANSWERED, mark)

    def _append(self, kind: Kind, body: bytes) -> None:
        start, length = self._end + WORD.size, len(body)
        end = start + length + -length % 8  # in between are zeros
        if self._map is None or end > self._size or not body:
            return
        self._map[start : start + length] = body
        self._map[self._end : start] = pack_word(kind, body)
        self._end = end

    def _note_trouble(self, error: OSError) -> None:
        reason = f"The journal in {self._folder} can't be written: {error.strerror}."
        if reason != self.trouble and not self.ready:
            log.error("journal_failed", error=str(error), folder=str(self._folder))
            self.trouble = reason


def _reserve(path: Path, size: int) -> int:
    """A new file with all its blocks, locked; nothing is left of it when that fails."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.posix_fallocate(descriptor, 0, size)
    except OSError:
        os.close(descriptor)
        path.unlink(missing_ok=True)
        raise
    return descriptor


def _close(mapped: mmap.mmap | None, descriptor: int) -> None:
    if mapped is not None:
        mapped.close()
        os.close(descriptor)
