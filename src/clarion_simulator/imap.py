"""A small IMAP server (RFC 3501) with one mailbox: what came back of the messages of SMTP.

LOGIN, AUTHENTICATE PLAIN and XOAUTH2 (any name and password, but “wrong”), SELECT and EXAMINE of
INBOX, UID SEARCH by UIDs or numbers and SINCE, UID FETCH of parts of messages, UID STORE of
Deleted, UID EXPUNGE, LOGOUT.
"""

import asyncio
import base64
import binascii
import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.utils import parsedate_to_datetime
from typing import cast

from clarion_simulator.wire import reset

MAX_LINE = 4096
MOST = 100_000  # messages that are kept
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
_PARTIAL = re.compile(r"BODY\.PEEK\[\](?:<(\d+)\.(\d+)>)?", re.IGNORECASE)
_SINCE = re.compile(r"SINCE (\d{1,2}-[A-Z][a-z]{2}-\d{4})")
_BEARER = re.compile(rb"user=[^\x01]+\x01auth=Bearer ([^\x01]+)\x01\x01")
_CAPABILITIES = "IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 UIDPLUS"


class Inbox:
    """The messages of the mailbox, by their UIDs."""

    def __init__(self) -> None:
        self.validity = 1
        self.messages: dict[int, bytes] = {}
        self.deleted: set[int] = set()
        self.following = 1

    def add(self, message: bytes) -> int:
        """Put a message into it; return its UID. The oldest ones make room."""
        uid = self.following
        self.following += 1
        self.messages[uid] = message
        if len(self.messages) > MOST:
            del self.messages[next(iter(self.messages))]
        return uid

    def number_anew(self) -> None:
        """Give the messages that it has new UIDs, as after a restored backup of the server."""
        self.validity += 1
        self.messages = dict(enumerate(self.messages.values(), 1))
        self.deleted.clear()
        self.following = len(self.messages) + 1

    def forget(self) -> None:
        """Delete all messages; UIDs go on."""
        self.messages.clear()
        self.deleted.clear()


class Imap(asyncio.Protocol):
    """One IMAP connection."""

    transport: asyncio.Transport

    def __init__(self, inbox: Inbox, connections: "set[Imap]") -> None:
        self._inbox = inbox
        self._connections = connections
        self._buffer = bytearray()
        self._proof_for = ""  # the tag of an AUTHENTICATE that waits for its second line
        self._state = "new"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._connections.add(self)
        self._say(f"* OK [CAPABILITY {_CAPABILITIES}] clarion-simulator")

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\n")) >= 0 and not self.transport.is_closing():
            line = self._buffer[:end].rstrip(b"\r").decode("utf-8", "replace")
            del self._buffer[: end + 1]
            self._take(line)
        if len(self._buffer) > MAX_LINE:
            reset(self.transport)

    def _take(self, line: str) -> None:
        if self._proof_for:
            tag, self._proof_for = self._proof_for, ""
            proof = _password(line)
            if proof == "wrong" and b"Bearer" in base64.b64decode(line):
                self._proof_for = tag  # the refusal of a token is one more challenge
                self._say("+ eyJzdGF0dXMiOiI0MDAifQ==")
                return
            self._admit(tag, proof)
            return
        tag, _, rest = line.partition(" ")
        verb, _, words = rest.partition(" ")
        if verb.upper() == "UID":
            verb, _, words = words.partition(" ")
            verb = f"UID {verb}"
        self._obey(tag, verb.upper(), words)

    def _obey(self, tag: str, verb: str, words: str) -> None:
        if verb == "CAPABILITY":
            self._say(f"* CAPABILITY {_CAPABILITIES}")
            self._say(f"{tag} OK done")
        elif verb == "NOOP":
            self._say(f"{tag} OK done")
        elif verb == "LOGOUT":
            self._say("* BYE see you")
            self._say(f"{tag} OK done")
            self.transport.close()
        elif verb == "LOGIN":
            self._admit(tag, _words(words)[-1])
        elif verb == "AUTHENTICATE" and words.upper() in ("PLAIN", "XOAUTH2"):
            self._proof_for = tag
            self._say("+ ")
        elif verb in ("SELECT", "EXAMINE") and self._state != "new":
            self._select(tag, verb, _words(words)[0])
        elif verb.startswith("UID ") and self._state in ("SELECT", "EXAMINE"):
            self._of_messages(tag, verb, words)
        else:
            self._say(f"{tag} BAD not possible now")

    def _admit(self, tag: str, password: str) -> None:
        if password in ("", "wrong"):
            self._say(f"{tag} NO [AUTHENTICATIONFAILED] Invalid credentials")
        else:
            self._state = "in"
            self._say(f"{tag} OK logged in")

    def _select(self, tag: str, verb: str, name: str) -> None:
        if name.upper() != "INBOX":
            self._say(f"{tag} NO [NONEXISTENT] There is no such folder")
            return
        self._state = verb
        inbox = self._inbox
        access = "READ-ONLY" if verb == "EXAMINE" else "READ-WRITE"
        self._say(f"* {len(inbox.messages)} EXISTS")
        self._say("* 0 RECENT")
        self._say(f"* OK [UIDVALIDITY {inbox.validity}] UIDs are valid")
        self._say(f"* OK [UIDNEXT {inbox.following}] the next UID")
        self._say(f"{tag} OK [{access}] done")

    def _of_messages(self, tag: str, verb: str, words: str) -> None:
        by_uid = verb != "UID SEARCH" or words.startswith("UID ")
        first, _, rest = words.removeprefix("UID ").partition(" ")
        uids = self._uids(first) if by_uid else self._numbered(first)
        if verb == "UID SEARCH":
            if day := _SINCE.search(rest):
                uids = [uid for uid in uids if _is_since(self._inbox.messages[uid], day[1])]
            self._say(f"* SEARCH {' '.join(map(str, uids))}".rstrip())
        elif verb == "UID FETCH":
            for uid in uids:
                self._fetch(uid, rest)
        elif self._state == "EXAMINE":
            self._say(f"{tag} NO the folder is read-only")
            return
        elif verb == "UID STORE":
            self._inbox.deleted.update(uids)
        elif verb == "UID EXPUNGE":
            for uid in self._inbox.deleted.intersection(uids):
                self._inbox.messages.pop(uid, None)
        self._say(f"{tag} OK done")

    def _fetch(self, uid: int, items: str) -> None:
        number = list(self._inbox.messages).index(uid) + 1
        match = _PARTIAL.search(items)
        if match is None:
            self._say(f"* {number} FETCH (UID {uid})")
            return
        content = self._inbox.messages[uid]
        place = ""
        if match[1] is not None:
            content = content[int(match[1]) : int(match[1]) + int(match[2])]
            place = f"<{match[1]}>"
        head = f"* {number} FETCH (UID {uid} BODY[]{place} {{{len(content)}}}\r\n"
        self.transport.write(head.encode() + content + b")\r\n")

    def _uids(self, text: str) -> list[int]:
        messages = self._inbox.messages
        wanted: set[int] = set()
        for piece in text.split(","):
            low, _, high = piece.partition(":")
            newest = max(messages, default=0)
            start, end = (newest if each in ("*", "") else int(each) for each in (low, high or low))
            wanted.update(range(min(start, end), max(start, end) + 1))
        return sorted(wanted.intersection(messages))

    def _numbered(self, text: str) -> list[int]:
        """The UIDs of messages by their numbers in the folder."""
        low, _, high = text.partition(":")
        return list(self._inbox.messages)[int(low) - 1 : int(high or low)]

    def _say(self, line: str) -> None:
        self.transport.write(f"{line}\r\n".encode())


def _is_since(message: bytes, day: str) -> bool:
    """Whether a message is of that day or later, by its Date instead of its arrival."""
    date = message_from_bytes(message).get("Date")
    since = datetime.strptime(day, "%d-%b-%Y").replace(tzinfo=UTC)
    return date is None or parsedate_to_datetime(date).astimezone(UTC) >= since


def _words(text: str) -> list[str]:
    words = [
        re.sub(r"\\(.)", r"\1", quoted) if quoted or not plain else plain
        for quoted, plain in _WORD.findall(text)
    ]
    return words or [""]


def _password(line: str) -> str:
    try:
        proof = base64.b64decode(line, validate=True)
        if token := _BEARER.fullmatch(proof):
            return token[1].decode("utf-8", "replace")
        return proof.split(b"\0")[2].decode("utf-8", "replace")
    except (binascii.Error, ValueError, IndexError):
        return ""
