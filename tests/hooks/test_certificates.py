"""Callbacks that are signed with a certificate: it is fetched once, and only where it must be."""

import json
from typing import Any

import pytest

from channels.ses.fixtures import CASE, PASSWORD, bounce, sns
from clarion.channels.errors import ChannelError
from clarion.channels.models import Channel
from clarion.engine.models import Callback
from clarion.hooks import certificates
from clarion.kit import clock
from clarion.transport.messages import HttpReply, HttpRequest
from clarion_simulator.sns import certificate, signed
from support import factory
from support.programs import ProgramClient

pytestmark = pytest.mark.django_db
WHERE = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123abc.pem"


class Sns:
    """Amazon's server, and what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.reply: HttpReply | ChannelError = HttpReply(200, {}, certificate())

    async def ask(self, request: HttpRequest) -> HttpReply:
        """Answer a request for a certificate."""
        self.asked.append(request.url)
        if isinstance(self.reply, ChannelError):
            raise self.reply
        return self.reply


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Sns:
    """Amazon's server."""
    server = Sns()
    monkeypatch.setattr(certificates, "ask", server.ask)
    return server


@pytest.fixture
def channel() -> Channel:
    """A channel of Amazon SES."""
    return factory.channel("mail", "ses", **CASE.settings)


def post(client: ProgramClient, channel: Channel, key: str = PASSWORD, **changed: Any) -> int:
    """The status of the answer to a signed callback, of which something was changed."""
    body = json.loads(sns(bounce()).body)
    body |= {"Timestamp": clock.now().isoformat(), "SigningCertURL": WHERE}
    raw = json.dumps({**signed(body), **changed})
    url = f"/hooks/{channel.pk}/?key={key}"
    status: int = client.post(url, raw.encode(), content_type="text/plain").status_code
    return status


def test_the_certificate_is_fetched_once(
    client: ProgramClient, channel: Channel, server: Sns
) -> None:
    assert [post(client, channel), post(client, channel)] == [200, 200]
    assert server.asked == [WHERE]
    assert Callback.objects.count() == 2


def test_a_wrong_signature_is_refused(client: ProgramClient, channel: Channel, server: Sns) -> None:
    assert post(client, channel, MessageId="another") == 401
    assert server.asked == [WHERE]
    assert not Callback.objects.exists()


def test_nothing_is_fetched_for_whoever_does_not_know_the_key(
    client: ProgramClient, channel: Channel, server: Sns
) -> None:
    assert post(client, channel, key="guessed") == 401
    assert post(client, channel, TopicArn="arn:aws:sns:eu-central-1:123456789012:other") == 401
    assert post(client, channel, SigningCertURL="https://169.254.169.254/a.pem") == 401
    assert server.asked == []


@pytest.mark.parametrize(
    "reply",
    [
        HttpReply(503, {}, b""),
        HttpReply(200, {}, b"<html>Please log in to the proxy.</html>"),
        HttpReply(200, {}, certificate() * 50),
        ChannelError("No answer."),
    ],
)
def test_without_the_certificate_the_provider_is_asked_to_send_it_again(
    client: ProgramClient, channel: Channel, server: Sns, reply: HttpReply | ChannelError
) -> None:
    server.reply = reply
    assert post(client, channel) == 503
    assert not Callback.objects.exists()
    server.reply = HttpReply(200, {}, certificate())
    assert post(client, channel) == 200
