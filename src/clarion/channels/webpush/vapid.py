"""Proving to a push service who sends: VAPID, RFC 8292."""

import json
import time
from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from clarion.channels.webpush.keys import encoded, private_key, public_bytes

GOOD_FOR: Final = 12 * 3600  # seconds; a push service refuses more than 24 hours
_RENEWED: Final = 3600  # seconds before its end: a push service's clock may be fast
_ORIGINS: Final = 1_000  # tokens that are remembered
_HEAD: Final = encoded(b'{"typ":"JWT","alg":"ES256"}')


class Vapid:
    """Signs for one channel. A signature costs a tenth of a millisecond, so each is used for hours.

    Which token a request carries is the only thing that depends on what was sent before.
    """

    def __init__(self, private: str, subject: str, *, now: Callable[[], float] = time.time) -> None:
        """`private`: as `keys.generate` makes it; `subject`: a mailto: or https: address."""
        self._key = private_key(private)
        self._subject = subject
        self._now = now
        self._tokens: dict[str, tuple[str, float]] = {}  # origin -> header, when it is renewed
        self.public = encoded(public_bytes(self._key))

    def authorization(self, origin: str) -> str:
        """The header Authorization for a push service, such as https://push.example."""
        now = self._now()
        header, until = self._tokens.get(origin, ("", 0.0))
        if now < until:
            return header
        if len(self._tokens) >= _ORIGINS:
            self._tokens.clear()
        header = f"vapid t={self._token(origin, int(now) + GOOD_FOR)}, k={self.public}"
        self._tokens[origin] = (header, now + GOOD_FOR - _RENEWED)
        return header

    def _token(self, origin: str, expires: int) -> str:
        claims = {"aud": origin, "exp": expires, "sub": self._subject}
        signed = f"{_HEAD}.{encoded(json.dumps(claims, separators=(',', ':')).encode())}"
        signature = self._key.sign(signed.encode("ascii"), ec.ECDSA(hashes.SHA256()))
        r, s = decode_dss_signature(signature)  # RFC 7518 section 3.4: both numbers, 32 bytes each
        return f"{signed}.{encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"
