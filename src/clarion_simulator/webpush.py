"""A push service and the browsers behind it: RFC 8030, with VAPID (8292) and encryption (8291).

Each browser has an endpoint /push/<name> and keys that follow from its name. Its messages are
decrypted, so that the log has their text; a token that does not prove the sender is refused.
"""

import hmac
import json
import re
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import partial
from hashlib import sha256
from typing import Any
from urllib.parse import quote, unquote

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from clarion_simulator.callbacks import Call
from clarion_simulator.desk import Desk
from clarion_simulator.fate import DOINGS, Fate
from clarion_simulator.log import Channel
from clarion_simulator.wire import Connection, Handler, http_reply, json_reply

LARGEST = 4096  # bytes of an encrypted message
DAY = 86_400  # seconds for which a token may be good
WORKER = "/push/worker.js"
_CURVE = ec.SECP256R1()
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_INVALID = ("refused:invalid", "ok")
_UNSIGNED = ("refused:401", "ok")
_VAPID = re.compile(r"vapid t=([\w-]+)\.([\w-]+)\.([\w-]+), ?k=([\w-]+)")
_TOKENS = 1_000
_ERRORS = {"500": 500, "400": 404, "blocked": 410, "deactivated": 410}


class Browser:
    """One browser: its keys follow from its name."""

    def __init__(self, name: str) -> None:
        seed = sha256(f"clarion simulator: {name}".encode()).digest()
        self.key = ec.derive_private_key(int.from_bytes(seed, "big") % (_ORDER - 1) + 1, _CURVE)
        self.point = _point(self.key)
        self.auth = sha256(seed).digest()[:16]

    def read(self, body: bytes) -> dict[str, Any]:
        """The message in an encrypted body. Raises ValueError where it is not for this browser."""
        salt, size, key_size = body[:16], int.from_bytes(body[16:20], "big"), body[20:21]
        sender, sealed = body[21:86], body[86:]
        if key_size != b"\x41" or size < len(sealed):
            raise ValueError("not one record of aes128gcm")
        shared = self.key.exchange(
            ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, sender)
        )
        secret = _derived(self.auth, shared, b"WebPush: info\0" + self.point + sender, 32)
        content_key = _derived(salt, secret, b"Content-Encoding: aes128gcm\0", 16)
        nonce = _derived(salt, secret, b"Content-Encoding: nonce\0", 12)
        try:
            plain = AESGCM(content_key).decrypt(nonce, sealed, None).rstrip(b"\0")
        except InvalidTag:
            raise ValueError("encrypted for another browser") from None
        if plain[-1:] != b"\x02":
            raise ValueError("not the last record")
        message = json.loads(plain[:-1])
        if not isinstance(message, dict):
            raise ValueError("not a JSON object")
        return message


def subscription(base_url: str, name: str) -> dict[str, Any]:
    """The PushSubscription of a browser, as it posts it to a website."""
    browser = Browser(name)
    keys = {"p256dh": _text(browser.point), "auth": _text(browser.auth)}
    return {"endpoint": f"{base_url}/push/{quote(name, safe='')}", "keys": keys}


class WebPush:
    """Serves /push/<name>."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._shown: dict[str, dict[str, Any]] = {}  # the last message with buttons, by browser
        self._proven: dict[tuple[str, str], float] = {}  # header and audience -> its end

    def handler(self, path: str) -> Handler:
        """The handler for one address."""
        if path == WORKER:
            return _serve_worker
        return partial(self._take, unquote(path.removeprefix("/push/")))

    def press(self, name: str, value: str) -> bool:
        """The browser presses the reply button with that value; whether it was shown one."""
        url = self.desk.behaviour.callback_url
        message = self._shown.get(name, {})
        for button in message.get("buttons", ()):
            if url and button["kind"] == "reply" and button["value"] == value:
                press = {"type": "pressed", "button": value, "label": button["label"]}
                self._report(url, name, {**_report_of(message), **press}, 0.0)
                return True
        return False

    def _take(self, name: str, conn: Connection) -> None:
        if conn.method == b"GET":
            host = conn.headers.get(b"host", b"127.0.0.1").decode("latin-1")
            conn.answer(json_reply(200, subscription(f"http://{host}", name)))
            return
        host = conn.headers.get(b"host", b"").decode("latin-1")
        key = self._proven_key(conn.headers.get(b"authorization", b""), f"http://{host}")
        channel = self.desk.log.channel("webpush", key[:16] or "unauthorized")
        if not key:
            self.desk.log.add(channel, _UNSIGNED, conn.received, name)
            conn.answer(_error(401, "the VAPID token is missing, wrong or too old"))
            return
        try:
            message = _read(name, conn)
        except ValueError as error:
            self.desk.log.add(channel, _INVALID, conn.received, name)
            conn.answer(_error(413 if str(error) == "too large" else 400, str(error)))
            return
        fate = self.desk.judge.decide(channel, name, conn.received, conn.spared)
        self._settle(channel, conn, name, message, fate)

    def _settle(
        self, channel: Channel, conn: Connection, name: str, message: dict[str, Any], fate: Fate
    ) -> None:
        desk, do, key = self.desk, fate.do, str(message.get("id", ""))
        doing = DOINGS[do]
        desk.log.add(
            channel, doing, conn.received, name, key, str(message.get("body", "")), _parts(message)
        )
        if doing[0] == "accepted":
            reply = http_reply(
                201, '{"code": 201}', headers=f"Location: /message/{quote(key, safe='')}\r\n"
            )
            conn.act(do, fate.delay, reply)
            self._show(name, message, fate)
        elif do in _ERRORS:
            conn.answer(_error(_ERRORS[do], "simulated"), delay=fate.delay)
        elif do in ("429", "rate_limit"):
            wait = desk.behaviour.retry_after
            headers = "" if wait is None else f"Retry-After: {wait}\r\n"
            conn.answer(http_reply(429, b"", headers=headers), delay=fate.delay)
        else:
            conn.act(do, fate.delay, b"")

    def _show(self, name: str, message: dict[str, Any], fate: Fate) -> None:
        """The browser shows it, and its service worker reports that: a share may be offline."""
        if message.get("buttons"):
            self._shown[name] = message
        url, about = self.desk.behaviour.callback_url, _report_of(message)
        if not url or not about:
            return
        for receipt in self.desk.judge.receipts(name, str(message["id"]), fate.do):
            if receipt.kind == "message.delivered":
                self._report(url, name, {**about, "type": "shown"}, fate.delay + receipt.delay)

    def _report(self, url: str, name: str, report: dict[str, Any], delay: float) -> None:
        self.desk.caller.add(delay, Call(url, json.dumps(report).encode(), name))

    def _proven_key(self, header: bytes, audience: str) -> str:
        """The public key that a request is signed with; "" where its token proves nothing."""
        text, now = header.decode("latin-1"), time.time()
        match = _VAPID.fullmatch(text)
        if match is None:
            return ""
        if self._proven.get((text, audience), 0.0) <= now:
            expires = _checked(match, audience, now)
            if len(self._proven) >= _TOKENS:
                self._proven.clear()
            self._proven[text, audience] = expires
        return match[4] if self._proven[text, audience] > now else ""


def _read(name: str, conn: Connection) -> dict[str, Any]:
    headers = conn.headers
    if not headers.get(b"ttl", b"").isdigit():
        raise ValueError("the header TTL is missing")
    if headers.get(b"content-encoding") != b"aes128gcm":
        raise ValueError("the content coding is not aes128gcm")
    if len(conn.body) > LARGEST:
        raise ValueError("too large")
    return Browser(name).read(bytes(conn.body))


def _checked(match: re.Match[str], audience: str, now: float) -> float:
    """When a token ends; 0 where it is not signed by its key, or meant for another service."""
    try:
        claims = json.loads(_raw(match[2]))
        signature = _raw(match[3])
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        key = ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, _raw(match[4]))
        signed = f"{match[1]}.{match[2]}".encode()
        key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
        expires = float(claims["exp"])
    except (ValueError, KeyError, TypeError, InvalidSignature):
        return 0.0
    is_good = claims.get("aud") == audience and expires <= now + DAY
    return expires if is_good else 0.0


def _parts(message: dict[str, Any]) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    if message.get("image"):
        parts["media"] = {"kind": "image", "url": message["image"]}
    if message.get("buttons"):
        parts["buttons"] = message["buttons"]
    return parts


def _report_of(message: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "to", "proof")
    return {name: message[name] for name in names} if message.get("proof") else {}


def _serve_worker(conn: Connection) -> None:
    line = 'importScripts("http://127.0.0.1:8000/subscribe/1/worker.js");\n'
    conn.answer(http_reply(200, line, content_type="text/javascript"))


def _error(status: int, words: str) -> bytes:
    return json_reply(status, {"code": status, "message": words})


def _point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _derived(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    return hmac.digest(hmac.digest(salt, secret, "sha256"), info + b"\x01", "sha256")[:length]


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _raw(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
