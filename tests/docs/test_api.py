"""The examples of docs/api.md work, in the order of the page, and are answered as it says."""

import json
from typing import Any

import pytest
from django.test import Client

from api.conftest import ToDjango
from clarion.accounts import audit, request_limits
from clarion.accounts.scopes import SCOPES
from clarion.accounts.tokens import create_token
from clarion.channels.models import Channel
from clarion.contacts.models import Address
from clarion.records.models import Delivery
from clarion_client import Client as Clarion
from support import factory
from support.documented import curls, fences, like, objects, page

pytestmark = pytest.mark.django_db
PAGE = page("api")


@pytest.fixture
def token() -> str:
    """A token that may do everything."""
    request_limits.forget()
    return create_token(name="Shop", scopes=SCOPES, expires_at=None, by=audit.COMMAND_LINE)[1]


def with_ids(text: str, channel: Channel) -> str:
    """An example, with the id of a channel that there is."""
    return text.replace('"channel_id": 1,', f'"channel_id": {channel.pk},').replace(
        '"channel_ids": [1]', f'"channel_ids": [{channel.pk}]'
    )


def test_the_calls_of_curl(token: str) -> None:
    channel = factory.channel()
    client = Client()
    answers: list[Any] = []
    for call in curls(PAGE):
        path = call.url.removeprefix("https://clarion.example.org")
        if path.startswith("/api/v1/deliveries/"):
            path = f"/api/v1/deliveries/{Delivery.objects.get().pk}"
        headers = {name: value.replace("$TOKEN", token) for name, value in call.headers.items()}
        data = with_ids(call.body, channel)
        answer = client.generic(call.method, path, data, "application/json", headers=headers)
        assert answer.status_code < 300, answer.content.decode()
        answers.append(json.loads(answer.content))
    shown, contact, message, status = answers
    assert shown["name"] == "Shop"
    assert contact["attributes"] == {"city": "Bonn"}
    [accepted] = [one for one in objects(PAGE) if "delivery_id" in one]
    assert accepted.keys() == message.keys()
    assert like(accepted["state"], message["state"])
    assert status["delivery"]["state"] == "queued"


def test_the_examples_in_python(
    token: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    channel = factory.channel()
    factory.address(channel, "4711", "Ada")
    transport = ToDjango(Client())

    def client(url: str, token: str) -> Clarion:
        return Clarion(url, token, transport=transport)

    # The wait of the example is when the worker sends.
    monkeypatch.setattr("time.sleep", lambda seconds: factory.settle_all(channel))
    monkeypatch.setattr("clarion_client.Client", client)
    names: dict[str, Any] = {"URL": "http://testserver", "TOKEN": token}
    for example in fences(PAGE, "python"):
        exec(with_ids(example, channel), names)
    assert capsys.readouterr().out.splitlines() == [
        "sent", "2", "[('updated', None), ('rejected', 'time_zone')]",
    ]  # fmt: skip
    assert Address.objects.filter(channel=channel).count() == 2


def test_the_example_of_an_error(token: str) -> None:
    [documented] = [one for one in objects(PAGE) if one.get("code") == "invalid_request"]
    answer = Client().post(
        "/api/v1/consents", {}, "application/json", headers={"Authorization": f"Bearer {token}"}
    )
    assert like(documented, answer.json())
