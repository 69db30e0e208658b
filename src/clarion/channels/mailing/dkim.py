"""DKIM signatures (RFC 6376) with RSA or Ed25519 (RFC 8463), relaxed in header and body.

Written out here with ``cryptography``, see docs/decisions/0080-dkim-and-headers.md.
"""

import hashlib
import re
from base64 import b64encode
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

# What mail programs show, and what makes them do something. RFC 8058 4 demands both of List-*.
_SIGNED: Final = (
    "from", "reply-to", "to", "subject", "date", "message-id", "mime-version", "content-type",
    "list-id", "list-unsubscribe", "list-unsubscribe-post", "feedback-id", "auto-submitted",
)  # fmt: skip
# Named once more than there are, so that nobody can add another one (RFC 6376 8.15).
_OVERSIGNED: Final = ("from", "reply-to", "to", "subject", "date", "mime-version", "content-type")
_LEAST_BITS: Final = 1_024  # RFC 8301 3.2
_FOLD: Final = "\r\n "
_SPACES: Final = re.compile(rb"[ \t]+")
_FOLDING: Final = re.compile(rb"\r\n(?=[ \t])")
_PEM: Final = re.compile(r"(-----BEGIN [A-Z ]+-----)(.*?)(-----END [A-Z ]+-----)", re.DOTALL)


class Signer:
    """Signs the messages of one channel."""

    def __init__(self, pem: str, domain: str, selector: str) -> None:
        """Raises ValueError with a sentence for a key that can't sign."""
        self._key = _private_key(pem)
        self._domain, self._selector = domain, selector
        self._algorithm = "rsa" if isinstance(self._key, RSAPrivateKey) else "ed25519"

    @property
    def record(self) -> tuple[str, str]:
        """The name and the text of the DNS record (TXT) with the public key."""
        public = self._key.public_key()
        if self._algorithm == "rsa":
            raw = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        else:
            raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        text = f"v=DKIM1; k={self._algorithm}; p={b64encode(raw).decode()}"
        return f"{self._selector}._domainkey.{self._domain}", text

    def signed(self, message: bytes, tail: bytes = b"") -> bytes:
        """The message with its signature in front. Its lines end in CRLF.

        ``tail``: what follows it, in lines that are in their relaxed form already, the last of
        them not empty.
        """
        head, _, body = message.partition(b"\r\n\r\n")
        headers = _headers(head)
        names = [name for name in _SIGNED if name in headers]
        listed = ":".join([*names, *_OVERSIGNED])
        signature = (
            f"DKIM-Signature: v=1; a={self._algorithm}-sha256; c=relaxed/relaxed;\r\n"
            f" d={self._domain}; s={self._selector};\r\n h={_folded(listed)};\r\n"
            f" bh={b64encode(_body_hash(body, tail)).decode()};\r\n b="
        )
        data = b"".join(relaxed_header(headers[name]) + b"\r\n" for name in names)
        data += relaxed_header(signature.encode())
        written = b64encode(self._sign(data)).decode()
        lines = [written[start : start + 70] for start in range(0, len(written), 70)]
        return f"{signature}{_FOLD.join(lines)}\r\n".encode() + message

    def _sign(self, data: bytes) -> bytes:
        if isinstance(self._key, RSAPrivateKey):
            return self._key.sign(data, PKCS1v15(), hashes.SHA256())
        return self._key.sign(hashlib.sha256(data).digest())  # RFC 8463 3


def relaxed_header(line: bytes) -> bytes:
    """A header in its relaxed form (RFC 6376 3.4.2), without its end."""
    name, _, value = _FOLDING.sub(b"", line).partition(b":")
    return name.strip().lower() + b":" + _SPACES.sub(b" ", value).strip(b" \t\r\n")


def relaxed_body(body: bytes) -> bytes:
    """A body in its relaxed form (RFC 6376 3.4.4)."""
    lines = _relaxed_lines(body)
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def _relaxed_lines(body: bytes) -> list[bytes]:
    return [_SPACES.sub(b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]


def _body_hash(body: bytes, tail: bytes) -> bytes:
    """The hash of a body in its relaxed form, of which ``tail`` needs no work any more."""
    digest = hashlib.sha256(b"\r\n".join(_relaxed_lines(body)) if tail else relaxed_body(body))
    digest.update(tail)
    return digest.digest()


def _headers(head: bytes) -> dict[str, bytes]:
    """The headers by name; ours has each once."""
    lines = re.split(rb"\r\n(?![ \t])", head)
    return {line.partition(b":")[0].decode("ascii").lower(): line for line in lines}


def _folded(names: str) -> str:
    """A list of names on lines of bounded length."""
    lines, line = list[str](), ""
    for name in names.split(":"):
        if len(line) + len(name) > 65:
            lines.append(line)
            line = ""
        line += f"{name}:"
    return _FOLD.join([*lines, line.rstrip(":")])


@lru_cache(maxsize=32)  # reading an RSA key takes longer than a signature
def _private_key(pem: str) -> RSAPrivateKey | Ed25519PrivateKey:
    """The key in a PEM, also in one whose line breaks a form has turned into spaces."""
    match = _PEM.search(pem)
    if match is None:
        raise ValueError(
            "Paste the private key in PEM form, from -----BEGIN PRIVATE KEY----- to its end."
        )
    inside = "\n".join(match[2].split())
    try:
        key = load_pem_private_key(f"{match[1]}\n{inside}\n{match[3]}\n".encode(), None)
    except (ValueError, TypeError):
        raise ValueError("The private key can't be read. It must not have a password.") from None
    if isinstance(key, RSAPrivateKey) and key.key_size >= _LEAST_BITS:
        return key
    if isinstance(key, Ed25519PrivateKey):
        return key
    raise ValueError("The private key has to be RSA of at least 1,024 bits, or Ed25519.")
