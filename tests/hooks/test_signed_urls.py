"""Callbacks of a provider that signs the URL that it calls, and reads the answer."""

from typing import Any

import pytest
from django.utils.http import urlencode

from channels.twilio.fixtures import CASE, WRITTEN, signed
from clarion.channels.models import Channel
from clarion.engine.models import Callback
from support import factory
from support.programs import ProgramClient

pytestmark = pytest.mark.django_db
PUBLIC = "https://clarion.example"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def channel(settings: Any) -> Channel:
    settings.CLARION = settings.CLARION.model_copy(update={"public_url": f"{PUBLIC}/"})
    return factory.channel("sms", "twilio", **CASE.settings)


def headers_for(path: str, fields: dict[str, str]) -> dict[str, str]:
    signature = signed(fields, url=f"{PUBLIC}{path}").headers["x-twilio-signature"]
    return {"X-Twilio-Signature": signature}


def test_the_public_url_is_what_was_signed(channel: Channel) -> None:
    path = f"/hooks/{channel.pk}/?clarion_message=abc-17"
    response: Any = ProgramClient().post(
        path, urlencode(WRITTEN).encode(), content_type=FORM, headers=headers_for(path, WRITTEN)
    )
    assert response.status_code == 200
    stored = Callback.objects.get()
    assert (stored.channel, stored.query) == (channel, "clarion_message=abc-17")


def test_the_answer_makes_the_provider_send_nothing(channel: Channel) -> None:
    path = f"/hooks/{channel.name}/"
    response: Any = ProgramClient().post(
        path, urlencode(WRITTEN).encode(), content_type=FORM, headers=headers_for(path, WRITTEN)
    )
    assert response["Content-Type"] == "text/xml"
    assert response.content.endswith(b"<Response/>")


def test_a_get_is_a_callback_too(channel: Channel) -> None:
    path = f"/hooks/{channel.pk}/?{urlencode(WRITTEN)}"
    response: Any = ProgramClient().get(path, headers=headers_for(path, {}))
    assert response.status_code == 200
    assert Callback.objects.get().query == urlencode(WRITTEN)
    assert ProgramClient().get(f"{path}&a=b", headers=headers_for(path, {})).status_code == 401


def test_without_a_public_url_nothing_is_believed(channel: Channel, settings: Any) -> None:
    settings.CLARION = settings.CLARION.model_copy(update={"public_url": ""})
    path = f"/hooks/{channel.pk}/"
    response: Any = ProgramClient().post(
        path, urlencode(WRITTEN).encode(), content_type=FORM, headers=headers_for(path, WRITTEN)
    )
    assert response.status_code == 401
    assert b"CLARION_PUBLIC_URL" in response.content
