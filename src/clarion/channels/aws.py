"""Signing requests to AWS: Signature Version 4, in the Authorization header.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html. Written
out here: it is a few hashes, and the library of AWS brings a client of its own with it.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl, quote, urlsplit

_ALGORITHM = "AWS4-HMAC-SHA256"
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Keys:
    """An access key; ``session_token`` with temporary ones only."""

    access_key_id: str
    secret: str = field(repr=False)
    session_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a signature is for."""

    region: str
    service: str


def signed(
    keys: Keys, scope: Scope, method: str, url: str, headers: Headers, body: bytes, at: datetime
) -> Headers:
    """The headers with those that prove who sends the request: all of them are signed, and Host.

    ``at`` is a moment in UTC; AWS accepts a signature for some minutes. The path of ``url`` is to
    be without characters that would have to be encoded, as those of all requests here are.
    """
    parts = urlsplit(url)
    stamp = at.strftime("%Y%m%dT%H%M%SZ")
    added: list[tuple[str, str]] = [("X-Amz-Date", stamp)]
    if keys.session_token:
        added.append(("X-Amz-Security-Token", keys.session_token))
    lines = {
        name.lower(): " ".join(value.split())
        for name, value in (*headers, *added, ("Host", parts.netloc))
    }
    names = ";".join(sorted(lines))
    canonical = "\n".join(
        (
            method,
            parts.path or "/",
            _query(parts.query),
            *(f"{name}:{lines[name]}" for name in sorted(lines)),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        )
    )
    credential = f"{stamp[:8]}/{scope.region}/{scope.service}/aws4_request"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    signature = hmac.digest(
        _key(keys.secret, credential),
        "\n".join((_ALGORITHM, stamp, credential, hashed)).encode(),
        "sha256",
    ).hex()
    proof = (
        f"{_ALGORITHM} Credential={keys.access_key_id}/{credential}, "
        f"SignedHeaders={names}, Signature={signature}"
    )
    return (*headers, *added, ("Authorization", proof))


def _key(secret: str, credential: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in credential.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _query(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    encoded = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)
