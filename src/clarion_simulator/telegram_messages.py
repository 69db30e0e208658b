"""What a bot is asked to send: sendMessage, sendPhoto and sendDocument, checked as Telegram does.

Texts as in tdlib/telegram-bot-api and https://core.telegram.org/bots/api. Addresses of pictures
and files are noted, never fetched: the simulator calls nobody but the one under rehearsal.
"""

import hashlib
import html
import json
import re
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from pydantic_core import from_json

from clarion_simulator.multipart import File, read
from clarion_simulator.wire import Connection

TEXT_MAX = 4096
CAPTION_MAX = 1024
DATA_MAX = 64  # bytes of what a button sends back
PHOTO_MAX = 10_000_000  # bytes
METHODS = {"sendmessage": "", "sendphoto": "photo", "senddocument": "document"}
_CHAT = re.compile(r"-?[0-9]{1,18}|@\w+")
_TAG = re.compile(r"<(/?)([a-zA-Z0-9-]+)[^>]*>")
_URL = re.compile(r"https?://[^\s/]+\S*")
_LINK = re.compile(r"(?:https?|tg)://\S+")
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"RIFF")


class Refused(Exception):  # noqa: N818 - it is an answer, not a mistake of ours
    """An error reply of the Bot API."""

    def __init__(self, code: int, description: str) -> None:
        super().__init__(description)
        self.code = code
        self.description = description


class Given(NamedTuple):
    """The parameters of a call and the files uploaded with it."""

    params: dict[str, Any]
    files: dict[str, File]


class Sent(NamedTuple):
    """A message: its text or caption, what the log keeps of the rest, more fields of the reply,
    and by its file_id the file that can be sent again once the message is accepted."""

    text: str
    parts: dict[str, Any]
    fields: dict[str, Any]
    files: dict[str, dict[str, Any]] = {}  # noqa: RUF012 - never changed


def given(conn: Connection, query: str) -> Given:
    """What a request gives, as JSON, form, multipart or query. Raises Refused."""
    params: dict[str, Any] = dict(parse_qsl(query)) if query else {}
    if not conn.body:
        return Given(params, {})
    header = conn.headers.get(b"content-type", b"")
    kind = header.partition(b";")[0].strip().lower()
    body: Any
    files: dict[str, File] = {}
    try:
        if kind == b"application/json":
            body = from_json(conn.body)
        elif kind == b"application/x-www-form-urlencoded":
            body = dict(parse_qsl(conn.body.decode()))
        elif kind == b"multipart/form-data":
            body, files = read(header, bytes(conn.body))
        else:
            raise Refused(400, "Bad Request: unsupported content type")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refused(400, "Bad Request: can't parse the request's parameters")
    return Given({**params, **body} if params else body, files)


def chat_number(recipient: str) -> int:
    """The number of a chat, whose id may carry an instruction. Raises Refused."""
    if not recipient:
        raise Refused(400, "Bad Request: chat_id is empty")
    name = recipient.partition("!")[0]
    if not _CHAT.fullmatch(name):
        raise Refused(400, "Bad Request: chat not found")
    return -(10**12) - zlib.crc32(name.lower().encode()) if name[0] == "@" else int(name)


def sent(method: str, call: Given, known: Mapping[str, dict[str, Any]]) -> Sent:
    """What a call of `method` (a key of METHODS) sends, with the files that are `known` by their
    file_id. Raises Refused."""
    params, files = call
    mode, field = str(params.get("parse_mode", "")), METHODS[method]
    paid = {"paid": True} if is_true(params.get("allow_paid_broadcast")) else {}
    if not field:
        text = plain(params.get("text", ""), mode)
        if "reply_markup" not in params:
            return Sent(text, paid, {"text": text})
        fields: dict[str, Any] = {"text": text}
        parts: dict[str, Any] = {**paid}
        kept: dict[str, dict[str, Any]] = {}
    else:
        text = plain(params.get("caption") or "", mode, CAPTION_MAX)
        media = _media(field, params.get(field), files, known)
        parts = {"media": media, **paid}
        fields = {"caption": text} if text else {}
        described = _described(media)
        fields[field] = (
            [{**described, "width": 90, "height": 90}] if field == "photo" else described
        )
        kept = {described["file_id"]: {**media, "field": field}}
    if buttons := _buttons(params.get("reply_markup")):
        parts["buttons"] = buttons
        fields["reply_markup"] = {"inline_keyboard": [[key_of(each)] for each in buttons]}
    return Sent(text, parts, fields, kept)


def is_true(value: object) -> bool:
    """Whether a parameter is true, in JSON or as text."""
    return value is True or str(value).lower() in ("true", "1")


def key_of(button: dict[str, str]) -> dict[str, str]:
    """A button of the log as the Bot API writes it."""
    name = "url" if button["kind"] == "link" else "callback_data"
    return {"text": button["label"], name: button["value"]}


def plain(text: object, mode: str, most: int = TEXT_MAX) -> str:
    """A text without its markup. Raises Refused; only a caption, with its limit, may be empty."""
    caption = most == CAPTION_MAX
    if not isinstance(text, str) or not (text.strip() or caption):
        raise Refused(400, "Bad Request: message text is empty")
    if mode.lower() == "html":
        text = _without_tags(text)
    elif mode.lower() in ("markdown", "markdownv2"):
        text = re.sub(r"\\(.)|[*_~`]", lambda match: match[1] or "", text)
    elif mode:
        raise Refused(400, "Bad Request: unsupported parse_mode")
    if len(text) > most:
        what = "message caption" if caption else "message"
        raise Refused(400, f"Bad Request: {what} is too long")
    return text


def _without_tags(text: str) -> str:
    open_tags: list[str] = []
    for closing, tag in _TAG.findall(text):
        if not closing:
            open_tags.append(tag)
        elif not open_tags or open_tags.pop() != tag:
            raise Refused(400, f'Bad Request: can\'t parse entities: Unexpected end tag "{tag}"')
    if open_tags:
        raise Refused(
            400,
            "Bad Request: can't parse entities: Can't find end tag corresponding to start tag "
            f'"{open_tags[-1]}"',
        )
    return html.unescape(_TAG.sub("", text))


def _media(
    field: str, value: object, files: dict[str, File], known: Mapping[str, dict[str, Any]]
) -> dict[str, Any]:
    kind = "image" if field == "photo" else "file"
    file = files.get(field)
    if isinstance(value, str) and value.startswith("attach://"):
        file = files.get(value.removeprefix("attach://"))
    elif file is None and isinstance(value, str) and value:
        if value in known:
            return _sent_again(field, value, known[value])
        if not _URL.fullmatch(value):
            raise Refused(400, "Bad Request: wrong remote file identifier specified: Wrong padding")
        return {"kind": kind, "url": value}
    if file is None:
        raise Refused(400, f"Bad Request: there is no {field} in the request")
    if not file.data:
        raise Refused(400, "Bad Request: file must be non-empty")
    if kind == "image" and len(file.data) > PHOTO_MAX:
        raise Refused(413, "Request Entity Too Large")
    if kind == "image" and not file.data.startswith(_PICTURES):
        raise Refused(400, "Bad Request: IMAGE_PROCESS_FAILED")
    return {
        "kind": kind,
        "name": file.name,
        "content_type": file.content_type,
        "size": len(file.data),
        "sha256": hashlib.sha256(file.data).hexdigest(),
    }


def _sent_again(field: str, file_id: str, file: dict[str, Any]) -> dict[str, Any]:
    """A file by its id, which says what it is: https://core.telegram.org/bots/api#sending-files."""
    if file["field"] != field:
        types = f"{file['field'].title()} as {field.title()}"
        raise Refused(400, f"Bad Request: can't use file of type {types}")
    return {name: value for name, value in file.items() if name != "field"} | {"file_id": file_id}


def _described(media: dict[str, Any]) -> dict[str, Any]:
    """A file as a message of the Bot API shows it; the same file has the same id."""
    shown = {name: value for name, value in media.items() if name != "file_id"}
    digest = hashlib.sha256(json.dumps(shown).encode()).hexdigest()
    described = {"file_id": f"sim{digest[:24]}", "file_unique_id": digest[:16]}
    return {**described, "file_name": media["name"]} if media.get("name") else described


def _buttons(markup: object) -> list[dict[str, str]]:
    """The buttons of an inline keyboard; none where there is no keyboard. Raises Refused."""
    if markup in (None, ""):
        return []
    if isinstance(markup, str):
        try:
            markup = from_json(markup)
        except ValueError:
            raise Refused(
                400, "Bad Request: can't parse reply keyboard markup JSON object"
            ) from None
    if not isinstance(markup, dict):
        raise Refused(400, "Bad Request: object expected as reply markup")
    rows = markup.get("inline_keyboard", [])
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise Refused(400, 'Bad Request: field "inline_keyboard" must be of type Array')
    return [_button(key) for row in rows for key in row]


def _button(key: object) -> dict[str, str]:
    if not isinstance(key, dict) or not isinstance(key.get("text"), str) or not key["text"].strip():
        raise Refused(400, "Bad Request: can't parse inline keyboard button")
    url, data = key.get("url"), key.get("callback_data")
    if isinstance(url, str):
        if not _LINK.fullmatch(url):
            words = f"inline keyboard button URL '{url}' is invalid: Wrong HTTP URL"
            raise Refused(400, f"Bad Request: {words}")
        return {"kind": "link", "label": key["text"], "value": url}
    if not isinstance(data, str):
        raise Refused(400, "Bad Request: Text buttons are unallowed in the inline keyboard")
    if not 1 <= len(data.encode()) <= DATA_MAX:
        raise Refused(400, "Bad Request: BUTTON_DATA_INVALID")
    return {"kind": "reply", "label": key["text"], "value": data}
