"""Building an e-mail: headers, text, and HTML made from the text (RFC 5322, MIME).

Written out here, with the standard library for the encodings, because email.message.EmailMessage
takes 2.4 ms for such a message, during which a worker can do nothing else; this takes 0.1 ms. The
tests read every message back with EmailMessage.
"""

import hashlib
import re
from base64 import encodebytes
from binascii import b2a_qp
from email.header import Header
from email.utils import format_datetime, formataddr
from functools import lru_cache, partial
from html import escape
from typing import NamedTuple

from clarion.channels.contract import Outgoing, Unsendable
from clarion.channels.mailing.files import ATTACHED, RELATED, closing, tail_of
from clarion.channels.mailing.links import linked
from clarion.channels.mailing.mailboxes import Sender, mailbox
from clarion.channels.mailing.parts import NOTHING, Parts, parts_of
from clarion.kit import clock
from clarion.kit.parts import Mail

_SUBJECT_MAX = 200  # characters
_NAME_MAX = 100  # characters
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SAFE_LINK = re.compile(r"https?://[!-;=?-~]+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")
# Languages written from right to left, and scripts that make any language so.
_RIGHT_TO_LEFT = re.compile(
    r"(?:ar|arc|ckb|dv|fa|he|iw|ks|ku-arab|ps|sd|syr|ug|ur|yi)(?:-|$)"
    r"|[a-z]+-(?:arab|hebr|nkoo|rohg|syrc|thaa)(?:-|$)",
    re.IGNORECASE,
)
_PARAGRAPHS = re.compile(r"\n[ \t]*\n\s*")


_HTML = re.compile(r"<html\b[^>]*>", re.IGNORECASE)
_BODY = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
_OF_LIST = re.compile(r"[^A-Za-z0-9.-]+")
_OF_ACCOUNT = re.compile(r"[^a-z0-9]+")
_NO_HEAD = Mail()
_HIDDEN = (
    "display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;font-size:1px;line-height:1px;"
    "mso-hide:all"
)
_UNSEEN = "display:block;width:1px;height:1px;border:0"
_FILLER = "&#847;&zwnj;&nbsp;"  # combining grapheme joiner, zero-width non-joiner, space
_TEXTS = "=_clarion"  # a boundary, see _body
_LISTED = 110  # characters of subject and preheader that mail programs list, at about the most


def mailbox_header(header_name: str, mailbox: Sender) -> str:
    """The header that names the sender, the same for all messages of a channel, or a recipient."""
    if not mailbox.name:
        return f"{header_name}: {mailbox.address}"
    if mailbox.name.isascii() and "=?" not in mailbox.name and mailbox.address.isascii():
        return f"{header_name}: {formataddr(mailbox)}"
    # The address on a line of its own: the name's encoded words fill theirs.
    return f"{header_name}: {_encoded(mailbox.name, header_name)}\r\n <{mailbox.address}>"


_from_line = lru_cache(maxsize=64)(partial(mailbox_header, "From"))


@lru_cache(maxsize=64)  # the same for most messages
def _reply_to(address: str) -> list[str]:
    if not address:
        return []
    try:
        return [f"Reply-To: {mailbox(address)}"]
    except ValueError:
        raise Unsendable(
            "The reply-to of this message is not an e-mail address. Correct it."
        ) from None


def _shown_name(name: str) -> str:
    """A contact's name as a header can have it: one line, of a bounded length."""
    return " ".join(_UNPRINTABLE.sub(" ", name).split())[:_NAME_MAX].strip()


class Built(NamedTuple):
    """The bytes of a message, with CRLF line ends: its headers and texts, and its files."""

    head: bytes
    tail: bytes  # the same object for all messages with these files, see files.tail_of
    parts: Parts

    @property
    def whole(self) -> bytes:
        """All of it."""
        return self.head + self.tail

    @property
    def without_files(self) -> bytes:
        """A message of the headers and texts alone."""
        parts = self.parts
        return self.head + closing(inline=bool(parts.inline), attached=bool(parts.attached))


def build(message: Outgoing, sender: Sender, recipient: str, reply_to: str = "") -> Built:
    """The message as it is transferred.

    `recipient` and `reply_to`, the channel's own, are bare, valid addresses. The Message-ID is made
    from the message's id, so a retry carries the same one. Nothing that a person has written can
    start a header of its own. Raises Unsendable for a reply-to of the message that is no address.
    """
    head = message.mail or _NO_HEAD
    link = message.unsubscribe_url if _SAFE_LINK.fullmatch(message.unsubscribe_url) else ""
    text = _UNPRINTABLE.sub("", message.text.replace("\r\n", "\n").replace("\r", "\n"))
    parts = parts_of(message)
    shown = "\n\n".join(filter(None, [text, "\n".join(parts.lines)])) if parts.lines else text
    footer = "" if link in shown else link
    plain = f"{shown}\n\n-- \nUnsubscribe: {footer}" if footer else shown
    if head.html:
        page = _with_head(head, link, message.language)
    else:
        page = html(text, footer, parts, message.language, head.preheader)
    page = _with_image(page, head.image)
    lines = [
        _from_line(Sender(_shown_name(head.from_name) or sender.name, sender.address)),
        *_reply_to(head.reply_to or reply_to),
        mailbox_header("To", Sender(_shown_name(message.name), recipient)),
        f"Subject: {_encoded(subject(message), 'Subject')}",
        f"Date: {format_datetime(clock.now())}",
        f"Message-ID: <{_id(message.id)}@{sender.domain}>",
        *_purpose(message, sender, link),
        *_unsubscribing(link),
        "MIME-Version: 1.0",
        *_body(
            _text("plain", plain),
            _text("html", page),
            parts,
        ),
    ]
    head_bytes = "\r\n".join(lines).encode()
    return Built(head_bytes, tail_of(parts.inline, parts.attached), parts)


def subject(message: Outgoing) -> str:
    """The broadcast's title, else the first line of the text; always one line."""
    lines = (message.title or message.text).strip().splitlines()
    line = " ".join(_UNPRINTABLE.sub(" ", lines[0]).split()) if lines else ""
    return line if len(line) <= _SUBJECT_MAX else line[: _SUBJECT_MAX - 1] + "…"


def html(
    text: str,
    unsubscribe_url: str = "",
    parts: Parts = NOTHING,
    language: str = "",
    preheader: str = "",
) -> str:
    """The text as HTML: escaped, with paragraphs, line breaks and links that can be clicked.

    ``language``: the code of the text's language, empty where it is not known. Each paragraph has
    the direction of its own first letters: a name or a link may run the other way.
    """
    paragraphs = [linked(part) for part in _PARAGRAPHS.split(text.strip("\n")) if part.strip()]
    shown = [
        *([preview_line(preheader)] if preheader else []),
        *(f"<p>{part}</p>" for part in parts.above),
        *(f'<p dir="auto">{part}</p>' for part in paragraphs),
        *(f"<p>{part}</p>" for part in parts.below),
    ]
    if unsubscribe_url:
        shown.append(f'<p lang="en"><a href="{escape(unsubscribe_url)}">Unsubscribe</a></p>')
    return "\n".join([_head(language), *shown, "</body></html>"])


def preview_line(preheader: str) -> str:
    """What mail programs list behind the subject, and nobody sees in the message itself.

    They fill a short one up with the text that follows; characters without a width keep it out.
    """
    line = " ".join(_UNPRINTABLE.sub(" ", preheader).split())
    return f'<div style="{_HIDDEN}">{escape(line)}{_FILLER * max(0, _LISTED - len(line))}</div>'


def _with_head(mail: Mail, link: str, language: str) -> str:
    """A page that is HTML already with its language, its preheader and a link to unsubscribe."""
    page = _UNPRINTABLE.sub("", mail.html)
    tag = _HTML.search(page)
    if tag is not None and "lang=" not in tag.group():
        page = f"{page[: tag.end() - 1]}{_of_page(language)}{page[tag.end() - 1 :]}"
    if mail.preheader and (body := _BODY.search(page)):
        page = f"{page[: body.end()]}\n{preview_line(mail.preheader)}{page[body.end() :]}"
    if not link or escape(link) in page:
        return page
    foot = f'<p lang="en"><a href="{escape(link)}">Unsubscribe</a></p>'
    return _at_end(page, foot)


def _with_image(page: str, url: str) -> str:
    """The page with the image at its end that tells that it is opened, which nobody sees."""
    if not _SAFE_LINK.fullmatch(url):
        return page
    return _at_end(page, f'<img src="{escape(url)}" width="1" height="1" alt="" style="{_UNSEEN}">')


def _at_end(page: str, addition: str) -> str:
    before, end, after = page.rpartition("</body>")
    return f"{before}{addition}{end}{after}" if end else page + addition


def _of_page(language: str) -> str:
    """The attributes of a page whose language is known."""
    direction = "rtl" if _RIGHT_TO_LEFT.match(language) else "ltr"
    return f' lang="{language}" dir="{direction}"' if _LANGUAGE.fullmatch(language) else ""


def _head(language: str) -> str:
    """The beginning of the page, which names its language where that is known."""
    return f'<!DOCTYPE html>\n<html{_of_page(language)}><head><meta charset="utf-8"></head><body>'


def _purpose(message: Outgoing, sender: Sender, link: str) -> list[str]:
    """What the message is: of a list (RFC 2919), or an automatic answer (RFC 3834).

    Gmail counts complaints by the parts of Feedback-ID; the last one names the sender, in 5 to 15
    characters (support.google.com/mail/answer/6254652).
    """
    if message.purpose == "automatic":
        return ["Auto-Submitted: auto-replied"]
    if message.purpose == "single" or not link:
        return []
    local, _, domain = sender.address.partition("@")
    name = _OF_LIST.sub("-", local).strip(".-") or "list"
    account = _OF_ACCOUNT.sub("", domain.lower())[:15].ljust(5, "0")
    return [
        f"List-Id: <{name}.{domain}>",
        f"Feedback-ID: b{message.broadcast}:broadcast:clarion:{account}",
    ]


def _unsubscribing(link: str) -> list[str]:
    """One-click after RFC 8058, which is for HTTPS only (3.1)."""
    lines = [f"List-Unsubscribe: <{link}>"] if link else []
    if link.startswith("https://"):
        lines.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    return lines


def _body(plain: list[str], rich: list[str], parts: Parts) -> list[str]:
    """The body and its headers: text and HTML, and the beginning of what is around them.

    Pictures and files follow, see ``files.tail_of``. “=_” stands in no quoted-printable or base64
    text, so no boundary occurs in a part (RFC 2045 6.7); none is the beginning of another.
    """
    lines = _multipart("mixed", ATTACHED) if parts.attached else []
    if parts.inline:
        lines += _multipart("related", RELATED, '; type="multipart/alternative"')
    lines += _multipart("alternative", _TEXTS)
    return [*lines, *plain, f"--{_TEXTS}", *rich, f"--{_TEXTS}--", ""]


def _multipart(subtype: str, boundary: str, more: str = "") -> list[str]:
    """The header of several MIME parts as one, and the beginning of the first."""
    return [
        f'Content-Type: multipart/{subtype}; boundary="{boundary}"{more}',
        "",
        f"--{boundary}",
    ]


def _text(subtype: str, text: str) -> list[str]:
    """A part that no relay has a reason to recode, which would break its signature."""
    raw = f"{text}\n".replace("\n", "\r\n").encode()
    if len(text.encode()) > 1.2 * len(text):  # much of it is not ASCII
        encoding, body = "base64", encodebytes(raw).replace(b"\n", b"\r\n")
    else:
        encoding, body = "quoted-printable", b2a_qp(raw, istext=True)
    return [
        f'Content-Type: text/{subtype}; charset="utf-8"',
        f"Content-Transfer-Encoding: {encoding}",
        "",
        body.decode("ascii"),
    ]


def _encoded(line: str, header_name: str) -> str:
    """A header's text: as it is where that is ASCII, else in encoded words (RFC 2047)."""
    plain = header_name == "Subject" and line.isascii() and "=?" not in line
    header = Header(line, "us-ascii" if plain else "utf-8", header_name=header_name)
    return header.encode(linesep="\r\n")


def _id(message_id: str) -> str:
    if _SAFE_ID.fullmatch(message_id):
        return message_id
    return hashlib.sha256(message_id.encode("utf-8", "replace")).hexdigest()[:32]
