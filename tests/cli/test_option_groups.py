"""Options that are gathered in dataclasses."""

from dataclasses import dataclass
from typing import Annotated

import typer
from typer.testing import CliRunner

from clarion.cli.option_groups import with_option_groups


@dataclass(frozen=True, slots=True)
class Colour:
    red: Annotated[int, typer.Option("--r", min=0)] = 1
    names: Annotated[list[str] | None, typer.Option("--name")] = None


def test_fields_are_options_of_the_command() -> None:
    told: list[object] = []
    app = typer.Typer()

    @app.command()
    @with_option_groups
    def paint(
        where: Annotated[str, typer.Argument()],
        colour: Colour,
        twice: Annotated[bool, typer.Option("--twice")] = False,
    ) -> None:
        told.extend([where, colour, twice])

    run = CliRunner().invoke

    assert run(app, ["wall", "--r", "3", "--name", "a", "--name", "b", "--twice"]).exit_code == 0
    assert told == ["wall", Colour(3, ["a", "b"]), True]
    assert run(app, ["wall"]).exit_code == 0
    assert told[3:] == ["wall", Colour(), False]
    assert run(app, ["wall", "--r", "-1"]).exit_code == 2
    assert "--name" in run(app, ["--help"]).stdout
