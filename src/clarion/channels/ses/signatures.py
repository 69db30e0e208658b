"""Signatures of Amazon SNS, which publishes the events of SES.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html: named fields of the
message, each name and value on a line of its own, signed with RSA over SHA-1 (version 1) or SHA-256
(version 2). The certificate is at a URL that the message names, so only one of SNS itself counts.
"""

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import Certificate, load_pem_x509_certificate

from clarion.channels import payloads
from clarion.channels.contract import BadSignature

_FIELDS: Final = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
    ),
}  # fmt: skip
_FIELDS["UnsubscribeConfirmation"] = _FIELDS["SubscriptionConfirmation"]
_HASHES: Final[Mapping[str, hashes.HashAlgorithm]] = {
    "1": hashes.SHA1(),  # noqa: S303 - the default of SNS topics
    "2": hashes.SHA256(),
}
_FILE: Final = re.compile(r"SimpleNotificationService-[A-Za-z0-9]{1,100}\.pem")
# SNS tries for an hour at most (“message delivery retries” in its guide).
_OLDEST: Final = timedelta(days=1)


def certificate_url(message: Mapping[str, Any], root: str) -> str:
    """Where the certificate is. Raises BadSignature where that is not at ``root``, which is SNS."""
    url = payloads.text(message.get("SigningCertURL"), 300)
    if not (url.startswith(root) and _FILE.fullmatch(url.removeprefix(root))):
        raise BadSignature("The certificate of the callback is not one of Amazon SNS.")
    return url


def check(message: Mapping[str, Any], certificate: bytes, received_at: datetime) -> None:
    """Raise BadSignature unless SNS has signed the message, within the last day."""
    algorithm = _HASHES.get(payloads.text(message.get("SignatureVersion"), 4))
    if algorithm is None:
        raise BadSignature("The signature of the callback has an unknown version.")
    try:
        parsed = _parsed(certificate)
        signature = b64decode(payloads.text(message.get("Signature"), 2_000), validate=True)
        key = parsed.public_key()
        if not isinstance(key, RSAPublicKey):
            raise BadSignature("The certificate of the callback has no RSA key.")
        key.verify(signature, signed_text(message), PKCS1v15(), algorithm)
    except (InvalidSignature, Error, ValueError):
        raise BadSignature("The signature of the callback is wrong.") from None
    if not parsed.not_valid_before_utc <= received_at <= parsed.not_valid_after_utc:
        raise BadSignature("The certificate of the callback has expired.")
    if _sent_at(message) < received_at - _OLDEST:
        raise BadSignature("The callback is older than a day.")


def signed_text(message: Mapping[str, Any]) -> bytes:
    """What SNS signs. Raises BadSignature for a message of a type that has no signature."""
    fields = _FIELDS.get(payloads.text(message.get("Type"), 40))
    if fields is None:
        raise BadSignature("The callback has an unknown type.")
    lines = [f"{name}\n{message[name]}\n" for name in fields if isinstance(message.get(name), str)]
    return "".join(lines).encode("utf-8", "surrogatepass")


def _sent_at(message: Mapping[str, Any]) -> datetime:
    try:
        at = datetime.fromisoformat(payloads.text(message.get("Timestamp"), 40))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise BadSignature("The callback does not say when it was sent.")
    return at


@lru_cache(maxsize=16)
def _parsed(certificate: bytes) -> Certificate:
    return load_pem_x509_certificate(certificate)
