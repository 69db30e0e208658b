"""The frame of every command: how its help is laid out, and how wrong usage is reported."""

import re
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

WIDTH = 100  # characters of a line of help, on a wider terminal too
OPTIONS = "Options"
JSON = "--json"
_SENTENCE = 1_000  # characters: the first sentence of a command's help is shown whole
_PLAIN = {
    "Value error, ": "",
    "Input should be a valid integer, unable to parse string as an integer": "It must be a whole "
    "number.",
    "Input should be a valid number, unable to parse string as a number": "It must be a number.",
    "Input should be greater than or equal to ": "It must be at least ",
    "Input should be less than or equal to ": "It must be at most ",
}


class Command(TyperCommand):
    """A command whose help shows arguments, groups of options, and examples."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The parts of the usage line; a required argument stands there by its name alone."""
        return [re.sub("[{}]", "", piece) for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the sections of arguments and options."""
        _write_parameters(self, ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples, a line each, as they are."""
        if self.epilog:
            with formatter.section("Examples"):
                for line in self.epilog.splitlines():
                    formatter.write(f"{'':{formatter.current_indent}}{line}\n")


class CommandGroup(TyperGroup):
    """A command with subcommands; ``sections`` puts them in order under headings."""

    sections: ClassVar[dict[str, tuple[str, ...]]] = {}

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; a ``--json`` before the subcommand is meant for it."""
        if args[:1] == [JSON]:
            args = _at_the_end(JSON, args[1:])
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the subcommands, then the options: those are what one looks for."""
        self.format_commands(ctx, formatter)
        _write_parameters(self, ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a section of names and short descriptions for each heading."""
        listed = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        for title, names in (self.sections or {"Commands": tuple(listed)}).items():
            rows = [
                (name, command.get_short_help_str(_SENTENCE))
                for name in names
                if (command := listed[name]) and not command.hidden
            ]
            with formatter.section(title):
                formatter.write_dl(rows, col_max=max(map(len, listed)))


class ListGroup(CommandGroup):
    """A group that lists when no subcommand is named: ``records`` is ``records list``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments, with ``list`` put before options that stand alone."""
        if args != ["--help"] and (not args or args[0].startswith("-")):
            args = ["list", *args]
        return super().parse_args(ctx, args)


class App(typer.Typer):
    """A group of commands with plain help: no boxes, examples at the end."""

    def __init__(self, text: str, *, cls: type[CommandGroup] = CommandGroup, **more: Any) -> None:
        """``text`` is the help of the group."""
        super().__init__(
            cls=cls,
            help=text,
            no_args_is_help=True,
            context_settings={"max_content_width": WIDTH},
            rich_markup_mode=None,
            pretty_exceptions_enable=False,
            **more,
        )
        # A group with one command stays a group.
        self.callback()(lambda: None)

    def command(
        self, name: str | None = None, *, examples: Sequence[str] = (), **more: Any
    ) -> Callable[[Any], Any]:
        """Decorate a function as a command; ``examples`` are shown at the end of its help."""
        return super().command(name, cls=Command, epilog="\n".join(examples), **more)


def _at_the_end(option: str, args: list[str]) -> list[str]:
    end = args.index("--") if "--" in args else len(args)
    return [*args[:end], option, *args[end:]]


def plain_usage_error(error: Any) -> None:
    """Reword the message of wrong usage where it is not written for people."""
    message = getattr(error, "message", None)
    if not isinstance(message, str):
        return
    for wording, plain in _PLAIN.items():
        message = message.replace(wording, plain)
    error.message = message


def _write_parameters(command: Any, ctx: Any, formatter: Any) -> None:
    sections: dict[str, list[tuple[str, str]]] = {"Arguments": []}
    titled = [getattr(parameter, "rich_help_panel", None) for parameter in command.get_params(ctx)]
    sections |= {title: [] for title in titled if title}
    sections[OPTIONS] = []
    for parameter, title in zip(command.get_params(ctx), titled, strict=True):
        record = parameter.get_help_record(ctx)
        if record is not None:
            is_argument = parameter.param_type_name == "argument"
            sections["Arguments" if is_argument else title or OPTIONS].append(_plain(*record))
    for title, rows in sections.items():
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)


def _plain(name: str, text: str) -> tuple[str, str]:
    """A parameter and its help, without the notation of a programming language."""
    # <a|b> and <list[a|b]> are choices; other types say nothing that the name doesn't.
    name = re.sub(r" <(?:list\[)?([\w-]+(?:\|[\w-]+)+)\]?>", r" \1", name)
    name = re.sub(r" <[^>]*>", "", name)
    text = re.sub(r"; x>=[01]\b(\.0)?|x>=[01]\b(\.0)?; |  \[x>=[01](\.0)?\]", "", text)
    text = re.sub(r"([\d.]+)<=x<=([\d.]+)", r"\1 to \2", text)
    text = re.sub(r"x>=([\d.]+)", r"\1 or more", text)
    return name, text
