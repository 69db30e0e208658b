"""Keys of the curve P-256, as Web Push writes them: URL-safe base64 without padding."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CURVE: Final = ec.SECP256R1()
PRIVATE_SIZE: Final = 32  # bytes
PUBLIC_SIZE: Final = 65  # bytes: 4, x and y


def encoded(raw: bytes) -> str:
    """URL-safe base64 without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decoded(text: str, size: int = 0) -> bytes:
    """What ``text`` encodes; padding and the other base64 alphabet are accepted too.

    Raises ValueError for anything else, and where it is not ``size`` bytes long.
    """
    plain = text.rstrip("=").replace("+", "-").replace("/", "_")
    raw = urlsafe_b64decode(plain.encode("ascii") + b"=" * (-len(plain) % 4))
    if encoded(raw) != plain or (size and len(raw) != size):
        raise ValueError("That is not base64 of the right length.")
    return raw


def generate() -> str:
    """A new private key."""
    number = ec.generate_private_key(CURVE).private_numbers().private_value
    return encoded(number.to_bytes(PRIVATE_SIZE, "big"))


def private_key(text: str) -> ec.EllipticCurvePrivateKey:
    """A private key as it is written. Raises ValueError."""
    number = int.from_bytes(decoded(text, PRIVATE_SIZE), "big")
    return ec.derive_private_key(number, CURVE)


def public_key(raw: bytes) -> ec.EllipticCurvePublicKey:
    """The key of an uncompressed point. Raises ValueError for one that is not on the curve."""
    return ec.EllipticCurvePublicKey.from_encoded_point(CURVE, raw)


def public_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The uncompressed point of a private key's public one."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
