"""Adding and changing agents."""

import unicodedata

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from email_validator import EmailNotValidError, validate_email

from clarion import config
from clarion.accounts import audit, tokens
from clarion.accounts.models import Agent, AgentSession, Role
from clarion.accounts.scopes import grantable
from clarion.kit import ids

NAME_LENGTH = 200
# As the audit log writes the program itself; see audit.
RESERVED = frozenset(
    {"engine", "worker", "commandline", "clarion", "system", "apersonwhoisnotloggedin"}
)
_TOKENS = "apitoken"  # and the name of the token
_RANKS = {role: rank for rank, role in enumerate(Role.values)} | {"administrator": 3}
PASSWORD_LENGTH = 16


class AgentError(ValueError):
    """An agent can't be added or changed like this; `field` is what to change, "" for nothing."""

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field


def add_agent(
    *, name: str, email: str, role: str, password: str | None, by: Agent | str
) -> tuple[Agent, str]:
    """Add an agent; return it and its password, made up when None is given.

    Raises AgentError for a name, e-mail, role or password that won't do, and for an e-mail that
    an agent has already.
    """
    password = ids.token(PASSWORD_LENGTH) if password is None else password
    agent = new_agent(name=name, email=email, role=role, password=password, by=by, action="add")
    return agent, password


def new_agent(
    *, name: str, email: str, role: str, password: str | None, by: Agent | str, action: str
) -> Agent:
    """Add an agent; without a password, one who can't log in yet. Raises AgentError."""
    _require_role(role)
    address = _valid_email(email)
    if Agent.objects.filter(email=address).exists():
        raise _taken(address)
    name = valid_name(name, role=role)
    if password is not None:
        checked_password(password, Agent(name=name, email=address))
    try:
        with transaction.atomic():
            agent = Agent.objects.create_agent(
                name=name, email=address, role=role, password=password
            )
            agent.time_zone = config.load().time_zone
            agent.save(update_fields=["time_zone"])
            audit.note(f"agent.{action}", f"agent {agent.pk}", by, email=address, role=role)
    except IntegrityError:  # somebody else has added it in this moment
        raise _taken(address) from None
    return agent


def set_role(agent: Agent, role: str, *, by: Agent | str) -> None:
    """Give an agent another role, from their next page on.

    API tokens that the agent created are revoked, if the new role could not give their scopes.
    Raises AgentError for an unknown role, for a name that this role may not have, and for the last
    admin.
    """
    _require_role(role)
    valid_name(agent.name, role=role, agent=agent)
    with transaction.atomic():
        if role != Role.ADMIN:
            require_another_admin(agent)
        Agent.objects.filter(pk=agent.pk).update(role=role)
        audit.note("agent.role", f"agent {agent.pk}", by, role=role)
        allowed = set(grantable(role))
        for token in tokens.live_tokens().filter(created_by=agent):
            if not allowed.issuperset(token.scopes):
                tokens.revoke_token(token, by=by)


def set_password(agent: Agent, password: str | None, *, by: Agent | str) -> str:
    """Give an agent another password, made up when None is given; return it.

    Whoever is logged in with the old one is logged out. Raises AgentError for a weak password.
    """
    password = ids.token(PASSWORD_LENGTH) if password is None else password
    with transaction.atomic():
        agent.set_password(checked_password(password, agent))
        agent.save(update_fields=["password"])
        AgentSession.objects.filter(agent=agent).delete()
        audit.note("agent.password", f"agent {agent.pk}", by)
    return password


def set_active(agent: Agent, active: bool, *, by: Agent | str) -> None:
    """Let an agent log in, or not any longer.

    Deactivating ends the agent's sessions and revokes the API tokens that the agent created, at
    once and in every web process; reactivating brings neither back. What they did stays under
    their name. Raises AgentError for the last admin.
    """
    with transaction.atomic():
        if not active:
            require_another_admin(agent)
        Agent.objects.filter(pk=agent.pk).update(is_active=active)
        action = "agent.activate" if active else "agent.deactivate"
        audit.note(action, f"agent {agent.pk}", by)
        if not active:
            AgentSession.objects.filter(agent=agent).delete()
            for token in tokens.live_tokens().filter(created_by=agent):
                tokens.revoke_token(token, by=by)


def require_another_admin(agent: Agent) -> None:
    """Raise AgentError if nobody else is an admin who can log in, and this agent is.

    Locks the admins until the transaction ends.
    """
    admins = Agent.objects.select_for_update().filter(role=Role.ADMIN, is_active=True)
    ready = [admin.pk for admin in admins.order_by("pk") if admin.has_usable_password()]
    if ready == [agent.pk]:
        raise AgentError(
            f"{agent.name} is the only admin. Make another agent an admin first: otherwise nobody "
            "could manage agents."
        )


def _require_role(role: str) -> None:
    if role not in Role.values:
        raise AgentError(
            f"There is no role “{role}”. Choose one of: {', '.join(Role.values)}.", "role"
        )


def _taken(address: str) -> AgentError:
    return AgentError(f"There is already an agent with the e-mail {address}.", "email")


def valid_name(name: str, *, role: str, agent: Agent | None = None) -> str:
    """The name as it is stored, for an agent with that role; ``agent`` is who has it already.

    The audit log and the pages show who did something by this name, so nobody may use a name that
    stands for the program, for a higher role, or for another agent. Raises AgentError.
    """
    name = " ".join(name.split())
    if not name or len(name) > NAME_LENGTH or not name.isprintable():
        raise AgentError(f"Give the agent a name of 1 to {NAME_LENGTH} characters.", "name")
    looks = _looks(name)
    if (
        looks in RESERVED
        or looks.startswith(_TOKENS)
        or (looks in _RANKS and _RANKS[looks] > _RANKS[role])
    ):
        raise AgentError(f"The name “{name}” is reserved. Choose another one.", "name")
    others = Agent.objects.exclude(pk=agent.pk) if agent else Agent.objects.all()
    if any(_looks(other) == looks for other in others.values_list("name", flat=True)):
        raise AgentError(
            f"There is already an agent called “{name}”. Add something to the name.", "name"
        )
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
        address = validate_email(
            email.strip(), check_deliverability=False, globally_deliverable=False
        )
    except EmailNotValidError as error:
        raise AgentError(f"“{email}” is not an e-mail address: {error}", "email") from None
    return address.normalized.lower()


def checked_password(chosen: str, agent: Agent) -> str:
    """The password, if it is strong enough for this agent. Raises AgentError."""
    try:
        validate_password(chosen, agent)
    except ValidationError as error:
        raise AgentError(" ".join(error.messages), "password") from None
    return chosen
