"""What is true of every operation: tokens, errors, repeats, versions, limits, pages."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from api.conftest import MakeToken, Program
from clarion.accounts import audit, idempotency, request_limits, tokens
from clarion.accounts.models import ApiToken, RequestCount, StoredAnswer
from clarion.consents.models import Consent
from clarion.kit import clock

CONSENT = {"name": "Newsletter", "category": "Marketing", "text": "I agree."}


def problem(answer: Any) -> dict[str, Any]:
    """The problem of an answer, whose form is checked."""
    assert answer["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = json.loads(answer.content)
    assert body["status"] == answer.status_code
    assert {"type", "title", "detail", "code"} <= body.keys()
    return body


def test_the_token_is_shown(call: Program) -> None:
    token = ApiToken.objects.get()
    shown = call.ok("GET", "/token")
    assert shown["name"] == "Shop"
    assert shown["prefix"] == token.prefix
    assert token.digest not in json.dumps(shown)
    assert call.token not in token.digest


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic YTpi", "Bearer clarion_a_b"])
def test_without_a_token_nothing_is_answered(db: None, header: str) -> None:
    answer = Program("")("GET", "/consents", Authorization=header)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert problem(answer)["code"] == "unauthenticated"


def test_a_secret_that_differs_in_its_last_character_is_wrong(call: Program) -> None:
    last = "a" if call.token[-1] != "a" else "b"
    assert Program(call.token[:-1] + last)("GET", "/token").status_code == 401


def test_expired_and_revoked_tokens_are_refused(
    make_token: MakeToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = make_token(expires_at=clock.now() + timedelta(days=1))
    assert Program(secret)("GET", "/token").status_code == 200
    later = clock.now() + timedelta(days=2)
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", lambda: later)
        answer = Program(secret)("GET", "/token")
    assert answer.status_code == 401
    assert "expired" in problem(answer)["detail"]
    tokens.revoke_token(ApiToken.objects.get(), by=audit.COMMAND_LINE)
    assert "revoked" in problem(Program(secret)("GET", "/token"))["detail"]


def test_a_scope_is_needed(make_token: MakeToken) -> None:
    answer = Program(make_token(["consents:read"]))("POST", "/consents", CONSENT)
    assert answer.status_code == 403
    assert "consents:write" in problem(answer)["detail"]
    assert 'scope="consents:write"' in answer["WWW-Authenticate"]
    assert not Consent.objects.exists()


def test_a_session_of_the_pages_is_worth_nothing(admin_client_of_pages: Client) -> None:
    assert admin_client_of_pages.get("/").status_code == 200
    assert admin_client_of_pages.get("/api/v1/consents").status_code == 401


@pytest.fixture
def admin_client_of_pages(db: None) -> Client:
    from support import factory

    client = Client()
    client.force_login(factory.agent())
    return client


def test_no_session_is_made_and_no_csrf_token_is_asked_for(call: Program) -> None:
    strict = Client(enforce_csrf_checks=True)
    call.client = strict
    assert call("POST", "/consents", CONSENT).status_code == 201
    assert not strict.cookies


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "code"),
    [
        ("GET", "/nothing", None, {}, 404, "not_found"),
        ("GET", "/consents/99", None, {}, 404, "not_found"),
        ("PUT", "/consents", None, {}, 405, "method_not_allowed"),
        ("POST", "/consents", b"{", {}, 400, "invalid_json"),
        ("POST", "/consents", b"\xff", {}, 400, "invalid_json"),
        ("POST", "/consents", b'{"name": NaN}', {}, 422, "invalid_request"),
        ("POST", "/consents", b"[" * 100_000, {}, 400, "invalid_json"),
        ("POST", "/consents", {"name": "a\0b"}, {}, 422, "invalid_request"),
        ("POST", "/consents", {"name": "\ud800"}, {}, 422, "invalid_request"),
        ("POST", "/consents", None, {}, 422, "invalid_request"),
        ("GET", "/consents?cursor=x", None, {}, 422, "invalid_request"),
        ("GET", "/consents?cursor=%00", None, {}, 422, "invalid_request"),
        ("GET", "/consents?limit=0", None, {}, 422, "invalid_request"),
        ("GET", f"/consents/{2**70}", None, {}, 422, "invalid_request"),
        ("POST", "/consents", CONSENT, {"Idempotency_Key": "x" * 256}, 422, "invalid_request"),
        (
            "POST",
            "/consents",
            b"a=b",
            {"Content_Type": "text/plain"},
            415,
            "unsupported_media_type",
        ),
    ],
)
def test_errors_are_problems(
    call: Program, method: str, path: str, body: Any, headers: dict[str, str],
    status: int, code: str,
) -> None:  # fmt: skip
    answer = call(method, path, body, **headers)
    assert (answer.status_code, problem(answer)["code"]) == (status, code)


def test_a_body_that_is_too_large_is_refused(
    call: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clarion.api.guard.LARGEST", 10)
    assert problem(call("POST", "/consents", CONSENT))["code"] == "too_large"


def test_the_wrong_field_is_named(call: Program) -> None:
    answer = call("POST", "/consents", {"nam": "x", "text": 3})
    errors = {error["field"]: error["detail"] for error in problem(answer)["errors"]}
    assert errors.keys() == {"name", "nam", "text"}
    assert errors["name"] == "Fill this in."
    assert errors["nam"] == "There is no field “nam”. Remove it."


def test_the_allowed_methods_are_named(call: Program) -> None:
    answer = call("PUT", "/consents")
    assert set(answer["Allow"].split(", ")) == {"GET", "POST"}


def test_head_is_get_without_a_body(call: Program) -> None:
    answer = call("HEAD", "/consents")
    assert answer.status_code == 200
    assert answer.content == b""
    assert int(answer["Content-Length"]) > 0


def test_a_failure_is_answered_as_a_problem_and_logged(
    call: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("secret of the house")

    monkeypatch.setattr("clarion.consents.grants.counts", broken)
    answer = call("GET", "/consents")
    assert answer.status_code == 500
    assert problem(answer)["code"] == "server_error"
    assert b"secret of the house" not in answer.content


# Repeats


def test_a_repeated_request_is_answered_once(call: Program) -> None:
    first = call("POST", "/consents", CONSENT, Idempotency_Key="k1")
    again = call("POST", "/consents", CONSENT, Idempotency_Key="k1")

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert again["Location"] == first["Location"] == f"/api/v1/consents/{Consent.objects.get().pk}"
    assert again["ETag"] == first["ETag"]
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first


def test_the_key_of_another_request_is_refused(call: Program) -> None:
    call.ok("POST", "/consents", CONSENT, Idempotency_Key="k1")
    answer = call("POST", "/consents", {"name": "Other"}, Idempotency_Key="k1")
    assert problem(answer)["code"] == "key_reused"


def test_a_refused_request_may_be_repeated_with_its_key(call: Program) -> None:
    call.ok("POST", "/consents", CONSENT)
    assert call("POST", "/consents", CONSENT, Idempotency_Key="k1").status_code == 422
    Consent.objects.all().delete()
    assert call("POST", "/consents", CONSENT, Idempotency_Key="k1").status_code == 201


def test_keys_of_two_tokens_are_different(call: Program, make_token: MakeToken) -> None:
    call.ok("POST", "/consents", CONSENT, Idempotency_Key="k1")
    other = Program(make_token(name="Other"))
    assert other("POST", "/consents", {"name": "B"}, Idempotency_Key="k1").status_code == 201


def test_answers_are_kept_for_a_day(call: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    from clarion.accounts.expiry import delete_expired

    call.ok("POST", "/consents", CONSENT, Idempotency_Key="k1")
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + idempotency.KEPT - timedelta(minutes=1))
    delete_expired()
    assert StoredAnswer.objects.exists()
    monkeypatch.setattr(clock, "now", lambda: now + idempotency.KEPT + timedelta(minutes=1))
    delete_expired()
    assert not StoredAnswer.objects.exists()


# Versions


def test_an_edit_needs_the_present_version(call: Program) -> None:
    made = call("POST", "/consents", CONSENT)
    path = made["Location"].removeprefix("/api/v1")
    assert call("GET", path)["ETag"] == made["ETag"]
    assert problem(call("PATCH", path, {"name": "A"}))["code"] == "if_match_required"

    edited = call("PATCH", path, {"name": "A"}, If_Match=made["ETag"])
    assert edited.status_code == 200
    assert edited["ETag"] != made["ETag"]

    late = call("PATCH", path, {"name": "B"}, If_Match=made["ETag"])
    assert (late.status_code, problem(late)["code"]) == (412, "changed_meanwhile")
    assert Consent.objects.get().name == "A"

    assert call("DELETE", path, If_Match=made["ETag"]).status_code == 412
    assert call("DELETE", path, If_Match="*").status_code == 204


# Limits


def test_the_limit_of_a_token(make_token: MakeToken, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_790_000_000 * clock.SECOND
    monkeypatch.setattr(clock, "now_us", lambda: now)
    call = Program(make_token(requests_per_minute=3))
    answers = [call("GET", "/token") for _ in range(5)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert [answer["RateLimit"].split(";")[1] for answer in answers] == [
        "r=2", "r=1", "r=0", "r=0", "r=0",
    ]  # fmt: skip
    assert answers[0]["RateLimit-Policy"] == '"token";q=3;w=60'
    assert 0 < int(answers[3]["Retry-After"]) <= 60
    assert problem(answers[3])["code"] == "too_many_requests"

    monkeypatch.setattr(clock, "now_us", lambda: now + 60 * clock.SECOND)
    assert call("GET", "/token").status_code == 200


def test_processes_share_the_limit(make_token: MakeToken) -> None:
    make_token()
    token = ApiToken.objects.get().pk
    taken = 0
    for _ in range(40):
        request_limits.forget()  # a process that has reserved nothing
        taken += request_limits.take(token, 120).allowed + request_limits.take(token, 120).allowed
    request_limits.forget()
    assert taken == 80
    left = sum(request_limits.take(token, 120).allowed for _ in range(100))
    assert taken + left == 120
    assert RequestCount.objects.get().used >= 120


def test_the_last_use_is_noted(call: Program) -> None:
    call.ok("GET", "/token")
    used = ApiToken.objects.get().last_used_at
    assert used is not None
    assert clock.now() - used < timedelta(minutes=2)


# Pages


def test_a_list_has_pages(call: Program) -> None:
    names = [f"Consent {number}" for number in range(5)]
    Consent.objects.bulk_create(Consent(name=name) for name in names)
    seen, path = [], "/consents?limit=2"
    for _ in range(3):
        answer = call("GET", path)
        page = json.loads(answer.content)
        seen += [item["name"] for item in page["items"]]
        if page["next"] is None:
            assert "Link" not in answer
            break
        link = answer["Link"]
        assert link.endswith('>; rel="next"')
        path = link[1:].partition(">")[0].removeprefix("/api/v1")
        assert "limit=2" in path
    assert seen == names[::-1]


# The document


def test_the_document_and_its_page_need_no_token(client: Client) -> None:
    document = client.get("/api/v1/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    page = client.get("/api/v1/docs")
    html = page.content.decode()
    assert page.status_code == 200
    assert "default-src 'self'" in page["Content-Security-Policy"]
    assert "https://" not in html
    assert "<style" not in html
    assert "<code>next</code>" in html
    assert "`" not in html
    for methods in document["paths"].values():
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in html
