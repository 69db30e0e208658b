"""The Python client."""

import asyncio
from typing import Any

import httpx
import pytest

from api.conftest import Program
from clarion.api.app import document
from clarion.channels.models import Channel
from clarion.consents.models import Consent
from clarion_client import ApiError, AsyncClient, Client, etag_of
from support import factory


def test_every_operation_is_a_method_of_both_clients() -> None:
    names = {
        operation["operationId"]
        for methods in document()["paths"].values()
        for operation in methods.values()
    }
    for client in (Client, AsyncClient):
        assert names <= set(dir(client))


def test_types_have_different_names() -> None:
    """The document and the client know each type by its name alone."""
    from clarion.api.types import Input, Output

    names: list[str] = []
    waiting: list[type] = [Input, Output]
    while waiting:
        kinds = waiting.pop().__subclasses__()
        waiting += kinds
        names += [kind.__name__ for kind in kinds if "[" not in kind.__name__]
    plain = [name.removesuffix("Out") for name in names]
    assert sorted({name for name in plain if plain.count(name) > 1}) == []


def test_contacts_and_messages(call: Program, channel: Channel) -> None:
    clarion = call.clarion
    contact = clarion.create_contact({"channel_id": channel.pk, "user_id": "ada", "name": "Ada"})
    message = clarion.send_message(
        {
            "chat_number": contact["addresses"][0]["id"],
            "content": {"type": "text", "text": "Hi {{ contact.name }}"},
        },
        idempotency_key="once",
    )
    delivery = clarion.get_delivery(message["delivery_id"])["delivery"]
    assert delivery is not None
    assert delivery["state"] == "queued"


def test_edits_with_what_was_read(call: Program) -> None:
    clarion = call.clarion
    consent = clarion.create_consent({"name": "News"})
    assert etag_of(consent)
    edited = clarion.update_consent(consent["id"], {"name": "More news"}, if_match=consent)
    assert edited["name"] == "More news"
    with pytest.raises(ApiError) as refused:
        clarion.update_consent(consent["id"], {"name": "X"}, if_match=consent)
    assert (refused.value.status, refused.value.code) == (412, "changed_meanwhile")
    assert clarion.delete_consent(consent["id"], if_match=edited) is None


def test_errors_name_the_field(call: Program) -> None:
    with pytest.raises(ApiError) as refused:
        call.clarion.create_consent({"name": ""})
    assert refused.value.errors[0]["field"] == "name"


def test_lists_are_read_page_by_page(call: Program, channel: Channel) -> None:
    people = factory.people(channel, 5)
    listed = call.clarion.iterate(call.clarion.list_contacts, limit=2)
    assert {contact["id"] for contact in listed} == {person.contact_id for person in people}


def test_a_file_is_uploaded(call: Program) -> None:
    upload = call.clarion.create_media(("note.txt", b"Hello", "text/plain"))
    assert upload["size"] == 5


class Flaky(httpx.BaseTransport):
    """Answers 503 once, after it has lost the first answer."""

    def __init__(self, behind: httpx.BaseTransport) -> None:
        self.behind = behind
        self.keys: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.keys.append(request.headers["Idempotency-Key"])
        if len(self.keys) == 1:
            self.behind.handle_request(request)
            raise httpx.ReadError("lost")
        if len(self.keys) == 2:
            return httpx.Response(503, headers={"Retry-After": "0"}, json={})
        return self.behind.handle_request(request)


def test_a_lost_answer_is_asked_for_again(call: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clarion_client.base.time.sleep", lambda seconds: None)
    flaky = Flaky(call.clarion._http._transport)
    clarion = Client("http://testserver", call.token, transport=flaky)
    assert clarion.create_consent({"name": "News"})["name"] == "News"
    assert len(flaky.keys) == 3
    assert len(set(flaky.keys)) == 1
    assert Consent.objects.count() == 1


def test_the_same_on_an_event_loop() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if request.method == "POST":
            return httpx.Response(201, json={"id": 7, "name": "News"}, headers={"ETag": '"a"'})
        page: dict[str, Any] = {"items": [{"id": len(seen)}], "next": None}
        page["next"] = "c" if "cursor" not in str(request.url) else None
        return httpx.Response(200, json=page)

    async def main() -> None:
        transport = httpx.MockTransport(answer)
        async with AsyncClient("http://testserver", "t", transport=transport) as clarion:
            consent = await clarion.create_consent({"name": "News"})
            assert etag_of(consent) == '"a"'
            assert [item["id"] async for item in clarion.iterate(clarion.list_consents)] == [2, 3]

    asyncio.run(main())
    assert seen[0].headers["Authorization"] == "Bearer t"
    assert seen[0].headers["Idempotency-Key"]
