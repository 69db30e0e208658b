"""One-click unsubscribing as large mail providers do it, and scanners that open every link."""

import email
import re
from email import policy
from email.message import EmailMessage

import pytest
from pytest_django.fixtures import Settings

from clarion.channels.models import Channel
from clarion.channels.registry import adapter, kind_class
from clarion.consents.grants import give
from clarion.consents.manage import define
from clarion.consents.models import Change
from clarion.contacts.models import Address
from clarion.engine import reap, snapshot
from clarion.engine.claim import claim
from clarion.engine.render import MessageStep, next_step
from clarion.transport.messages import SmtpRequest
from support import factory
from support.programs import ProgramClient

pytestmark = pytest.mark.django_db
PUBLIC = "https://c.example"
_LINK = re.compile(rf"{PUBLIC}(/[\w:/-]+)")


@pytest.fixture(autouse=True)
def _public(settings: Settings) -> None:
    settings.CLARION = settings.CLARION.model_copy(update={"public_url": PUBLIC})


@pytest.fixture
def mail() -> Channel:
    return factory.channel("mail", "email")


@pytest.fixture
def anna(mail: Channel) -> Address:
    return factory.address(mail, "anna@example.org", "Anna")


def sent(channel: Channel) -> EmailMessage:
    """The message that is about to leave, as its recipient's provider reads it."""
    [claimed] = claim(channel.pk, reap.register(), 1).messages
    step = next_step(claimed, snapshot.job(claimed.broadcast), kind_class("email").limits)
    assert isinstance(step, MessageStep)
    request = adapter(channel).request(step.outgoing)
    assert isinstance(request, SmtpRequest)
    return email.message_from_bytes(request.message, policy=policy.default)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"List-Unsubscribe=One-Click"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n',
        ),
    ],
)
def test_m2_one_click(mail: Channel, anna: Address, content_type: str, body: bytes) -> None:
    factory.sending([mail], text="News")
    message = sent(mail)
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    [url] = re.findall(r"<([^>]+)>", str(message["List-Unsubscribe"]))
    later = factory.sending([mail], text="More news")
    answer = ProgramClient().request(
        "POST", url.removeprefix(PUBLIC), body=body, content_type=content_type
    )
    assert answer.status_code == 200
    assert not {"set-cookie", "location"} & set(answer.headers)
    anna.refresh_from_db()
    assert anna.state == "opted_out"
    assert factory.states(later) == {"skipped": 1}


def test_m2_a_scanner_that_opens_every_link_changes_nothing(mail: Channel, anna: Address) -> None:
    news = define(name="News", text="Monthly.", by=factory.BY)
    give(news, [anna.contact_id], how="form", by=factory.BY)
    factory.sending([mail], text="News. Change it: {{ preferences_url }}, {{ unsubscribe_url }}")
    message = sent(mail)
    parts = [part.get_content() for part in message.walk() if not part.is_multipart()]
    links = set(_LINK.findall("\n".join([*parts, str(message["List-Unsubscribe"])])))
    assert {link.split("/")[1] for link in links} == {"preferences", "unsubscribe"}
    client = ProgramClient()
    for link in sorted(links):
        for method in ("HEAD", "GET"):
            for headers in ({}, {"Purpose": "prefetch"}, {"User-Agent": "Safe Links/1.0"}):
                assert client.request(method, link, headers=headers).status_code == 200
    anna.refresh_from_db()
    assert (anna.state, Change.objects.count()) == ("active", 1)
