"""Who uses the command line: the agent that ``--as`` names, else the machine."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clarion.accounts.models import Agent

OPTION = "--as"
_named: list[str] = []


def take_option(arguments: list[str]) -> list[str]:
    """Remember what ``--as`` says, wherever it stands, and return the other arguments.

    It can be given with every command, so no command declares it. Raises BadParameter without a
    value. What follows ``--`` is not looked at.
    """
    import typer

    _named.clear()
    rest: list[str] = []
    remaining = iter(arguments)
    for argument in remaining:
        if argument == "--":
            return [*rest, argument, *remaining]
        name, equals, value = argument.partition("=")
        if name != OPTION:
            rest.append(argument)
            continue
        agent = value if equals else next(remaining, "")
        if not agent:
            raise typer.BadParameter(
                "Write the name or e-mail address of an agent.", param_hint=OPTION
            )
        _named[:] = [agent]
    return rest


def acting() -> "Agent | str":
    """The agent who acts, or the command line. Raises Failed when there is no such agent."""
    from clarion.accounts.audit import COMMAND_LINE
    from clarion.cli.lookups import find_agent

    return find_agent(_named[0]) if _named else COMMAND_LINE
