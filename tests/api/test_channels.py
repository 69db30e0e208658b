"""Channels."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from api.conftest import Program
from api.test_foundation import problem
from clarion.channels.models import Channel
from clarion.kit import clock
from support import factory
from support.listener import reachable
from support.ports import closed_port

TELEGRAM = {"name": "Bot", "kind": "telegram", "settings": {"token": "123456:" + "a" * 35}}


def test_a_channel_is_added_changed_and_read_without_its_secrets(call: Program) -> None:
    made = call("POST", "/channels", TELEGRAM)
    assert made.status_code == 201
    path = made["Location"].removeprefix("/api/v1")
    secret = TELEGRAM["settings"]["token"]  # type: ignore[index]
    assert secret not in made.content.decode()
    assert "token" in json.loads(made.content)["secrets"]

    patch = {"rate": 5, "settings": {}}
    changed = call("PATCH", path, patch, If_Match=made["ETag"])
    assert json.loads(changed.content)["rate"] == 5
    assert json.loads(changed.content)["own"] == ["rate"]
    stored = Channel.objects.get()
    assert stored.config["token"] == secret
    assert secret not in call("GET", path).content.decode()
    assert call.ok("PATCH", path, {"rate": None}, If_Match="*")["rate"] is None


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"kind": "pigeon"}, "kind"),
        ({"name": "12"}, "name"),
        ({"settings": {}}, "settings.token"),
        ({"settings": {"tokem": "x"}}, "settings.tokem"),
        ({"rate": -1}, "rate"),
        ({"attempts": 0}, "attempts"),
        ({"backoff": 1e9}, "backoff"),
    ],
)
def test_what_is_wrong_names_its_field(
    call: Program, db: None, fields: dict[str, object], field: str
) -> None:
    answer = call("POST", "/channels", {**TELEGRAM, **fields})
    assert field in [error["field"] for error in problem(answer)["errors"]]


def test_a_channel_is_paused_and_resumed(call: Program, channel: Channel) -> None:
    path = f"/channels/{channel.pk}"
    assert call.ok("POST", f"{path}/pause", {"reason": "Tests"})["state"] == "paused"
    channel.refresh_from_db()
    assert channel.paused_reason == "Tests"
    assert call.ok("POST", f"{path}/resume")["state"] == "active"


def test_a_check_says_what_the_provider_answered(call: Program, channel: Channel) -> None:
    answer = call.ok("POST", f"/channels/{channel.pk}/check")
    assert answer["ok"] is False
    assert answer["detail"]
    registered = call.ok("POST", f"/channels/{channel.pk}/register")
    assert registered["ok"] is False


@pytest.mark.django_db(transaction=True)
def test_a_channel_is_checked_as_soon_as_it_is_stored(call: Program) -> None:
    with closed_port() as port:
        dead = {"url": f"http://127.0.0.1:{port}/in", "allow_private": True}
        body = {"name": "Shop", "kind": "webhook", "settings": dead}
        made = call("POST", "/channels", body, Idempotency_Key="k")
        assert made.json()["condition"] == "unchecked"
        path = f"/channels/{made.json()['id']}"
        read = call.ok("GET", path)
    assert (read["condition"], read["checked_at"] is None) == ("check_failed", False)
    assert "nothing accepts connections there" in read["condition_reason"]

    with reachable() as url:
        good = {"settings": {"url": url, "allow_private": True}}
        call.ok("PATCH", path, good, If_Match="*")
        read = call.ok("GET", path)
        assert read["condition"] == "active"
        call.ok("PATCH", path, {"rate": 5}, If_Match="*")
        assert call.ok("GET", path)["checked_at"] == read["checked_at"]  # nothing new to check


def test_what_is_wrong_with_a_channel_is_told_wherever_it_is_used(call: Program) -> None:
    channel = factory.channel("Shop")
    factory.people(channel, 1)
    draft = factory.draft([channel])
    broadcast = factory.sending([channel])

    def told() -> tuple[dict[str, Any], list[str], list[dict[str, Any]]]:
        return (
            call.ok("GET", f"/channels/{channel.pk}"),
            call.ok("GET", f"/broadcasts/{draft.pk}/problems")["warnings"],
            call.ok("GET", f"/broadcasts/{broadcast.pk}")["waits_for"],
        )

    shown, warnings, waits = told()
    assert (shown["condition"], waits) == ("unchecked", [])
    assert warnings == [
        "Channel Shop is not checked. Check the channel before you send.",
    ]

    since, until = clock.now() - timedelta(minutes=5), clock.now() + timedelta(hours=2.8)
    Channel.objects.update(waits_since=since, waits_until=until, waits_reason="Too many requests.")
    shown, (warning,), (wait,) = told()
    moments = [since, until]
    assert shown["condition"] == wait["state"] == "waiting"
    assert shown["condition_reason"] == wait["reason"] == "Too many requests."
    assert [datetime.fromisoformat(wait[key]) for key in ("since", "until")] == moments
    assert [
        datetime.fromisoformat(shown[key]) for key in ("condition_since", "next_attempt_at")
    ] == moments
    assert (wait["channel"], call.ok("GET", f"/broadcasts/{broadcast.pk}")["outcome"]) == (
        "Shop", "waiting",
    )  # fmt: skip
    assert warning.startswith("Channel Shop is waiting. Too many requests.")

    call.ok("POST", f"/channels/{channel.pk}/resume")
    assert told()[2] == []
    call.ok("POST", f"/channels/{channel.pk}/pause", {"reason": "No such token."})
    shown, (warning,), (wait,) = told()
    assert (wait["state"], wait["reason"], wait["until"]) == ("paused", "No such token.", None)
    assert shown["condition_since"] is not None
    assert "is paused. No such token." in warning


def test_defaults_for_sending(call: Program, channel: Channel) -> None:
    read = call("GET", "/channel-defaults")
    body = {"rate": 7, "attempts": 3, "backoff": None}
    assert call.ok("PUT", "/channel-defaults", body, If_Match=read["ETag"]) == body
    assert call.ok("GET", f"/channels/{channel.pk}")["rate"] == 7
    assert call("PUT", "/channel-defaults", body, If_Match=read["ETag"]).status_code == 412


def test_kinds_tell_their_settings(call: Program) -> None:
    kinds = {kind["kind"]: kind for kind in call.ok("GET", "/channel-kinds")["items"]}
    settings = {setting["name"]: setting for setting in kinds["telegram"]["settings"]}
    assert settings["token"]["type"] == "secret"
    assert settings["token"]["required"]


def test_prices_are_replaced_as_a_whole(call: Program, channel: Channel) -> None:
    shop = factory.channel("shop", "whatsapp", phone_number_id="1", token="EAA", currency="EUR")
    path = f"/channels/{shop.pk}/prices"
    read = call("GET", path)
    assert read.json() == {"currency": "", "items": []}
    items = [
        {"calling_code": "49", "category": "marketing", "price": "0.1131"},
        {"calling_code": "*", "category": "", "price": "0.05"},
    ]
    put = call("PUT", path, {"items": items}, If_Match=read["ETag"])
    assert put.json() == {"currency": "EUR", "items": items}
    assert call("PUT", path, {"items": []}, If_Match=read["ETag"]).status_code == 412
    bad = {"items": [{"calling_code": "DE", "price": "1"}]}
    wrong = call("PUT", path, bad, If_Match=put["ETag"])
    assert "Price 1: “DE” is not a calling code" in problem(wrong)["detail"]
    assert call.ok("GET", path)["items"] == items
    assert "have no prices" in problem(call("GET", f"/channels/{channel.pk}/prices"))["detail"]
