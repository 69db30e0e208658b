"""Signing as Amazon SNS does, version 2: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html."""

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

CERTIFICATE = "SimpleNotificationService-rehearsal.pem"
_OF_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_OF_CONFIRMATION = (
    "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
)  # fmt: skip


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def certificate() -> bytes:
    """The certificate of this process's key, in PEM."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.simulated.example")])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(_key().public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=365))
        .not_valid_after(now + timedelta(days=365))
    )
    return builder.sign(_key(), hashes.SHA256()).public_bytes(Encoding.PEM)


def signed(body: dict[str, str], version: str = "2") -> dict[str, str]:
    """The message with its signature."""
    fields = _OF_NOTIFICATION if body["Type"] == "Notification" else _OF_CONFIRMATION
    text = "".join(f"{name}\n{body[name]}\n" for name in fields if name in body).encode()
    algorithm = hashes.SHA256() if version == "2" else hashes.SHA1()  # noqa: S303 - as SNS does
    signature = _key().sign(text, padding.PKCS1v15(), algorithm)
    return {**body, "SignatureVersion": version, "Signature": b64encode(signature).decode()}
