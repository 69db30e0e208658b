"""Authenticator apps, recovery codes and passkeys."""

import base64
import threading
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import connection

from clarion.accounts import passkeys, second_factor
from clarion.accounts.models import Agent, AuditEntry, AuthenticatorApp, RecoveryCode
from clarion.accounts.second_factor import SecondFactorError
from clarion.kit import clock, db
from support import factory
from support.authenticator import Authenticator

pytestmark = pytest.mark.django_db
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # of RFC 6238's examples
SITE = "https://clarion.example"


def at(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    monkeypatch.setattr(clock, "now_us", lambda: seconds * clock.SECOND)


@pytest.fixture
def agent() -> Agent:
    return factory.agent("sender", "Bob")


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    assert second_factor.code_at(SECRET, seconds // second_factor.STEP) == code


def test_a_code_is_good_for_one_use(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, 3_000)
    codes = second_factor.add_app(agent, SECRET, second_factor.code_at(SECRET, 100))
    assert len(set(codes)) == second_factor.RECOVERY_CODES
    assert not second_factor.use_code(agent, second_factor.code_at(SECRET, 100))  # set it up with
    assert not second_factor.use_code(agent, second_factor.code_at(SECRET, 99))
    at(monkeypatch, 3_030)
    later = second_factor.code_at(SECRET, 101)
    assert second_factor.use_code(agent, f" {later[:3]} {later[3:]} ")
    assert not second_factor.use_code(agent, later)


@pytest.mark.parametrize(
    ("step", "works"), [(98, False), (99, True), (100, True), (101, True), (102, False)]
)
def test_a_clock_may_be_wrong_by_half_a_minute(
    agent: Agent, monkeypatch: pytest.MonkeyPatch, step: int, works: bool
) -> None:
    AuthenticatorApp.objects.create(agent=agent, secret={"base32": SECRET}, last_step=0)
    at(monkeypatch, 3_010)
    assert second_factor.use_code(agent, second_factor.code_at(SECRET, step)) == works


@pytest.mark.parametrize("code", ["", "1", "abcdef", "１２３４５６", "\ud800", "1" * 40])
def test_anything_else_is_no_code(agent: Agent, code: str) -> None:
    AuthenticatorApp.objects.create(agent=agent, secret={"base32": SECRET}, last_step=0)
    assert not second_factor.use_code(agent, code)
    with pytest.raises(SecondFactorError):
        second_factor.add_app(agent, SECRET, code)


def test_a_recovery_code_works_once_however_it_is_typed(agent: Agent) -> None:
    codes = set_up(agent)
    assert second_factor.use_code(agent, codes[0].upper().replace("-", " "))
    assert not second_factor.use_code(agent, codes[0])
    assert second_factor.use_code(agent, codes[1])
    assert RecoveryCode.objects.filter(agent=agent).count() == len(codes) - 2
    assert not RecoveryCode.objects.filter(digest__contains=codes[2][:4]).exists()
    assert AuditEntry.objects.filter(action="two_factor.recovery_code_used").count() == 2


def set_up(agent: Agent) -> list[str]:
    step = clock.now_us() // clock.SECOND // second_factor.STEP
    return second_factor.add_app(agent, SECRET, second_factor.code_at(SECRET, step))


def test_new_recovery_codes_replace_the_others(agent: Agent) -> None:
    with pytest.raises(SecondFactorError, match="first"):
        second_factor.new_recovery_codes(agent)
    before = set_up(agent)
    after = second_factor.new_recovery_codes(agent)
    assert not second_factor.use_code(agent, before[0])
    assert second_factor.use_code(agent, after[0])


def test_without_a_second_factor_there_are_no_recovery_codes(agent: Agent) -> None:
    codes = set_up(agent)
    second_factor.remove_app(agent)
    assert not second_factor.has_second_factor(agent)
    assert not second_factor.use_code(agent, codes[0])


def test_the_secret_is_encrypted(agent: Agent) -> None:
    set_up(agent)
    [stored] = AuthenticatorApp.objects.values_list("secret", flat=True)
    assert SECRET not in str(stored)


def test_recovery_codes_work_without_the_key_of_the_app_s_secret(agent: Agent) -> None:
    codes = set_up(agent)
    lost = Fernet(Fernet.generate_key()).encrypt(b"{}").decode()
    db.execute("UPDATE accounts_authenticatorapp SET secret = %s", [lost])
    assert not second_factor.use_code(agent, "123456")
    assert second_factor.use_code(agent, codes[0])


def test_a_reset_removes_everything(agent: Agent) -> None:
    codes = set_up(agent)
    assert second_factor.reset(agent, by="command line")
    assert not second_factor.reset(agent, by="command line")
    assert not second_factor.use_code(agent, codes[0])
    assert AuditEntry.objects.filter(action="two_factor.reset").count() == 1


def test_roles_need_it_as_chosen(agent: Agent) -> None:
    assert not second_factor.must_set_up(agent)
    second_factor.require_for(["sender", "admin"], by="command line")
    assert second_factor.required_roles() == ["sender", "admin"]
    assert second_factor.must_set_up(agent)
    set_up(agent)
    assert not second_factor.must_set_up(agent)
    with pytest.raises(SecondFactorError, match="There is no role “boss”"):
        second_factor.require_for(["boss"], by="command line")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_two_at_the_same_time_use_a_code_once(kind: str) -> None:
    agent = factory.agent("sender", "Bob")
    codes = set_up(agent)
    if kind == "app":
        AuthenticatorApp.objects.update(last_step=0)
        step = clock.now_us() // clock.SECOND // second_factor.STEP
        code = second_factor.code_at(SECRET, step)
    else:
        code = codes[0]
    start, results = threading.Barrier(2), []

    def use() -> None:
        start.wait()
        try:
            results.append(second_factor.use_code(agent, code))
        finally:
            connection.close()

    threads = [threading.Thread(target=use) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False, True]


def add_passkey(agent: Agent, name: str = "Phone") -> tuple[Authenticator, list[str]]:
    authenticator = Authenticator(SITE, "clarion.example")
    options, state = passkeys.begin_adding(agent, SITE)
    answer = authenticator.create(options)
    return authenticator, passkeys.add_passkey(agent, SITE, state, answer, name=name)


def use(agent: Agent, authenticator: Authenticator, change: Callable[[Any], Any] = dict) -> bool:
    begun = passkeys.begin_using(agent, SITE)
    assert begun
    options, state = begun
    return passkeys.use_passkey(agent, SITE, state, change(authenticator.get(options)))


def test_a_passkey_is_added_and_used(agent: Agent) -> None:
    assert passkeys.begin_using(agent, SITE) is None
    authenticator, codes = add_passkey(agent)
    assert len(codes) == second_factor.RECOVERY_CODES
    assert use(agent, authenticator)
    assert use(agent, authenticator)
    second, more = add_passkey(agent, "Key")
    assert more == []
    assert use(agent, second)
    assert use(agent, authenticator)


def test_an_answer_works_once(agent: Agent) -> None:
    authenticator, _ = add_passkey(agent)
    options, state = passkeys.begin_using(agent, SITE) or ({}, {})
    answer = authenticator.get(options)
    assert passkeys.use_passkey(agent, SITE, state, answer)
    assert not passkeys.use_passkey(agent, SITE, state, answer)
    assert not passkeys.use_passkey(agent, SITE, None, answer)


def test_a_copied_passkey_falls_behind(agent: Agent) -> None:
    authenticator, _ = add_passkey(agent)
    assert use(agent, authenticator)
    authenticator.counter = 0
    assert not use(agent, authenticator)


def test_somebody_else_s_passkey_is_refused(agent: Agent) -> None:
    other = factory.agent("sender", "Mia")
    add_passkey(agent)
    theirs, _ = add_passkey(other)
    assert not use(agent, theirs)


@pytest.mark.parametrize("field", ["origin", "host"])
def test_a_passkey_of_another_site_is_refused(agent: Agent, field: str) -> None:
    authenticator, _ = add_passkey(agent)
    setattr(authenticator, field, "https://evil.example")
    assert not use(agent, authenticator)
    options, state = passkeys.begin_adding(agent, SITE)
    with pytest.raises(SecondFactorError, match="could not be used"):
        passkeys.add_passkey(agent, SITE, state, authenticator.create(options), name="x")


def _without_signature(answer: dict[str, Any]) -> dict[str, Any]:
    return answer | {"response": answer["response"] | {"signature": "AAAA"}}


@pytest.mark.parametrize(
    "change",
    [
        _without_signature,
        lambda answer: {},
        lambda answer: answer | {"response": None},
        lambda answer: answer | {"response": "text"},
        lambda answer: answer | {"rawId": 7},
        lambda answer: answer | {"response": {"clientDataJSON": "e30", "signature": "AA"}},
        lambda answer: answer | {"response": answer["response"] | {"authenticatorData": "AA"}},
        lambda answer: answer | {"response": answer["response"] | {"clientDataJSON": "!"}},
    ],
)
def test_a_damaged_answer_is_refused(agent: Agent, change: Callable[[Any], Any]) -> None:
    authenticator, _ = add_passkey(agent)
    assert not use(agent, authenticator, change)
    options, state = passkeys.begin_adding(agent, SITE)
    answer = change(authenticator.get(options))
    with pytest.raises(SecondFactorError):
        passkeys.add_passkey(agent, SITE, state, answer, name="x")


@pytest.mark.parametrize("data", [b"\x81" * 10_000, b"\xa0", b"", b"\x1b\0", b"\xa1\x63abc"])
def test_an_answer_that_can_not_be_read_is_refused(agent: Agent, data: bytes) -> None:
    authenticator = Authenticator(SITE, "clarion.example")
    options, state = passkeys.begin_adding(agent, SITE)
    answer = authenticator.create(options)
    answer["response"]["attestationObject"] = base64.urlsafe_b64encode(data).decode().rstrip("=")
    with pytest.raises(SecondFactorError):
        passkeys.add_passkey(agent, SITE, state, answer, name="x")


def test_the_same_passkey_is_added_once(agent: Agent) -> None:
    authenticator, _ = add_passkey(agent)
    options, state = passkeys.begin_adding(agent, SITE)
    with pytest.raises(SecondFactorError, match="registered already"):
        passkeys.add_passkey(agent, SITE, state, authenticator.create(options), name="x")


def test_removing_the_last_passkey_removes_the_codes(agent: Agent) -> None:
    add_passkey(agent)
    [passkey] = agent.passkeys.all()
    assert not passkeys.remove_passkey(factory.agent("admin", "Mia"), passkey.pk)
    assert passkeys.remove_passkey(agent, passkey.pk)
    assert not RecoveryCode.objects.exists()
