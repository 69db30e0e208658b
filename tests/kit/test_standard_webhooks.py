"""Signatures, against the vector of the specification's own test suite."""

from datetime import UTC, datetime, timedelta

import pytest

from clarion.kit.standard_webhooks import TOLERANCE, SignatureError, key_of, sign, verify

# libraries/python/tests/test_webhooks.py, test_sign_function, in standard-webhooks.
KEY = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
MESSAGE, AT = "msg_p5jXN8AQM9LWM0D4loKWxJek", datetime.fromtimestamp(1614265330, UTC)
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
HEADERS = {
    "webhook-id": MESSAGE,
    "webhook-timestamp": str(int(AT.timestamp())),
    "webhook-signature": SIGNATURE,
}


def test_the_published_vector() -> None:
    assert sign(KEY, MESSAGE, 1614265330, BODY) == SIGNATURE


@pytest.mark.parametrize("away", [-TOLERANCE, 0, TOLERANCE])
def test_five_minutes_either_way_are_fine(away: int) -> None:
    verify(KEY, HEADERS, BODY, AT + timedelta(seconds=away))


@pytest.mark.parametrize("away", [-TOLERANCE - 1, TOLERANCE + 1])
def test_older_and_newer_callbacks_are_refused(away: int) -> None:
    with pytest.raises(SignatureError, match="five minutes"):
        verify(KEY, HEADERS, BODY, AT + timedelta(seconds=away))


@pytest.mark.parametrize(
    "header",
    [f"v1,b2xk {SIGNATURE}", f"{SIGNATURE} v1,b2xk", f"v1a,{SIGNATURE[3:]} v2,x {SIGNATURE}"],
)
def test_one_good_signature_among_several_is_enough(header: str) -> None:
    verify(KEY, {**HEADERS, "webhook-signature": header}, BODY, AT)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA="},
        {"webhook-signature": SIGNATURE.replace("v1,", "v2,")},
        {"webhook-signature": SIGNATURE.removeprefix("v1,")},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,ö\udcff"},
        {"webhook-id": "msg_other"},
        {"webhook-id": ""},
        {"webhook-timestamp": "hello"},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "-1614265330"},
        {"webhook-timestamp": "１６１４２６５３３０"},
        {"webhook-timestamp": "1614265331"},
        {"webhook-timestamp": "9" * 5000},
    ],
)
def test_everything_else_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(SignatureError):
        verify(KEY, {**HEADERS, **change}, BODY, AT)


def test_another_body_is_refused() -> None:
    with pytest.raises(SignatureError):
        verify(KEY, HEADERS, BODY + b" ", AT)


def test_a_plain_secret_is_its_own_key() -> None:
    assert key_of("grün") == "grün".encode()
    assert key_of("") == b""


@pytest.mark.parametrize("secret", ["whsec_", "whsec_ä", "whsec_abc", "whsec_ab c="])
def test_what_follows_the_prefix_must_be_base64(secret: str) -> None:
    with pytest.raises(ValueError, match="base64"):
        key_of(secret)
