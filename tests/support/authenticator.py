"""A passkey made of software: answers a browser would give (WebAuthn, without attestation)."""

import base64
import hashlib
import json
import os
import struct
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2 import cbor
from fido2.cose import ES256

_PRESENT, _ATTESTED = 0x01, 0x40


class Authenticator:
    """One key, of one site."""

    def __init__(self, origin: str, host: str) -> None:
        self.origin, self.host = origin, host
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = os.urandom(32)
        self.counter = 0

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """The answer to options for making a passkey."""
        made: Any = ES256
        public = cbor.encode(dict(made.from_cryptography_key(self.key.public_key())))
        attested = bytes(16) + struct.pack(">H", len(self.id)) + self.id + public
        data = self._data(_PRESENT | _ATTESTED) + attested
        statement = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", options["publicKey"]["challenge"])
        return self._answer(clientDataJSON=client, attestationObject=statement)

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        """The answer to options for using it."""
        self.counter += 1
        data = self._data(_PRESENT)
        client = self._client("webauthn.get", options["publicKey"]["challenge"])
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer(clientDataJSON=client, authenticatorData=data, signature=signature)

    def _data(self, flags: int) -> bytes:
        host = hashlib.sha256(self.host.encode()).digest()
        return host + struct.pack(">BI", flags, self.counter)

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _answer(self, **response: bytes) -> dict[str, Any]:
        name = _text(self.id)
        written = {key: _text(value) for key, value in response.items()}
        return {"id": name, "rawId": name, "type": "public-key", "response": written}


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
