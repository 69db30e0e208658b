"""Providers' callbacks: verify, store as they came, answer."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from channels.postmark.fixtures import CASE as POSTMARK
from channels.telegram.fixtures import SECRET as TELEGRAM_SECRET
from channels.telegram.fixtures import TOKEN as TELEGRAM_TOKEN
from channels.telegram.fixtures import WRITTEN
from channels.webhook.fixtures import SECRET as WEBHOOK_SECRET
from channels.webhook.fixtures import signed
from channels.whatsapp.fixtures import CASE as WHATSAPP
from channels.whatsapp.fixtures import TOLD_AND_WRITTEN, meta
from channels.whatsapp.fixtures import VERIFY_TOKEN as WHATSAPP_VERIFY
from clarion.channels.models import Channel
from clarion.engine import inbox
from clarion.engine.models import Callback
from clarion.hooks.bodies import LARGEST
from clarion.kit import clock
from clarion.records import tallies
from clarion.records.message_ids import message_id
from clarion.records.models import Receipt
from support import factory
from support.programs import ProgramClient

pytestmark = pytest.mark.django_db
JSON = "application/json"
READ = {"type": "message.read", "data": {"id": "abc-17"}}


@pytest.fixture
def bot() -> Channel:
    return factory.channel(
        "News bot", "telegram", token=TELEGRAM_TOKEN, webhook_secret=TELEGRAM_SECRET
    )


@pytest.fixture
def webhook() -> Channel:
    return factory.channel("main", secret=WEBHOOK_SECRET)


@pytest.fixture
def whatsapp() -> Channel:
    return factory.channel("wa", "whatsapp", **WHATSAPP.settings)


@pytest.fixture
def untouched() -> Iterator[None]:
    yield
    assert not Callback.objects.exists()


def post(client: ProgramClient, where: object, body: bytes, **headers: str) -> Any:
    return client.post(
        f"/hooks/{where}/",
        body,
        content_type=JSON,
        headers={k.replace("_", "-"): v for k, v in headers.items()},
    )


def secret(value: str = TELEGRAM_SECRET) -> dict[str, str]:
    return {"x_telegram_bot_api_secret_token": value}


def test_a_good_callback_is_stored_as_it_came(client: ProgramClient, bot: Channel) -> None:
    body = json.dumps(WRITTEN).encode()
    before = clock.now()
    response = post(client, f"{bot.pk}", body, **secret())
    assert (response.status_code, response.content) == (200, b"ok\n")
    stored = Callback.objects.get()
    assert stored.channel == bot
    assert bytes(stored.body) == body
    assert stored.state == "waiting"
    assert before <= stored.received_at <= clock.now()


def test_the_query_and_plain_headers_are_kept_proofs_are_not(
    client: ProgramClient, bot: Channel
) -> None:
    client.post(
        f"/hooks/{bot.pk}/?a=1&b=%C3%BC",
        b"{}",
        content_type=JSON,
        headers={
            "X-Telegram-Bot-Api-Secret-Token": TELEGRAM_SECRET,
            "Authorization": "Bearer x",
            "Cookie": "sessionid=x",
            "X-Request-Id": "r-1",
        },
    )
    stored = Callback.objects.get()
    assert stored.query == "a=1&b=%C3%BC"
    assert stored.headers["x-request-id"] == "r-1"
    assert stored.headers["content-type"] == JSON
    assert not {"cookie", "authorization"} & set(stored.headers)
    assert TELEGRAM_SECRET not in json.dumps(stored.headers)


def test_a_key_in_the_webhook_url_is_not_kept(client: ProgramClient) -> None:
    channel = factory.channel("letters", "postmark", **POSTMARK.settings)
    assert POSTMARK.hook is not None
    hook = POSTMARK.hook()
    headers = {name: value for name, value in hook.headers.items() if name != "content-type"}
    url = f"/hooks/{channel.pk}/?a=1&key=of-somebody&b=2"
    answer = client.post(url, hook.body, content_type=JSON, headers=headers)
    assert answer.status_code == 200
    assert Callback.objects.get().query == "a=1&b=2"


@pytest.mark.parametrize("where", ["News bot", "News%20bot"])
def test_a_channel_is_found_by_its_name_too(
    client: ProgramClient, bot: Channel, where: str
) -> None:
    assert post(client, where, b"{}", **secret()).status_code == 200
    assert Callback.objects.get().channel == bot


def test_a_signature_is_checked_over_the_very_bytes(
    client: ProgramClient, webhook: Channel
) -> None:
    hook = signed(json.dumps(READ, indent=3).encode(), at=clock.now())
    headers = {name.replace("-", "_"): value for name, value in hook.headers.items()}
    assert post(client, webhook.pk, hook.body, **headers).status_code == 200
    assert bytes(Callback.objects.get().body) == hook.body
    assert Callback.objects.get().headers["webhook-id"] == "msg_1"
    assert post(client, webhook.pk, hook.body + b" ", **headers).status_code == 401
    assert Callback.objects.count() == 1


def test_the_same_callback_twice_is_stored_twice_and_sorted_out_later(
    client: ProgramClient, bot: Channel
) -> None:
    for _ in range(2):
        assert post(client, bot.pk, b"{}", **secret()).status_code == 200
    assert Callback.objects.count() == 2


def test_o3_what_was_answered_is_applied_once_in_whatever_order(
    client: ProgramClient, webhook: Channel
) -> None:
    delivery = factory.delivery(factory.broadcast(), factory.address(webhook, "u1"))
    name = message_id(delivery.broadcast.key, delivery.pk)
    for status in ("read", "delivered", "delivered", "read"):
        report = {"type": f"message.{status}", "data": {"id": name}}
        hook = signed(report, at=clock.now())
        answer = client.post(
            f"/hooks/{webhook.pk}/", hook.body, content_type=JSON, headers=dict(hook.headers)
        )
        assert answer.status_code == 200

    while inbox.apply_waiting():
        pass

    delivery.refresh_from_db()
    assert delivery.state == "read"
    assert sorted(Receipt.objects.values_list("status", flat=True)) == ["delivered", "read"]
    assert tallies.counts([delivery.broadcast_id])[delivery.broadcast_id]["read"] == 1
    assert not Callback.objects.exists()


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("headers", [{}, secret(""), secret("wrong")])
def test_a_forged_callback_is_401(
    client: ProgramClient, bot: Channel, headers: dict[str, str]
) -> None:
    response = post(client, bot.pk, b"{}", **headers)
    assert response.status_code == 401
    assert TELEGRAM_SECRET.encode() not in response.content


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "where", ["0", "{next}", "9" * 18, "9" * 30, "nobody", "-1", "%00", "main%00", "a" * 500]
)
def test_an_unknown_channel_is_404(client: ProgramClient, bot: Channel, where: str) -> None:
    where = where.format(next=bot.pk + 1)
    assert post(client, where, b"{}", **secret()).status_code == 404


def test_1_mb_is_fine(client: ProgramClient, bot: Channel) -> None:
    assert post(client, bot.pk, b"x" * LARGEST, **secret()).status_code == 200


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("method", ["get", "put", "delete", "patch", "head"])
def test_only_post(client: ProgramClient, bot: Channel, method: str) -> None:
    assert client.request(method.upper(), f"/hooks/{bot.pk}/").status_code == 405


def test_a_body_that_is_nonsense_is_stored_too(client: ProgramClient, bot: Channel) -> None:
    assert post(client, bot.pk, b"\x00\xff not json", **secret()).status_code == 200
    assert bytes(Callback.objects.get().body) == b"\x00\xff not json"


@pytest.mark.usefixtures("untouched")
def test_email_channels_take_nothing(client: ProgramClient) -> None:
    mail = factory.channel("mail", "email")
    assert post(client, mail.pk, b"{}").status_code == 401


def test_a_paused_channel_still_listens(client: ProgramClient, bot: Channel) -> None:
    Channel.objects.update(state=Channel.State.PAUSED)
    assert post(client, bot.pk, b"{}", **secret()).status_code == 200


def handshake(
    client: ProgramClient, channel: Channel, token: str, challenge: str = "1158201444"
) -> Any:
    query = {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": challenge}
    return client.get(f"/hooks/{channel.pk}/", query)


@pytest.mark.usefixtures("untouched")
def test_a_provider_that_tries_the_address_gets_its_challenge(
    client: ProgramClient, whatsapp: Channel
) -> None:
    response = handshake(client, whatsapp, WHATSAPP_VERIFY)
    assert (response.status_code, response.content) == (200, b"1158201444")
    assert response["Content-Type"].startswith("text/plain")


@pytest.mark.usefixtures("untouched")
def test_a_try_that_proves_nothing_is_403(client: ProgramClient, whatsapp: Channel) -> None:
    for response in (
        handshake(client, whatsapp, "another"),
        handshake(client, whatsapp, ""),
        handshake(client, whatsapp, WHATSAPP_VERIFY, "<script>"),
        client.get(f"/hooks/{whatsapp.pk}/"),
        client.get(f"/hooks/{whatsapp.pk}/?%ff=%00&hub.verify_token=%ff"),
    ):
        assert response.status_code == 403
        assert WHATSAPP_VERIFY.encode() not in response.content


@pytest.mark.usefixtures("untouched")
def test_an_unknown_channel_answers_no_handshake(client: ProgramClient) -> None:
    assert client.get("/hooks/999/").status_code == 404


def test_a_callback_of_whatsapp_is_stored_without_its_signature(
    client: ProgramClient, whatsapp: Channel
) -> None:
    hook = meta(*TOLD_AND_WRITTEN)
    headers = {name.replace("-", "_"): value for name, value in hook.headers.items()}
    assert post(client, whatsapp.pk, hook.body, **headers).status_code == 200
    assert "x-hub-signature-256" not in Callback.objects.get().headers
    assert post(client, whatsapp.pk, hook.body + b" ", **headers).status_code == 401
    assert Callback.objects.count() == 1
