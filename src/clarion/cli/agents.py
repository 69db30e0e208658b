"""``clarion agent``: colleagues who log in."""

import sys
from typing import Annotated, Literal

import typer

from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.django_setup import uses_django
from clarion.cli.output import print_line

app = App("Colleagues who log in to Clarion.")
Role = Literal["admin", "manager", "sender", "viewer"]


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
    password_stdin: Annotated[
        bool,
        typer.Option(
            "--password-stdin",
            help="Read the password from standard input. Without it, a password is generated and "
            "printed.",
        ),
    ] = False,
) -> None:
    """Add an agent. A generated password is printed once and stored as a hash only."""
    from clarion.accounts.agents import add_agent

    chosen = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    agent, password = add_agent(name=name, email=email, role=role, password=chosen, by=acting())
    print_line(f"Added {agent.name} ({agent.email}) as {agent.role}.")
    if chosen is None:
        print_line(f"Password (shown only now): {password}")
