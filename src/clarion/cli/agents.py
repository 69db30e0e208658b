"""``clarion agent``: colleagues who log in."""

import sys
from typing import Annotated, Literal

import typer

from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.django_setup import uses_django
from clarion.cli.lookups import find_agent
from clarion.cli.options import AsJson
from clarion.cli.output import print_json, print_line, print_note, print_table

app = App("Colleagues who log in to Clarion.")
Role = Literal["admin", "manager", "sender", "viewer"]
Who = Annotated[
    str, typer.Argument(metavar="E-MAIL", help="The agent's e-mail address, or their name.")
]
PasswordStdin = Annotated[
    bool,
    typer.Option(
        "--password-stdin",
        help="Read the password from standard input. Without it, a password is generated and "
        "printed.",
    ),
]


@app.command("list")
@uses_django
def list_agents(as_json: AsJson = False) -> None:
    """List the agents and their state."""
    from clarion.accounts.models import Agent
    from clarion.accounts.second_factor import has_second_factor

    agents = [
        {
            "name": agent.name,
            "email": agent.email,
            "role": agent.role,
            "active": agent.is_active,
            "state": agent.state,
            "two_factor": has_second_factor(agent),
            "last_login": agent.last_login,
        }
        for agent in Agent.objects.order_by("name", "pk")
    ]
    if as_json:
        print_json(agents)
    elif not agents:
        print_line(
            "There are no agents yet. Add one with: "
            "clarion agent add NAME --email E-MAIL --role admin"
        )
    else:
        columns = ["name", "email", "role", "state", "two_factor", "last_login"]
        headers = ["NAME", "E-MAIL", "ROLE", "STATE", "TWO-FACTOR", "LAST LOGIN"]
        print_table(headers, [[agent[column] for column in columns] for agent in agents])


@app.command(
    "add", examples=['clarion agent add "Ada Lovelace" --email ada@example.org --role admin']
)
@uses_django
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The agent's name.")],
    email: Annotated[
        str, typer.Option(metavar="E-MAIL", help="The e-mail address that the agent logs in with.")
    ],
    role: Annotated[Role, typer.Option(help="What the agent may do.")],
    password_stdin: PasswordStdin = False,
) -> None:
    """Add an agent. A generated password is printed once and stored as a hash only."""
    from clarion.accounts.agents import add_agent

    chosen = _read_password(password_stdin)
    agent, password = add_agent(name=name, email=email, role=role, password=chosen, by=acting())
    print_line(f"Added {agent.name} ({agent.email}) as {agent.role}.")
    if chosen is None:
        print_line(f"Password (shown only now): {password}")


@app.command(
    "invite", examples=['clarion agent invite "Ada Lovelace" --email ada@example.org --role sender']
)
@uses_django
def invite(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The agent's name.")],
    email: Annotated[
        str, typer.Option(metavar="E-MAIL", help="The e-mail address that the agent logs in with.")
    ],
    role: Annotated[Role, typer.Option(help="What the agent may do.")],
) -> None:
    """Add an agent who sets the password with a link, which is printed once."""
    from clarion.accounts.links import invite_agent

    agent, link = invite_agent(name=name, email=email, role=role, by=acting())
    print_line(f"Added {agent.name} ({agent.email}) as {agent.role}.")
    _print_link(link)


@app.command("reset-password")
@uses_django
def reset_password(email: Who) -> None:
    """End an agent's password and sessions, and print a link for setting a new password.

    Links from before stop working. `clarion agent password` sets a password without a link.
    """
    from clarion.accounts.links import reset_password

    agent = find_agent(email, inactive=True)
    link = reset_password(agent, by=acting())
    print_line(f"{agent.name} is logged out everywhere and needs a new password.")
    _print_link(link)


@app.command("sessions")
@uses_django
def sessions(email: Who, as_json: AsJson = False) -> None:
    """List where an agent is logged in."""
    from clarion.accounts.sessions import sessions_of

    agent = find_agent(email, inactive=True)
    rows = [
        {
            "address": session.address,
            "browser": session.browser,
            "began_at": session.began_at,
            "seen_at": session.seen_at,
        }
        for session in sessions_of(agent)
    ]
    if as_json:
        print_json(rows)
    elif not rows:
        print_line(f"{agent.name} is not logged in anywhere.")
    else:
        print_table(
            ["ADDRESS", "BROWSER", "LOGGED IN", "LAST USED"], [list(row.values()) for row in rows]
        )


@app.command("end-sessions")
@uses_django
def end_sessions(email: Who) -> None:
    """Log an agent out everywhere."""
    from clarion.accounts.sessions import end_sessions

    agent = find_agent(email, inactive=True)
    count = end_sessions(agent, by=acting())
    print_line(f"Sessions of {agent.name} that have ended: {count}.")


@app.command("role", examples=["clarion agent role ada@example.org manager"])
@uses_django
def role(
    email: Who,
    wanted: Annotated[Role, typer.Argument(metavar="ROLE", help="What the agent may do.")],
) -> None:
    """Change what an agent may do."""
    from clarion.accounts.agents import set_role

    agent = find_agent(email, inactive=True)
    set_role(agent, wanted, by=acting())
    print_line(f"{agent.name} is now {wanted}.")


@app.command("password")
@uses_django
def password(email: Who, password_stdin: PasswordStdin = False) -> None:
    """Set a new password for an agent, and end all of the agent's sessions."""
    from clarion.accounts.agents import set_password

    agent = find_agent(email, inactive=True)
    chosen = _read_password(password_stdin)
    new_password = set_password(agent, chosen, by=acting())
    print_line(f"{agent.name} has a new password and is logged out everywhere.")
    if chosen is None:
        print_line(f"Password (shown only now): {new_password}")


@app.command("deactivate")
@uses_django
def deactivate(email: Who) -> None:
    """Stop an agent from logging in, and end all of the agent's sessions.

    API tokens that the agent created are revoked. What the agent did stays in the records.
    `clarion agent activate` lets the agent log in again.
    """
    from clarion.accounts.agents import set_active

    agent = find_agent(email, inactive=True)
    set_active(agent, False, by=acting())
    print_line(f"{agent.name} can no longer log in. Undo: clarion agent activate {agent.email}")


@app.command("activate")
@uses_django
def activate(email: Who) -> None:
    """Let a deactivated agent log in again."""
    from clarion.accounts.agents import set_active

    agent = find_agent(email, inactive=True)
    set_active(agent, True, by=acting())
    print_line(f"{agent.name} can log in.")


@app.command("reset-two-factor")
@uses_django
def reset_two_factor(email: Who) -> None:
    """Remove an agent's second factors, and end all of the agent's sessions.

    If the agent's role requires a second factor, the next login leads to setting it up.
    """
    from clarion.accounts.second_factor import reset

    agent = find_agent(email, inactive=True)
    if reset(agent, by=acting()):
        print_line(f"{agent.name} has no second factor any more and is logged out everywhere.")
    else:
        print_line(f"{agent.name} has no second factor.")


@app.command(
    "require-two-factor",
    examples=["clarion agent require-two-factor admin manager", "clarion agent require-two-factor"],
)
@uses_django
def require_two_factor(
    roles: Annotated[
        list[str] | None, typer.Argument(metavar="ROLE", help="The roles; none for nobody.")
    ] = None,
) -> None:
    """Require a second factor of the agents of these roles, and of nobody else."""
    from clarion.accounts.second_factor import require_for, required_roles

    require_for(roles or [], by=acting())
    named = ", ".join(required_roles()) or "nobody"
    print_line(f"Two-factor authentication is required for: {named}.")


def _print_link(link: str) -> None:
    from clarion.accounts.links import DAYS

    print_line(f"Link (shown only now, works once, expires in {DAYS} days): {link}")
    if not link.startswith("http"):
        print_note("Add the address of this server in front, or set CLARION_PUBLIC_URL.")


def _read_password(from_stdin: bool) -> str | None:
    return sys.stdin.readline().rstrip("\r\n") if from_stdin else None
