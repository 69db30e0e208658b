"""Signatures, checked by an own reading of RFC 6376: other code than what signs."""

import base64
import hashlib
import re

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from pydantic import ValidationError

from channels.email.fixtures import make
from clarion.channels.contract import Outgoing
from clarion.channels.mailing.building import build
from clarion.channels.mailing.dkim import Signer, relaxed_body, relaxed_header
from clarion.channels.mailing.mailboxes import sender_of
from clarion.transport.messages import SmtpReply, SmtpRequest

Key = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
KEYS: dict[str, Key] = {
    "rsa": rsa.generate_private_key(65_537, 2_048),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
}


def pem(key: Key, password: bytes = b"") -> str:
    sealed: serialization.KeySerializationEncryption = (
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption()
    )
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, sealed).decode()


def message() -> bytes:
    outgoing = Outgoing(
        "abc-17", 3, "anna@example.org", "Grüße  an\nalle \n\n\n", "A long subject " * 9, "Änna",
        "https://clarion.example/unsubscribe/17:abc",
    )  # fmt: skip
    return build(
        outgoing, sender_of("News <news@example.org>"), "anna@example.org", "a@example.org"
    ).whole


def tags_of(signed: bytes) -> tuple[dict[str, str], bytes]:
    """The tags of the signature, and the message behind it."""
    end = re.search(rb"\r\n(?![ \t])", signed)
    assert end is not None
    line = signed[: end.start()].decode()
    assert max(map(len, line.split("\r\n"))) < 100
    value = re.sub(r"\s+", "", line.partition(":")[2])
    return dict(tag.split("=", 1) for tag in value.split(";")), signed[end.end() :]


def is_valid(signed: bytes, key: Key) -> bool:
    """Whether the signature fits the message and the key."""
    tags, rest = tags_of(signed)
    head, _, body = rest.partition(b"\r\n\r\n")
    text = re.sub(rb"[ \t]+", b" ", body).replace(b" \r\n", b"\r\n").rstrip(b"\r\n") + b"\r\n"
    if tags["bh"] != base64.b64encode(hashlib.sha256(text).digest()).decode():
        return False
    headers = [line.partition(b":") for line in re.split(rb"\r\n(?![ \t])", head)]
    data = b""
    for name in tags["h"].encode().split(b":"):
        values = [value for key_, _, value in headers if key_.lower() == name]
        if values:
            data += name + b":" + b" ".join(values[-1].split()) + b"\r\n"
            headers = [each for each in headers if each[2] is not values[-1]]
    own = signed[: len(signed) - len(rest)].partition(b":")[2]
    data += b"dkim-signature:" + _without_value(own)
    raw = base64.b64decode(tags["b"])
    try:
        if isinstance(key, rsa.RSAPrivateKey):
            key.public_key().verify(raw, data, padding.PKCS1v15(), hashes.SHA256())
        else:
            key.public_key().verify(raw, hashlib.sha256(data).digest())
    except Exception:  # noqa: BLE001 - any of them says no
        return False
    return True


def _without_value(own: bytes) -> bytes:
    """The signature's own value with an empty b=, which is its last tag."""
    line = b" ".join(own.split())
    return line[: line.rindex(b" b=") + 3]


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_signed_message_is_valid_and_an_altered_one_is_not(algorithm: str) -> None:
    key = KEYS[algorithm]
    unsigned = message()
    signed = Signer(pem(key), "example.org", "clarion").signed(unsigned)
    tags, rest = tags_of(signed)
    assert rest == unsigned
    assert (tags["a"], tags["d"], tags["s"]) == (f"{algorithm}-sha256", "example.org", "clarion")
    assert (tags["v"], tags["c"]) == ("1", "relaxed/relaxed")
    assert is_valid(signed, key)
    refolded = signed.replace(b"To: ", b"to:  ").replace(b"\r\n\r\n", b" \r\n\r\n", 1)
    assert is_valid(refolded, key)
    assert not is_valid(signed.replace(b"news@", b"fake@"), key)
    assert not is_valid(signed.replace(b"/unsubscribe/17", b"/unsubscribe/18", 1), key)
    assert not is_valid(signed.replace(b"<p", b"<b", 1), key)
    assert not is_valid(signed, rsa.generate_private_key(65_537, 1_024))


def test_the_headers_that_matter_are_signed_and_none_can_be_added() -> None:
    tags, _ = tags_of(Signer(pem(KEYS["rsa"]), "example.org", "clarion").signed(message()))
    names = tags["h"].split(":")
    assert {"from", "list-unsubscribe", "list-unsubscribe-post", "list-id", "message-id"} <= {
        *names
    }
    for name in ("from", "to", "subject", "date", "reply-to"):
        assert names.count(name) == 2, name


def test_the_forms_of_rfc_6376_and_rfc_8463() -> None:
    body = b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n\r\n\r\n"
    digest = base64.b64encode(hashlib.sha256(relaxed_body(body)).digest())
    assert digest == b"2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="  # RFC 8463 A.3
    assert relaxed_body(b" C \r\nD \t E\r\n\r\n\r\n") == b" C\r\nD E\r\n"  # RFC 6376 3.4.5
    assert relaxed_body(b"\r\n\r\n") == b""
    assert relaxed_header(b"B : Y\t\r\n\tZ  ") == b"b:Y Z"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("not a key", "PEM form"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "can't be read"),
        (pem(KEYS["rsa"], b"x"), "can't be read"),
    ],
)
def test_a_key_that_can_not_sign_is_refused_without_showing_it(key: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as error:
        Signer(key, "example.org", "clarion")
    assert key[30:60] not in str(error.value) or key == "not a key"


def test_a_key_whose_line_breaks_became_spaces_signs() -> None:
    flat = pem(KEYS["rsa"]).replace("\n", " ")
    assert is_valid(Signer(flat, "example.org", "c").signed(message()), KEYS["rsa"])


def test_a_channel_signs_and_says_what_to_publish() -> None:
    key = pem(KEYS["ed25519"])
    kind = make(dkim_domain="example.org", dkim_selector="c1", dkim_key=key)
    request = kind.request(Outgoing("abc-17", 3, "anna@example.org", "Hello"))
    assert isinstance(request, SmtpRequest)
    assert is_valid(request.whole, KEYS["ed25519"])
    said = kind.checked(SmtpReply("check", 250, "ok"))
    assert "publish this TXT record at c1._domainkey.example.org: v=DKIM1; k=ed25519; p=" in said


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"dkim_domain": "example.org"}, "Fill in all three"),
        ({"dkim_domain": "other.example", "dkim_selector": "c", "dkim_key": "x"}, "DMARC"),
        ({"dkim_domain": "example.org", "dkim_selector": "a b", "dkim_key": "x"}, "DNS"),
        ({"dkim_domain": "example.org", "dkim_selector": "c", "dkim_key": "x"}, "PEM form"),
    ],
)
def test_settings_that_can_not_sign_are_refused(fields: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        make(**fields)
