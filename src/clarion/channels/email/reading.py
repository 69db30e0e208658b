"""Taking a received e-mail apart. Only ``parsed`` raises, whatever somebody has sent."""

import re
from collections.abc import Iterator
from contextlib import suppress
from email import message_from_bytes, message_from_string
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parseaddr
from html.parser import HTMLParser
from typing import Final

_SERVERS: Final = re.compile(r"(?:mailer-daemon|postmaster|mail-?daemon|mdaemon)\b", re.IGNORECASE)
_QUOTED: Final = re.compile(
    r"(?m)^(?:>|-{2,}[ \t]{0,3}[^\W\d_]|_{10,}$|.{0,120}@.{0,120}:$|(?:On|Am|Le|El|Il) .{4,160}:$)"
)
_UNREAD: Final = frozenset({"style", "script", "title"})
_LINES: Final = frozenset({"br", "p", "div", "li", "tr", "blockquote"})
_MOST_PARTS: Final = 100
_NESTING: Final = re.compile(rb"(?i)boundary[ \t]*=|message/(?:rfc822|global|delivery-status)")
_MOST_NESTED: Final = 100
_LONGEST: Final = 20_000  # characters of a text
# What somebody else has written must not keep a worker busy: the square of these is still little.
_LONGEST_HEADER: Final = 2_000
_LONGEST_LINE: Final = 300
_LONGEST_BOUNCE: Final = 32_000
_IS_HEADER: Final = re.compile(rb"(?im)^(?:from|received|return-path)[ \t]*:")


def parsed(raw: bytes) -> Message:
    """The e-mail. Raises ValueError with a sentence when it is none."""
    head = raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    if not _IS_HEADER.search(head):
        raise ValueError("This is not an e-mail: it has no sender.")
    if len(_NESTING.findall(raw)) > _MOST_NESTED:  # the parser takes the square of the depth
        raise ValueError("This e-mail can't be read: it has too many parts.")
    return message_from_bytes(raw)


def shortened(raw: bytes) -> Message:
    """The beginning of an e-mail with short lines, for patterns that take the square of a length.

    It has a sender: some detectors look at it without asking whether there is one.
    """
    lines = [line[:_LONGEST_LINE] for line in raw[:_LONGEST_BOUNCE].splitlines()]
    mail = message_from_bytes(b"\r\n".join(lines))
    if not header(mail, "From"):
        del mail["From"]
        mail["From"] = "MAILER-DAEMON"
    return mail


def parts(mail: Message) -> list[Message]:
    """The e-mail and its parts, however deep."""
    collected: list[Message] = []
    waiting = [mail]
    while waiting and len(collected) < _MOST_PARTS:
        part = waiting.pop(0)
        collected.append(part)
        content = part.get_payload()
        if isinstance(content, list):
            waiting[:0] = [each for each in content if isinstance(each, Message)]
    return collected


def part_of_type(mail: Message, content_type: str) -> Message | None:
    """The fields of the first part of a type, such as message/feedback-report."""
    for part in parts(mail):
        if part.get_content_type() == content_type:
            content = part.get_payload()
            if isinstance(content, list):  # as the parser reads everything that is message/…
                return next((each for each in content if isinstance(each, Message)), None)
            return message_from_string(_text(part).lstrip())
    return None


def status_blocks(mail: Message) -> list[Message]:
    """What a delivery status notification says of each recipient (RFC 3464 2.3)."""
    for part in parts(mail):
        if part.get_content_type() in ("message/delivery-status", "message/global-delivery-status"):
            content = part.get_payload()
            blocks = content if isinstance(content, list) else list(_blocks(_text(part)))
            return [each for each in blocks if isinstance(each, Message) and each.get("Action")]
    return []


def _blocks(text: str) -> Iterator[Message]:
    """Of a part that was encoded, or is of a type that the parser does not know."""
    for block in re.split(r"\r?\n[ \t]*\r?\n", text.strip()):
        yield message_from_string(block)


def returned_headers(mail: Message) -> Message | None:
    """The headers of the message that came back, where they are a part of the bounce."""
    for part in parts(mail)[1:]:
        kind = part.get_content_type()
        content = part.get_payload()
        if kind in ("message/rfc822", "message/global") and isinstance(content, list):
            return next((each for each in content if isinstance(each, Message)), None)
        if kind in ("text/rfc822-headers", "message/rfc822-headers", "message/global-headers"):
            if isinstance(content, list):
                return next((each for each in content if isinstance(each, Message)), None)
            return message_from_string(_text(part).lstrip())
    return None


def is_of_a_mail_server(mail: Message) -> bool:
    """Whether a mail server may have written it; other programs have no return path either."""
    return (
        header(mail, "Return-Path") == "<>"
        or is_from_a_mail_server(mail)
        or "X-Failed-Recipients" in mail
    )


def is_from_a_mail_server(mail: Message) -> bool:
    """Whether it is from the postmaster of a mail server."""
    return _SERVERS.match(address_in(header(mail, "From"))[1]) is not None


def is_automatic(mail: Message) -> bool:
    """Whether a program answered (RFC 3834), or one says so in an older way."""
    return (
        header(mail, "Auto-Submitted").lower().partition(";")[0].strip() not in ("", "no")
        or "X-Autoreply" in mail
        or "X-Autorespond" in mail
        or header(mail, "Precedence").lower() in ("auto_reply", "auto-reply", "junk")
        or header(mail, "X-Auto-Response-Suppress").lower() == "all"
        or header(mail, "Return-Path") == "<>"
    )


def is_automatic_reply(mail: Message) -> bool:
    """Whether a program says that it answers, not only that no person wrote it."""
    return (
        header(mail, "Auto-Submitted").lower().startswith("auto-replied")
        or "X-Autoreply" in mail
        or "X-Autorespond" in mail
        or header(mail, "Precedence").lower() in ("auto_reply", "auto-reply")
    )


def address_in(text: str) -> tuple[str, str]:
    """The name and the address in a header; "" for what is not there."""
    try:
        return parseaddr(text)
    except RecursionError:  # comments within comments
        return "", ""


def header(mail: Message, name: str) -> str:
    """The first header of a name, decoded and on one line; "" for none."""
    return next(iter(headers(mail, name)), "")


def headers(mail: Message, name: str) -> list[str]:
    """All headers of a name, decoded and each on one line."""
    return [_line(value) for value in mail.get_all(name, [])]


def _line(value: object) -> str:
    text = str(value)[:_LONGEST_HEADER]
    if "=?" in text:
        with suppress(HeaderParseError, LookupError, ValueError):  # it stays as it came
            text = str(make_header(decode_header(text)))
    return " ".join(text.replace("\x00", " ").split())


def written_text(mail: Message) -> str:
    """The text that was written, without what it quotes. "" for none."""
    return _own_words(whole_text(mail))


def whole_text(mail: Message) -> str:
    """The first text, of HTML what people read of it. "" for none."""
    rich = ""
    for part in parts(mail):
        if part.get_content_disposition() == "attachment":
            continue
        if part.get_content_type() == "text/plain" and (text := _kept(_text(part))):
            return text
        if part.get_content_type() == "text/html" and not rich:
            page = _Page()
            page.feed(_text(part)[:_LONGEST])
            rich = _kept("".join(page.pieces))
    return rich


class _Page(HTMLParser):
    """The text of an HTML page."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """Count what nobody reads, and break lines."""
        self._hidden += tag in _UNREAD
        self.pieces += ["\n"] if tag in _LINES else []

    def handle_endtag(self, tag: str) -> None:
        """End what nobody reads, and break lines."""
        self._hidden -= tag in _UNREAD and self._hidden > 0
        self.pieces += ["\n"] if tag in _LINES else []

    def handle_data(self, data: str) -> None:
        """Keep what people read."""
        if not self._hidden:
            self.pieces.append(data)


def _kept(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\x00", "")[:_LONGEST].strip()


def _own_words(text: str) -> str:
    quoted = _QUOTED.search(text)
    own = text[: quoted.start()].strip() if quoted else text
    return own or text


def _text(part: Message) -> str:
    """The text of a part, whatever it says of its encoding."""
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    charset = part.get_content_charset("utf-8")
    try:
        return content.decode(charset, "replace")
    except (LookupError, ValueError):
        return content.decode("utf-8", "replace")
