"""``clarion agent``: people who log in."""

import sys
from typing import Annotated

import typer

from clarion.cli.django_setup import uses_django
from clarion.cli.output import print_line

app = typer.Typer(help="People who log in to Clarion.", no_args_is_help=True)


@app.callback()
def agent() -> None:
    """People who log in to Clarion."""


@app.command("add")
@uses_django
def add(
    name: Annotated[str, typer.Argument(help="The person's name.")],
    email: Annotated[str, typer.Option(help="What they log in with.")],
    role: Annotated[str, typer.Option(help="admin, manager, sender or viewer.")],
    password_stdin: Annotated[
        bool,
        typer.Option(
            "--password-stdin",
            help="Read the password from standard input. Without it one is made and printed.",
        ),
    ] = False,
) -> None:
    """Add an agent. The made-up password is printed once and stored nowhere readable."""
    from clarion.accounts.agents import add_agent
    from clarion.accounts.audit import COMMAND_LINE
    from clarion.accounts.models import Role

    if role not in Role.values:
        raise typer.BadParameter(
            f"There is no role “{role}”. Choose one of: {', '.join(reversed(Role.values))}.",
            param_hint="--role",
        )
    given = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    agent, password = add_agent(name=name, email=email, role=role, password=given, by=COMMAND_LINE)
    print_line(f"Added {agent.name} ({agent.email}) as {agent.role}.")
    if given is None:
        print_line(f"Password, shown only now: {password}")
