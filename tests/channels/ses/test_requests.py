"""What is sent to SES, against the fields of its API reference."""

import email
import email.policy
import json
from base64 import b64decode
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import BaseModel, ConfigDict

from channels.fixtures import reply
from channels.ses.fixtures import PASSWORD, SESSION, TOPIC, make, sns
from clarion.channels.abilities import FollowsUp
from clarion.channels.contract import Outgoing


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Destination(Strict):
    ToAddresses: list[str]
    CcAddresses: list[str] = []
    BccAddresses: list[str] = []


class Raw(Strict):
    Data: str


class Content(Strict):
    Raw: Raw


class Tag(Strict):
    Name: str
    Value: str


class SendEmail(Strict):
    """https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html, all fields."""

    ConfigurationSetName: str | None = None
    Content: Content
    Destination: Destination
    EmailTags: list[Tag] = []
    EndpointId: str | None = None
    FeedbackForwardingEmailAddress: str | None = None
    FeedbackForwardingEmailAddressIdentityArn: str | None = None
    FromEmailAddress: str | None = None
    FromEmailAddressIdentityArn: str | None = None
    ReplyToAddresses: list[str] = []


def test_a_message_is_raw_and_signed() -> None:
    request = make().request(Outgoing("abc-17", 3, "anna@example.org", "Hello Ü", "Spring"))
    assert request.url == "https://email.eu-central-1.amazonaws.com/v2/email/outbound-emails"
    body = SendEmail.model_validate(json.loads(request.body))
    assert body.ConfigurationSetName == "news"
    assert body.FromEmailAddress == "news@example.org"
    assert body.Destination.ToAddresses == ["anna@example.org"]
    assert [(tag.Name, tag.Value) for tag in body.EmailTags] == [("clarion-id", "abc-17")]
    mail = email.message_from_bytes(b64decode(body.Content.Raw.Data), policy=email.policy.SMTP)
    assert (mail["Subject"], mail["From"]) == ("Spring", "News <news@example.org>")
    headers = dict(request.headers)
    assert "/eu-central-1/ses/aws4_request" in headers["Authorization"]
    assert "content-type;host;x-amz-date;x-amz-security-token" in headers["Authorization"]
    assert headers["X-Amz-Security-Token"] == SESSION


def test_check_shows_the_quota() -> None:
    kind = make()
    assert kind.check().url == "https://email.eu-central-1.amazonaws.com/v2/email/account"
    quota = {"Max24HourSend": 50_000.0, "MaxSendRate": 14.0, "SentLast24Hours": 120.0}
    account = {"SendQuota": quota, "SendingEnabled": True, "ProductionAccessEnabled": True}
    assert kind.checked(reply(200, account)) == (
        "The access key is valid. The account may send 14 messages a second and 50,000 in 24 "
        "hours; 120 were sent in the last 24 hours."
    )
    assert "sandbox" in kind.checked(reply(200, {**account, "ProductionAccessEnabled": False}))
    with pytest.raises(ValueError, match="paused"):
        kind.checked(reply(200, {**account, "SendingEnabled": False}))


def test_the_webhook_is_subscribed_to_the_topic_in_its_own_region() -> None:
    topic = TOPIC.replace("eu-central-1", "us-east-1")
    request = make(topic_arn=topic).register("https://clarion.example/hooks/3/")
    assert request.url == "https://sns.us-east-1.amazonaws.com/"
    assert "/us-east-1/sns/aws4_request" in dict(request.headers)["Authorization"]
    fields = parse_qs(request.body.decode())
    assert (fields["Action"], fields["TopicArn"]) == (["Subscribe"], [topic])
    assert (fields["Protocol"], fields["Endpoint"]) == (
        ["https"], [f"https://clarion.example/hooks/3/?key={PASSWORD}"],
    )  # fmt: skip
    with pytest.raises(ValueError, match="SNS topic"):
        make(topic_arn="").register("https://clarion.example/hooks/3/")


def test_the_subscription_is_confirmed_at_the_topics_region_whatever_the_callback_says() -> None:
    kind = make()
    assert isinstance(kind, FollowsUp)
    hook = sns(
        "You have chosen …", "SubscriptionConfirmation", Token="t-1",
        SubscribeURL="https://evil.example/?Action=ConfirmSubscription",
    )  # fmt: skip
    request = kind.follow_up(hook)
    assert request is not None
    assert urlsplit(request.url).netloc == "sns.eu-central-1.amazonaws.com"
    query = parse_qs(urlsplit(request.url).query)
    assert (query["Token"], query["TopicArn"]) == (["t-1"], [TOPIC])
    assert kind.follow_up(sns("{}")) is None
