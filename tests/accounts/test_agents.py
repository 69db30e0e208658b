"""Adding agents."""

import threading

import pytest
from django.contrib.auth import authenticate
from django.db import connection

from clarion.accounts.agents import AgentError, add_agent
from clarion.accounts.audit import COMMAND_LINE
from clarion.accounts.models import Agent, AuditEntry

pytestmark = pytest.mark.django_db
GOOD = {"name": "Ann Lee", "email": "ann@example.org", "role": "sender", "by": COMMAND_LINE}


def test_a_password_is_made_up_and_works() -> None:
    agent, password = add_agent(**GOOD, password=None)
    assert len(password) == 16
    assert agent.check_password(password)
    assert agent.password.startswith("argon2")
    assert not agent.check_password(password[:-1])


def test_made_up_passwords_differ() -> None:
    passwords = {
        add_agent(
            **{**GOOD, "name": f"Ann {number}", "email": f"a{number}@example.org"}, password=None
        )[1]
        for number in range(3)
    }
    assert len(passwords) == 3


def test_a_given_password_is_kept() -> None:
    agent, password = add_agent(**GOOD, password="correct horse battery")
    assert password == "correct horse battery"
    assert agent.check_password(password)


def test_the_email_is_kept_in_its_normal_form() -> None:
    agent, _ = add_agent(**{**GOOD, "email": "  Ann.Lee@EXAMPLE.org "}, password=None)
    assert agent.email == "ann.lee@example.org"


@pytest.mark.parametrize("email", ["ops@mail.local", "admin@localhost", "ünal@exämple.org"])
def test_addresses_of_a_local_network_and_other_scripts_are_fine(email: str) -> None:
    assert add_agent(**{**GOOD, "email": email}, password=None)[0].email == email


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"email": "ann"}, "“ann” is not an e-mail address: "),
        ({"email": ""}, "“” is not an e-mail address: "),
        ({"email": "a b@example.org"}, "is not an e-mail address"),
        ({"name": "  "}, "Give the agent a name"),
        ({"name": "a\x00b"}, "Give the agent a name"),
        ({"name": "Command  Line"}, "The name “Command Line” is reserved."),
        ({"name": "engine"}, "The name “engine” is reserved."),
        ({"name": "Administrator"}, "The name “Administrator” is reserved."),
        ({"password": "Ann@Example.org"}, "The password is too similar to the email"),
        ({"name": "x" * 201}, "Give the agent a name of 1 to 200 characters."),
        ({"role": "boss"}, "There is no role “boss”. Choose one of: viewer, sender, manager, adm"),
        ({"password": "short"}, "This password is too short."),
        ({"password": "password123"}, "This password is too common."),
        ({"password": ""}, "This password is too short."),
    ],
)
def test_what_will_not_do_is_said(change: dict[str, str], said: str) -> None:
    with pytest.raises(AgentError) as refusal:
        add_agent(**{**GOOD, "password": None, **change})
    assert said in str(refusal.value)
    assert not Agent.objects.exists()
    assert not AuditEntry.objects.exists()


def test_an_email_is_taken_once_whatever_its_case() -> None:
    add_agent(**GOOD, password=None)
    with pytest.raises(AgentError, match="already an agent with the e-mail"):
        add_agent(**{**GOOD, "email": "ANN@example.org"}, password=None)
    assert Agent.objects.count() == 1


def test_it_is_noted_without_the_password() -> None:
    agent, password = add_agent(**GOOD, password=None)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject) == ("agent.add", f"agent {agent.pk}")
    assert entry.actor == "command line"
    assert password not in str(entry.detail)


def test_the_time_zone_is_the_installations(monkeypatch: pytest.MonkeyPatch) -> None:
    from clarion import config

    settings = config.load().model_copy(update={"time_zone": "Asia/Tokyo"})
    monkeypatch.setattr(config, "load", lambda: settings)
    assert add_agent(**GOOD, password=None)[0].time_zone == "Asia/Tokyo"


def test_an_agent_can_log_in() -> None:
    _, password = add_agent(**GOOD, password=None)
    agent = authenticate(email="ann@example.org", password=password)
    assert isinstance(agent, Agent)


@pytest.mark.django_db(transaction=True)
def test_two_at_the_same_time_make_one_agent() -> None:
    outcomes: list[str] = []

    def add() -> None:
        try:
            add_agent(**GOOD, password="correct horse battery")
            outcomes.append("added")
        except AgentError as refusal:
            outcomes.append(str(refusal))
        finally:
            connection.close()

    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refusal, added = sorted(outcomes)
    assert added == "added"
    # Which of the two the other one meets first depends on the moment.
    assert refusal in {
        "There is already an agent with the e-mail ann@example.org.",
        "There is already an agent called “Ann Lee”. Add something to the name.",
    }
    assert Agent.objects.count() == 1


def test_a_name_is_one_agent_s() -> None:
    add_agent(**GOOD, password=None)
    with pytest.raises(AgentError, match="There is already an agent called “ANN LÈE”"):
        add_agent(**{**GOOD, "name": "ANN  LÈE", "email": "other@example.org"}, password=None)


def test_a_role_is_a_name_for_those_who_have_it() -> None:
    add_agent(**{**GOOD, "name": "Admin", "role": "admin"}, password=None)
    add_agent(**{**GOOD, "name": "Viewer", "email": "v@example.org"}, password=None)
