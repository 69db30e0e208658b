"""Webhook endpoints by the API."""

from api.conftest import Program
from api.test_foundation import problem
from clarion.accounts.models import StoredAnswer
from clarion.webhooks.models import Endpoint, EndpointRequest

ENDPOINT = {
    "name": "Shop",
    "url": "https://shop.example/events",
    "event_types": ["delivery.sent"],
}


def test_n4_an_endpoint_is_added_changed_paused_and_deleted(call: Program) -> None:
    made = call("POST", "/webhooks", ENDPOINT)
    path = made["Location"].removeprefix("/api/v1")
    assert made.json()["secret"] == Endpoint.objects.get().secret["current"]
    shown = call("GET", path)
    assert "secret" not in shown.json()
    wrong = problem(call("POST", "/webhooks", ENDPOINT | {"name": "B", "url": "shop"}))
    assert wrong["errors"][0]["field"] == "url"
    wrong = problem(call("POST", "/webhooks", ENDPOINT | {"name": "B", "event_types": ["x"]}))
    assert wrong["errors"][0]["field"] == "event_types"
    changed = call.ok("PATCH", path, {"allow_private": True}, If_Match=shown["ETag"])
    assert (changed["allow_private"], changed["name"]) == (True, "Shop")
    assert call("PATCH", path, {"name": "C"}, If_Match=shown["ETag"]).status_code == 412
    assert call.ok("POST", f"{path}/pause")["state"] == "paused"
    assert problem(call("POST", f"{path}/pause"))["code"] == "refused"
    assert call.ok("POST", f"{path}/resume", {"skip": True})["state"] == "active"
    secret = call.ok("POST", f"{path}/rotate-secret")["secret"]
    assert Endpoint.objects.get().secret["current"] == secret
    assert len(call.ok("GET", "/webhooks")["items"]) == 1
    assert call("DELETE", path, If_Match="*").status_code == 204
    assert call("GET", path).status_code == 404


def test_the_log_is_read_and_requests_are_repeated(call: Program) -> None:
    made = call("POST", "/webhooks", ENDPOINT)
    path = made["Location"].removeprefix("/api/v1")
    request = call.ok("POST", f"{path}/test")
    assert (request["state"], request["events"]) == ("waiting", 1)
    EndpointRequest.objects.update(state="failed", attempts=9)
    [listed] = call.ok("GET", f"{path}/requests?state=failed")["items"]
    assert (listed["attempts"], listed["next_attempt_at"]) == (9, None)
    again = call.ok("POST", f"{path}/requests/{request['id']}/repeat")
    assert (again["state"], again["webhook_id"]) == ("waiting", request["webhook_id"])
    EndpointRequest.objects.update(state="failed")
    assert call.ok("POST", f"{path}/requests/repeat-failed") == {"requests": 1}
    assert call("POST", f"{path}/requests/999/repeat").status_code == 404


def test_a_repeated_request_gets_the_secret_that_is_stored_encrypted(call: Program) -> None:
    first = call("POST", "/webhooks", ENDPOINT, Idempotency_Key="one").json()
    again = call("POST", "/webhooks", ENDPOINT, Idempotency_Key="one").json()
    assert first == again
    assert first["secret"] not in StoredAnswer.objects.get().body
