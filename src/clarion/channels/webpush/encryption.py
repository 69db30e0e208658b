"""Encrypting a message for one browser: RFC 8291, in the content coding of RFC 8188."""

import hmac
import secrets
import struct
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from clarion.channels.webpush.keys import CURVE, PUBLIC_SIZE, public_bytes, public_key

AUTH_SIZE: Final = 16  # bytes
SALT_SIZE: Final = 16
RECORD_SIZE: Final = 4096  # bytes: there is one record, and no message is longer
LONGEST: Final = 3993  # bytes of plaintext that fit, RFC 8291 section 4
_LAST_RECORD: Final = b"\x02"


def encrypt(
    plaintext: bytes,
    p256dh: bytes,
    auth: bytes,
    *,
    salt: bytes | None = None,
    key: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """The body of a push message that only the browser with these subscription keys can read.

    ``salt`` and ``key`` are made for each message: with the same pair and another text, both texts
    could be read. They are given only to compare with the example of the RFC. Raises ValueError for
    a public key that is none, and for more than LONGEST bytes.
    """
    if len(plaintext) > LONGEST:
        raise ValueError(f"A push message has at most {LONGEST} bytes.")
    salt = secrets.token_bytes(SALT_SIZE) if salt is None else salt
    key = ec.generate_private_key(CURVE) if key is None else key
    own = public_bytes(key)
    shared = key.exchange(ec.ECDH(), public_key(p256dh))
    secret = _derived(auth, shared, b"WebPush: info\x00" + p256dh + own, 32)
    content_key = _derived(salt, secret, b"Content-Encoding: aes128gcm\x00", 16)
    nonce = _derived(salt, secret, b"Content-Encoding: nonce\x00", 12)
    head = struct.pack(">16sIB", salt, RECORD_SIZE, PUBLIC_SIZE) + own
    return head + AESGCM(content_key).encrypt(nonce, plaintext + _LAST_RECORD, None)


def _derived(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    """HKDF with SHA-256 (RFC 5869), for at most 32 bytes: one round is enough."""
    return hmac.digest(hmac.digest(salt, secret, "sha256"), info + b"\x01", "sha256")[:length]
