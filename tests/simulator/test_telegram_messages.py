"""Pictures, files, keyboards and pressed buttons of the simulated Bot API."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from clarion_simulator.server import Simulator
from simulator.client import Reply, ask, get

TOKEN = "123456:secret"
PNG = b"\x89PNG\r\n\x1a\n--x\r\n\r\n"
URL = "https://pictures.example/anna.png"
KEYBOARD = {
    "inline_keyboard": [
        [{"text": "Look", "url": "https://x.example/"}, {"text": "Yes", "callback_data": "y"}],
        [{"text": "No", "callback_data": "n"}],
    ]
}
BUTTONS = [
    {"kind": "link", "label": "Look", "value": "https://x.example/"},
    {"kind": "reply", "label": "Yes", "value": "y"},
    {"kind": "reply", "label": "No", "value": "n"},
]


async def call(simulator: Simulator, method: str, params: Any) -> Reply:
    return await ask(simulator, f"/bot{TOKEN}/{method}", params)


async def upload(
    simulator: Simulator, method: str, fields: dict[str, str], name: str, content: bytes
) -> Reply:
    parts = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
        for key, value in fields.items()
    )
    head = (
        f'--b\r\nContent-Disposition: form-data; name="{name}"; filename="änna.png"\r\n'
        "Content-Type: image/png\r\n\r\n"
    )
    body = f"{parts}{head}".encode() + content + b"\r\n--b--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    return await ask(simulator, f"/bot{TOKEN}/{method}", body, headers=headers)


async def last(simulator: Simulator) -> dict[str, Any]:
    entries: list[dict[str, Any]] = (await get(simulator, "/_/log"))["entries"]
    return entries[-1]


@pytest.mark.parametrize(
    ("method", "field", "kind"),
    [("sendPhoto", "photo", "image"), ("sendDocument", "document", "file")],
)
async def test_by_address(simulator: Simulator, method: str, field: str, kind: str) -> None:
    reply = await call(simulator, method, {"chat_id": 7, field: URL, "caption": "Grüße"})
    result = reply.json()["result"]
    assert result["caption"] == "Grüße"
    assert field in result
    entry = await last(simulator)
    assert (entry["outcome"], entry["text"]) == ("accepted", "Grüße")
    assert entry["media"] == {"kind": kind, "url": URL}
    assert "buttons" not in entry


async def test_by_upload(simulator: Simulator) -> None:
    fields = {"chat_id": "7", "reply_markup": json.dumps(KEYBOARD)}
    reply = await upload(simulator, "sendPhoto", fields, "photo", PNG)
    result = reply.json()["result"]
    assert "caption" not in result
    assert result["photo"][0]["file_id"]
    entry = await last(simulator)
    assert entry["media"] == {
        "kind": "image",
        "name": "änna.png",
        "content_type": "image/png",
        "size": len(PNG),
        "sha256": hashlib.sha256(PNG).hexdigest(),
    }
    assert entry["buttons"] == BUTTONS


async def test_again_by_the_id_of_the_file(simulator: Simulator) -> None:
    uploaded = await upload(simulator, "sendPhoto", {"chat_id": "7"}, "photo", PNG)
    file_id = uploaded.json()["result"]["photo"][0]["file_id"]
    first = await last(simulator)
    again = await call(simulator, "sendPhoto", {"chat_id": 8, "photo": file_id})
    assert again.json()["result"]["photo"][0]["file_id"] == file_id
    assert (await last(simulator))["media"] == {**first["media"], "file_id": file_id}

    as_document = await call(simulator, "sendDocument", {"chat_id": 8, "document": file_id})
    assert "can't use file of type Photo as Document" in as_document.json()["description"]
    other_bot = f"/bot{TOKEN}x/sendPhoto"
    body = json.dumps({"chat_id": 8, "photo": file_id}).encode()
    reply = await ask(simulator, other_bot, body, headers={"Content-Type": "application/json"})
    assert "wrong remote file identifier" in reply.json()["description"]


async def test_by_attachment(simulator: Simulator) -> None:
    fields = {"chat_id": "7", "document": "attach://mine"}
    assert (await upload(simulator, "sendDocument", fields, "mine", b"any")).status == 200
    assert (await last(simulator))["media"]["size"] == 3


async def test_a_keyboard_comes_back_with_the_message(simulator: Simulator) -> None:
    params = {"chat_id": 7, "text": "Well?", "reply_markup": KEYBOARD}
    result = (await call(simulator, "sendMessage", params)).json()["result"]
    flat = [key for row in KEYBOARD["inline_keyboard"] for key in row]
    assert [row[0] for row in result["reply_markup"]["inline_keyboard"]] == flat
    assert (await last(simulator))["buttons"] == BUTTONS


@pytest.mark.parametrize(
    ("method", "params", "words"),
    [
        ("sendPhoto", {}, "there is no photo in the request"),
        ("sendPhoto", {"photo": ""}, "there is no photo in the request"),
        ("sendPhoto", {"photo": 7}, "there is no photo in the request"),
        ("sendPhoto", {"photo": "ftp://x"}, "wrong remote file identifier"),
        ("sendPhoto", {"photo": "attach://x"}, "there is no photo in the request"),
        ("sendDocument", {"photo": URL}, "there is no document in the request"),
        ("sendPhoto", {"photo": URL, "caption": "x" * 1025}, "message caption is too long"),
        ("sendMessage", {"reply_markup": "{"}, "can't parse reply keyboard markup JSON object"),
        ("sendMessage", {"reply_markup": "[]"}, "object expected as reply markup"),
        ("sendMessage", {"reply_markup": {"inline_keyboard": [3]}}, "must be of type Array"),
        ("sendMessage", [{"text": "Yes"}], "Text buttons are unallowed"),
        ("sendMessage", [{"callback_data": "y"}], "can't parse inline keyboard button"),
        ("sendMessage", ["Yes"], "can't parse inline keyboard button"),
        ("sendMessage", [{"text": "Yes", "callback_data": "ü" * 33}], "BUTTON_DATA_INVALID"),
        ("sendMessage", [{"text": "Yes", "callback_data": ""}], "BUTTON_DATA_INVALID"),
        ("sendMessage", [{"text": "Yes", "url": "x.example"}], "button URL 'x.example' is invalid"),
    ],
)
async def test_what_is_refused(simulator: Simulator, method: str, params: Any, words: str) -> None:
    if isinstance(params, list):
        params = {"reply_markup": {"inline_keyboard": [params]}}
    reply = await call(simulator, method, {"chat_id": 7, "text": "x", **params})
    assert reply.status == 400
    assert words in reply.json()["description"]
    assert (await last(simulator))["outcome"] == "refused:invalid"


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"", 400, "file must be non-empty"),
        (b"<html>", 400, "IMAGE_PROCESS_FAILED"),
        (PNG + bytes(10_000_000), 413, "Request Entity Too Large"),
    ],
)
async def test_photos_that_are_none(
    simulator: Simulator, content: bytes, status: int, words: str
) -> None:
    reply = await upload(simulator, "sendPhoto", {"chat_id": "7"}, "photo", content)
    assert reply.status == status
    assert words in reply.json()["description"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b",
        b"--b--",
        b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--",
        b'--b\r\nContent-Disposition: form-data; name="chat_id"\r\n\r\n7\r\n',
        b'--b\r\nContent-Disposition: form-data; name="chat_id"\r\n\r\n\xff\r\n--b--',
        b'--b\r\nContent-Disposition: form-data; name="chat_id"\r\n\r\n7\r\n' * 2 + b"--b--",
        b'preamble\r\n--b\r\nContent-Disposition: form-data; name="chat_id"\r\n\r\n7\r\n--b--',
    ],
)
@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=b", "multipart/form-data"])
async def test_broken_forms_get_400(simulator: Simulator, body: bytes, kind: str) -> None:
    reply = await ask(simulator, f"/bot{TOKEN}/sendPhoto", body, headers={"Content-Type": kind})
    assert reply.status == 400


async def inbound(simulator: Simulator, **fields: Any) -> Reply:
    return await ask(simulator, "/_/inbound", {"bot": TOKEN, "chat_id": 7, **fields})


async def test_a_press_is_under_the_last_message_with_that_button(simulator: Simulator) -> None:
    for text in ("First", "Second"):
        params = {"chat_id": 7, "text": text, "reply_markup": KEYBOARD}
        await call(simulator, "sendMessage", params)
    await call(simulator, "sendMessage", {"chat_id": 7, "text": "No buttons"})
    query = (await inbound(simulator, button="n")).json()["update"]["callback_query"]
    assert query["data"] == "n"
    assert query["from"] == {"id": 7, "is_bot": False, "first_name": "Anna"}
    assert query["message"]["text"] == "Second"
    assert query["message"]["chat"] == {"id": 7, "type": "private", "first_name": "Anna"}
    rows = query["message"]["reply_markup"]["inline_keyboard"]
    assert [{"text": "No", "callback_data": "n"}] in rows
    other = (await inbound(simulator, button="n")).json()["update"]["callback_query"]
    assert other["id"] != query["id"]


@pytest.mark.parametrize("fields", [{"button": "gone"}, {"button": "y", "chat_id": 8}])
async def test_a_press_under_an_old_message_has_no_keyboard(
    simulator: Simulator, fields: dict[str, Any]
) -> None:
    await call(simulator, "sendMessage", {"chat_id": 7, "text": "x", "reply_markup": KEYBOARD})
    query = (await inbound(simulator, **fields)).json()["update"]["callback_query"]
    assert query["message"]["date"] == 0
    assert "reply_markup" not in query["message"]


async def test_a_press_can_be_answered(simulator: Simulator) -> None:
    assert (await call(simulator, "answerCallbackQuery", {"callback_query_id": "1"})).json()[
        "result"
    ]
    assert (await call(simulator, "answerCallbackQuery", {})).status == 400


async def test_the_log_file_keeps_what_was_sent(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    async with Simulator(log_file=path) as simulator:
        params = {"chat_id": 7, "photo": URL, "reply_markup": KEYBOARD}
        await call(simulator, "sendPhoto", params)
        await call(simulator, "sendMessage", {"chat_id": 7, "text": "x"})
    async with Simulator(log_file=path) as simulator:
        first, second = (await get(simulator, "/_/log"))["entries"]
        assert first["media"] == {"kind": "image", "url": URL}
        assert first["buttons"] == BUTTONS
        assert not {"media", "buttons", "template"} & second.keys()
        await ask(simulator, "/_/reset", {})
        await call(simulator, "sendMessage", {"chat_id": 7, "text": "x"})
        assert "buttons" not in await last(simulator)
