"""Encryption and proof of the sender, against the examples of the RFCs."""

import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from channels.webpush.fixtures import PRIVATE
from clarion.channels.webpush.encryption import LONGEST, encrypt
from clarion.channels.webpush.keys import decoded, encoded, generate, private_key, public_key
from clarion.channels.webpush.vapid import GOOD_FOR, Vapid
from clarion_simulator.webpush import Browser

# RFC 8291, appendix A.
TEXT = b"When I grow up, I want to be a watermelon"
SENDER = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
P256DH = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLoc"
    "InmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNW"
    "QexSgSxsj_Qulcy4a-fN"
)


def test_the_example_of_rfc_8291_comes_out_byte_for_byte() -> None:
    body = encrypt(
        TEXT, decoded(P256DH), decoded(AUTH), salt=decoded(SALT), key=private_key(SENDER)
    )
    assert encoded(body) == BODY


def test_every_message_has_a_key_and_a_salt_of_its_own() -> None:
    first, second = (encrypt(TEXT, decoded(P256DH), decoded(AUTH)) for _ in range(2))
    assert first[:16] != second[:16]
    assert first[21:86] != second[21:86]


def test_the_longest_message_fits_in_4096_bytes_and_a_longer_one_is_refused() -> None:
    browser = Browser("anna")
    body = encrypt(b'"' + b"x" * (LONGEST - 2) + b'"', browser.point, browser.auth)
    assert len(body) == 4096
    with pytest.raises(ValueError, match="at most"):
        encrypt(b"x" * (LONGEST + 1), browser.point, browser.auth)


def test_a_message_for_another_browser_stays_closed() -> None:
    anna, ben = Browser("anna"), Browser("ben")
    body = encrypt(b'{"body": "Hello"}', anna.point, anna.auth)
    assert anna.read(body) == {"body": "Hello"}
    with pytest.raises(ValueError, match="another browser"):
        ben.read(body)


@pytest.mark.parametrize("point", [b"", b"\x04" + b"\x01" * 64, b"\x00" * 65])
def test_a_key_that_is_no_point_of_the_curve_is_refused(point: bytes) -> None:
    with pytest.raises(ValueError):
        encrypt(TEXT, point, decoded(AUTH))


def claims_of(header: str) -> dict[str, object]:
    """The claims of a token, whose signature is checked with the key beside it (RFC 8292)."""
    token, key = header.removeprefix("vapid t=").split(", k=")
    head, payload, signature = token.split(".")
    assert json.loads(decoded(head)) == {"typ": "JWT", "alg": "ES256"}
    raw = decoded(signature, 64)
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    signed = f"{head}.{payload}".encode()
    verifier = public_key(decoded(key))
    verifier.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        verifier.verify(encode_dss_signature(r, s), signed + b"x", ec.ECDSA(hashes.SHA256()))
    claims = json.loads(decoded(payload))
    assert isinstance(claims, dict)
    return claims


def test_a_token_proves_the_sender_to_one_push_service() -> None:
    vapid = Vapid(PRIVATE, "mailto:push@shop.example", now=lambda: 1_800_000_000.0)
    claims = claims_of(vapid.authorization("https://push.example"))
    assert claims == {
        "aud": "https://push.example",
        "exp": 1_800_000_000 + GOOD_FOR,
        "sub": "mailto:push@shop.example",
    }


def test_a_token_is_used_for_hours_and_renewed_before_it_ends() -> None:
    times = [0.0]
    vapid = Vapid(PRIVATE, "mailto:push@shop.example", now=lambda: times[0])
    first = vapid.authorization("https://push.example")
    times[0] = GOOD_FOR - 3601.0
    assert vapid.authorization("https://push.example") == first
    assert vapid.authorization("https://another.example") != first
    times[0] = GOOD_FOR - 3599.0
    assert vapid.authorization("https://push.example") != first


def test_a_made_key_is_read_back() -> None:
    text = generate()
    assert len(decoded(text)) == 32
    assert private_key(text).private_numbers().private_value > 0
