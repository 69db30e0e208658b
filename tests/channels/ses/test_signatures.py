"""Signatures of SNS: what is signed, with whose key, and when."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from channels.fixtures import NOW
from channels.ses.fixtures import TOPIC, bounce, make, sns
from clarion.channels.contract import BadSignature, HookRequest
from clarion.channels.ses.signatures import signed_text
from clarion_simulator.sns import certificate, signed

WHERE = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123abc.pem"


def hook(version: str = "2", *, after: dict[str, Any] | None = None, **fields: Any) -> HookRequest:
    """A signed notification; ``after``: what is changed once it is signed."""
    made = sns(bounce())
    body = {**json.loads(made.body), "SigningCertURL": WHERE, **fields}
    body = {name: value for name, value in body.items() if value is not None}
    return replace(made, body=json.dumps({**signed(body, version), **(after or {})}).encode())


def verify(of: HookRequest, pem: bytes | None = None) -> None:
    """Everything that a callback has to pass."""
    kind = make()
    kind.verify(of)
    kind.certificate(of)
    kind.verify_with(of, certificate() if pem is None else pem)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("subject", ["Amazon SES Email Event Notification", None])
def test_a_message_that_sns_has_signed_is_believed(version: str, subject: str | None) -> None:
    verify(hook(version, Subject=subject))


def test_a_confirmation_is_signed_over_its_token() -> None:
    fields = {
        "Type": "SubscriptionConfirmation", "Token": "t-1", "Subject": None,
        "SubscribeURL": "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription",
    }  # fmt: skip
    verify(hook(**fields))
    with pytest.raises(BadSignature, match="signature of the callback is wrong"):
        verify(hook(**fields, after={"Token": "t-2"}))


def test_what_is_signed_is_as_amazon_documents_it() -> None:
    """The examples of docs.aws.amazon.com/sns/latest/dg,
    sns-verify-signature-of-message-verify-message-signature."""
    topic = "arn:aws:sns:us-east-2:123456789012:s4-MySNSTopic-1G1WEFCOXTC0P"
    message = {
        "Type": "Notification", "MessageId": "4d4dc071-ddbf-465d-bba8-08f81c89da64",
        "TopicArn": topic, "Subject": "My subject", "Message": "My Test Message",
        "Timestamp": "2019-01-31T04:37:04.321Z", "SignatureVersion": "1", "Signature": "x",
    }  # fmt: skip
    assert signed_text(message).decode().split("\n") == [
        "Message", "My Test Message", "MessageId", "4d4dc071-ddbf-465d-bba8-08f81c89da64",
        "Subject", "My subject", "Timestamp", "2019-01-31T04:37:04.321Z", "TopicArn", topic,
        "Type", "Notification", "",
    ]  # fmt: skip
    url = f"https://sns.us-east-2.amazonaws.com/?Action=ConfirmSubscription&TopicArn={topic}"
    confirmation = {
        **message, "Type": "SubscriptionConfirmation", "SubscribeURL": url, "Token": "233...",
        "MessageId": "3d891288-136d-417f-bc05-901c108273ee",
        "Timestamp": "2019-01-31T19:25:13.719Z",
    }  # fmt: skip
    assert signed_text(confirmation).decode().split("\n") == [
        "Message", "My Test Message", "MessageId", "3d891288-136d-417f-bc05-901c108273ee",
        "SubscribeURL", url, "Timestamp", "2019-01-31T19:25:13.719Z", "Token", "233...",
        "TopicArn", topic, "Type", "SubscriptionConfirmation", "",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"Message": bounce("Transient")}, "is wrong"),
        ({"MessageId": "another"}, "is wrong"),
        ({"Subject": "another"}, "is wrong"),
        ({"Timestamp": "2026-11-22T11:59:59.000Z"}, "is wrong"),
        ({"SignatureVersion": "1"}, "is wrong"),
        ({"SignatureVersion": "3"}, "unknown version"),
        ({"Signature": "EXAMPLE"}, "is wrong"),
        ({"Signature": None}, "is wrong"),
        ({"Type": "Other"}, "unknown type"),
    ],
)
def test_a_message_that_was_changed_is_refused(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(BadSignature, match=words):
        verify(hook(after=changed))


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.eu-central-1.amazonaws.com.evil.example/SimpleNotificationService-1.pem",
        "https://sns.eu-central-1.amazonaws.com@evil.example/SimpleNotificationService-1.pem",
        "https://evil.example/SimpleNotificationService-1.pem",
        "https://sns.eu-central-1.amazonaws.com/other/SimpleNotificationService-1.pem",
        "https://sns.eu-central-1.amazonaws.com/?x=SimpleNotificationService-1.pem",
        "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem#x",
        "https://s3.amazonaws.com/bucket/SimpleNotificationService-1.pem",
        "",
        None,
    ],
)
def test_only_a_certificate_of_sns_in_the_region_of_the_topic_is_fetched(url: str | None) -> None:
    with pytest.raises(BadSignature, match="not one of Amazon SNS"):
        make().certificate(hook(after={"SigningCertURL": url}))
    assert make().certificate(hook()).url == WHERE


@pytest.mark.parametrize("pem", [b"", b"hello", certificate()[:200]])
def test_what_is_no_certificate_proves_nothing(pem: bytes) -> None:
    with pytest.raises(BadSignature, match="is wrong"):
        verify(hook(), pem)


def test_an_old_message_and_an_expired_certificate_are_refused() -> None:
    with pytest.raises(BadSignature, match="older than a day"):
        verify(replace(hook(), received_at=NOW + timedelta(days=2)))
    with pytest.raises(BadSignature, match="has expired"):
        verify(replace(hook(), received_at=NOW + timedelta(days=800)))
    with pytest.raises(BadSignature, match="does not say when it was sent"):
        verify(hook(Timestamp="yesterday"))


def test_another_topic_is_refused_before_anything_is_fetched() -> None:
    with pytest.raises(BadSignature, match="another SNS topic"):
        make().verify(hook(TopicArn=f"{TOPIC}-of-others"))
