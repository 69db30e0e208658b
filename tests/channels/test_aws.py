"""Signatures for AWS, against the vectors that AWS publishes.

The suite “aws-sig-v4-test-suite” (Apache License 2.0, of aws-c-auth) and the examples of “Signature
calculations for the Authorization header” in the Amazon S3 API reference.
"""

from datetime import UTC, datetime

import pytest

from clarion.channels.aws import Headers, Keys, Scope, signed

SUITE = Keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
S3 = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
SUITE_AT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
S3_AT = datetime(2013, 5, 24, tzinfo=UTC)
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
VECTORS = {
    "get-vanilla": (
        "GET", "", (), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    "get-vanilla-query-order-key-case": (
        "GET", "?Param2=value2&Param1=value1", (),
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    "post-vanilla": (
        "POST", "", (), "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    ),
}  # fmt: skip


def proof(headers: Headers) -> str:
    return dict(headers)["Authorization"]


@pytest.mark.parametrize("name", VECTORS)
def test_the_vectors_of_the_suite(name: str) -> None:
    method, query, headers, signature = VECTORS[name]
    url = f"https://example.amazonaws.com/{query}"
    result = signed(SUITE, Scope("us-east-1", "service"), method, url, headers, b"", SUITE_AT)
    assert dict(result)["X-Amz-Date"] == "20150830T123600Z"
    assert proof(result) == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders=host;x-amz-date, Signature={signature}"
    )


def test_the_example_of_s3_with_more_headers() -> None:
    headers = (("Range", "bytes=0-9"), ("X-Amz-Content-Sha256", EMPTY))
    url = "https://examplebucket.s3.amazonaws.com/test.txt"
    result = signed(S3, Scope("us-east-1", "s3"), "GET", url, headers, b"", S3_AT)
    assert proof(result) == (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )


def test_a_session_token_is_sent_and_signed() -> None:
    keys = Keys("AKIDEXAMPLE", SUITE.secret, "token-1")
    url = "https://example.amazonaws.com/"
    result = signed(keys, Scope("us-east-1", "service"), "GET", url, (), b"", SUITE_AT)
    assert dict(result)["X-Amz-Security-Token"] == "token-1"
    assert "SignedHeaders=host;x-amz-date;x-amz-security-token" in proof(result)


def test_a_body_changes_the_signature() -> None:
    url, scope = "https://example.amazonaws.com/", Scope("us-east-1", "service")
    proofs = {proof(signed(SUITE, scope, "POST", url, (), b, SUITE_AT)) for b in (b"a", b"b")}
    assert len(proofs) == 2
    assert SUITE.secret not in repr(SUITE)
