"""Adding agents."""

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from email_validator import EmailNotValidError, validate_email

from clarion import config
from clarion.accounts import audit
from clarion.accounts.models import Agent, Role
from clarion.kit import ids

NAME_LENGTH = 200
PASSWORD_LENGTH = 16


class AgentError(ValueError):
    """An agent can't be added like this; says what to change."""


def add_agent(
    *, name: str, email: str, role: str, password: str | None, by: Agent | str
) -> tuple[Agent, str]:
    """Add an agent; return it and its password, made up when None is given.

    Raises AgentError for a name, e-mail, role or password that won't do, and for an e-mail that
    an agent has already.
    """
    name = " ".join(name.split())
    if not name or len(name) > NAME_LENGTH or "\x00" in name:
        raise AgentError(f"Give the agent a name of 1 to {NAME_LENGTH} characters.")
    if role not in Role.values:
        raise AgentError(f"There is no role “{role}”. Choose one of: {', '.join(Role.values)}.")
    address = _valid_email(email)
    if password is None:
        password = ids.token(PASSWORD_LENGTH)
    else:
        _check_password(password)
    try:
        with transaction.atomic():
            agent = Agent.objects.create_agent(
                name=name, email=address, role=role, password=password
            )
            agent.time_zone = config.load().time_zone
            agent.save(update_fields=["time_zone"])
            audit.note("agent.add", f"agent {agent.pk}", by, email=address, role=role)
    except IntegrityError:
        raise AgentError(f"There is already an agent with the e-mail {address}.") from None
    return agent, password


def _valid_email(email: str) -> str:
    """The e-mail in its normal form. No DNS is asked; names of a local network are fine."""
    try:
        found = validate_email(
            email.strip(), check_deliverability=False, globally_deliverable=False
        )
    except EmailNotValidError as error:
        raise AgentError(f"“{email}” is not an e-mail address: {error}") from None
    return found.normalized.lower()


def _check_password(password: str) -> None:
    try:
        validate_password(password)
    except ValidationError as error:
        raise AgentError(" ".join(error.messages)) from None
