"""Adding and changing agents."""

import unicodedata

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from email_validator import EmailNotValidError, validate_email

from clarion import config
from clarion.accounts import audit
from clarion.accounts.models import Agent, Role
from clarion.kit import ids

NAME_LENGTH = 200
# As the audit log writes the program itself; see audit.
RESERVED = frozenset({"engine", "worker", "commandline", "clarion", "system"})
_RANKS = {role: rank for rank, role in enumerate(Role.values)} | {"administrator": 3}
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
    if role not in Role.values:
        raise AgentError(f"There is no role “{role}”. Choose one of: {', '.join(Role.values)}.")
    address = _valid_email(email)
    if Agent.objects.filter(email=address).exists():
        raise _taken(address)
    name = valid_name(name, role=role)
    if password is None:
        password = ids.token(PASSWORD_LENGTH)
    else:
        _check_password(password, Agent(name=name, email=address))
    try:
        with transaction.atomic():
            agent = Agent.objects.create_agent(
                name=name, email=address, role=role, password=password
            )
            agent.time_zone = config.load().time_zone
            agent.save(update_fields=["time_zone"])
            audit.note("agent.add", f"agent {agent.pk}", by, email=address, role=role)
    except IntegrityError:  # somebody else has added it in this moment
        raise _taken(address) from None
    return agent, password


def _taken(address: str) -> AgentError:
    return AgentError(f"There is already an agent with the e-mail {address}.")


def valid_name(name: str, *, role: str, agent: Agent | None = None) -> str:
    """The name as it is stored, for an agent with that role; ``agent`` is who has it already.

    The audit log and the pages show who did something by this name, so nobody may use a name that
    stands for the program, for a higher role, or for another agent. Raises AgentError.
    """
    name = " ".join(name.split())
    if not name or len(name) > NAME_LENGTH or not name.isprintable():
        raise AgentError(f"Give the agent a name of 1 to {NAME_LENGTH} characters.")
    looks = _looks(name)
    if looks in RESERVED or (looks in _RANKS and _RANKS[looks] > _RANKS[role]):
        raise AgentError(f"The name “{name}” is reserved. Choose another one.")
    others = Agent.objects.exclude(pk=agent.pk) if agent else Agent.objects.all()
    if any(_looks(other) == looks for other in others.values_list("name", flat=True)):
        raise AgentError(f"There is already an agent called “{name}”. Add something to the name.")
    return name


def _looks(name: str) -> str:
    """What a reader takes a name for: letters only, whatever their width, case and accents."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    return "".join(sign for sign in plain if sign.isalnum())


def change_own(agent: Agent, *, name: str, time_zone: str) -> None:
    """Change what agents may change about themselves."""
    Agent.objects.filter(pk=agent.pk).update(name=name, time_zone=time_zone)
    audit.note("agent.update", f"agent {agent.pk}", agent, name=name, time_zone=time_zone)


def _valid_email(email: str) -> str:
    """The e-mail in its normal form. No DNS is asked; names of a local network are fine."""
    try:
        found = validate_email(
            email.strip(), check_deliverability=False, globally_deliverable=False
        )
    except EmailNotValidError as error:
        raise AgentError(f"“{email}” is not an e-mail address: {error}") from None
    return found.normalized.lower()


def _check_password(password: str, agent: Agent) -> None:
    try:
        validate_password(password, agent)
    except ValidationError as error:
        raise AgentError(" ".join(error.messages)) from None
