"""``clarion agent add``."""

from collections.abc import Callable

import pytest

from clarion.accounts.models import Agent, Role

pytestmark = pytest.mark.django_db
ADD = ("agent", "add", "Ann Lee", "--email", "ann@example.org", "--role")


@pytest.mark.parametrize("role", Role.values)
def test_the_password_is_printed_once(ok: Callable[..., str], role: str) -> None:
    added, password = ok(*ADD, role).splitlines()
    assert added == f"Added Ann Lee (ann@example.org) as {role}."
    assert password.startswith("Password (shown only now): ")
    agent = Agent.objects.get()
    assert agent.role == role
    assert agent.check_password(password.rpartition(" ")[2])


@pytest.mark.parametrize("end", ["\n", "\r\n", "", "\nsecond line\n"])
def test_the_password_may_come_from_standard_input(ok: Callable[..., str], end: str) -> None:
    printed = ok(*ADD, "admin", "--password-stdin", stdin=f"correct horse battery{end}")
    assert printed == "Added Ann Lee (ann@example.org) as admin.\n"
    assert Agent.objects.get().check_password("correct horse battery")


def test_a_bad_password_is_refused(refused: Callable[..., str]) -> None:
    assert "too short" in refused(*ADD, "admin", "--password-stdin", stdin="abc\n")
    assert not Agent.objects.exists()


def test_an_unknown_role_is_wrong_usage(misused: Callable[..., str]) -> None:
    assert "'boss' is not one of 'admin', 'manager', 'sender', 'viewer'." in misused(*ADD, "boss")


def test_a_second_one_of_the_same_email_is_refused(
    ok: Callable[..., str], refused: Callable[..., str]
) -> None:
    ok(*ADD, "admin")
    assert refused(*ADD, "viewer") == "There is already an agent with the e-mail ann@example.org."
