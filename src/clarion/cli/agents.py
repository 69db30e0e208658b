"""``clarion agent``: colleagues who log in."""

import sys
from typing import Annotated, Literal

import typer

from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.django_setup import uses_django
from clarion.cli.lookups import find_agent
from clarion.cli.options import AsJson
from clarion.cli.output import print_json, print_line, print_table

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
    """List the agents, and whether they can log in."""
    from clarion.accounts.models import Agent

    agents = [
        {
            "name": agent.name,
            "email": agent.email,
            "role": agent.role,
            "active": agent.is_active,
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
        headers = ["NAME", "E-MAIL", "ROLE", "CAN LOG IN", "LAST LOGIN"]
        print_table(headers, [list(agent.values()) for agent in agents])


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

    What the agent did stays in the records. `clarion agent activate` undoes it.
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


def _read_password(from_stdin: bool) -> str | None:
    return sys.stdin.readline().rstrip("\r\n") if from_stdin else None
