"""What the help of every command has in common, and choices that are written once more there."""

import re
from collections.abc import Callable, Iterator
from typing import Any, get_args

import pytest
from typer.main import get_command

from clarion.accounts.models import Role
from clarion.broadcasts import history
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.recurrence import Recurrence
from clarion.chats.models import Chat
from clarion.cli import agents, broadcasts, chats, composing, consents, records
from clarion.cli.app import JSON, WIDTH, CommandGroup
from clarion.cli.main import RootGroup, app
from clarion.consents.models import Change
from clarion.records.models import Record

ROOT = get_command(app)


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, sub in getattr(command, "commands", {}).items():
        if not sub.hidden:
            yield from commands(sub, (*path, name))


ALL = list(commands(ROOT))


def find(path: tuple[str, ...]) -> Any:
    command: Any = ROOT
    for name in path:
        command = command.commands[name]
    return command


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_help_is_written_for_people(path: tuple[str, ...], ok: Callable[..., str]) -> None:
    text = ok(*path, "--help")
    assert max(map(len, text.splitlines())) <= WIDTH
    assert not set("<>") & set(re.sub(r"'[^'\s]+'", "", text))  # no types; comparisons in quotes
    assert "x<=" not in text
    assert "{" not in text.partition("\n")[0]  # the usage line
    assert "Error" not in text


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_everything_has_a_description(path: tuple[str, ...]) -> None:
    command = find(path)
    assert command.help
    assert command.help.splitlines()[0].endswith(".")
    for parameter in command.params:
        if not getattr(parameter, "hidden", False) and parameter.name != "help":
            assert (parameter.help or "").strip(), parameter.name


def test_every_command_has_its_place_in_the_overview(ok: Callable[..., str]) -> None:
    placed = [name for names in RootGroup.sections.values() for name in names]
    assert sorted(placed) == sorted(ROOT.commands)  # type: ignore[attr-defined]
    text = ok("--help")
    for title in RootGroup.sections:
        assert f"\n{title}:\n" in text
    assert text.index("\n  serve ") < text.index("\n  send ") < text.index("\n  demo ")


def test_json_may_stand_before_any_subcommand() -> None:
    """What a group does with it is in test_channels.py."""
    with_json = [path for path in ALL if any(JSON in option.opts for option in find(path).params)]
    assert len(with_json) > 50
    for path in with_json:
        assert all(isinstance(find(path[:depth]), CommandGroup) for depth in range(len(path))), path


def test_options_are_in_sections_and_examples_at_the_end(ok: Callable[..., str]) -> None:
    text = ok("send", "--help")
    titles = ["Content:", "Audience:", "Schedule:", "Settings:", "Options:", "Examples:"]
    assert [line for line in text.splitlines() if line in titles] == titles
    assert "\n  --every day|week|month  " in text
    assert "  clarion send --channel shop --all --text 'Hello {{ contact.name }}!'\n" in text


@pytest.mark.parametrize(
    ("typed", "known"),
    [
        (agents.Role, set(Role.values)),
        (broadcasts.Section, {"all", *history.SECTIONS}),
        (chats.State, set(Chat.State.values)),
        (consents.Way, set(Change.How.values)),
        (records.StatusName, set(Record.Status.values)),
        (composing.Rhythm, set(get_args(Recurrence.model_fields["every"].annotation)) - {"cron"}),
    ],
)
def test_choices_are_all_there_are(typed: Any, known: set[str]) -> None:
    assert set(get_args(typed)) == known


def test_types_are_those_that_are_listed() -> None:
    assert {one.value for one in broadcasts.Type} == set(history.TYPES)
    assert {one.value for one in broadcasts.Type} <= set(Broadcast.Type.values)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["serve", "--port", "x"], "It must be a whole number."),
        (["serve", "--port", "70000"], "It must be at most 65535"),
        (["broadcasts", "show", "0"], "It must be at least 1"),
        (["channel", "add", "a", "--kind", "webhook", "--backoff", "x"], "It must be a number."),
    ],
)
def test_wrong_values_are_explained_in_words(
    arguments: list[str], said: str, misused: Callable[..., str]
) -> None:
    message = misused(*arguments)
    assert said in message
    assert "Input should" not in message
