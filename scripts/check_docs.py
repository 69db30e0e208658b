"""Fail when a setting, a command or a page is missing in the docs, or named there and not existing.

Settings are the fields of `clarion.config.Settings`, named CLARION_… in docs/configuration.md.
Commands are those of `clarion.cli.main:app`, named `clarion …` in docs/cli.md, where each stands in
an indented block with its options; every command and option that any page names must exist.
Pages are the files under docs/, each linked in the index above it; every link to a file must lead
to one, and to a heading of it.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer
from typer.main import get_command

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "CLARION_"
# Read by the test suite, never by the product.
FOR_TESTS = re.compile(r"CLARION_(TEST|TORTURE)_")
WORD = re.compile(r"[a-z][a-z0-9-]*")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
# Stands for all options of another command in a usage line.
OTHERS = "[OPTIONS OF SEND]"


def main() -> int:
    """Print every difference between the docs and the program; return the exit code."""
    from clarion.cli.main import app

    problems = [
        *_settings_problems(),
        *_command_problems(app),
        *_index_problems(),
        *_link_problems(),
    ]
    for problem in problems:
        print(problem)
    return 1 if problems else 0


def _settings_problems() -> Iterator[str]:
    from clarion.config import Settings

    page = "docs/configuration.md"
    text = _read(page)
    exist = {PREFIX + name.upper() for name in Settings.model_fields}
    named = {
        name
        for name in re.findall(rf"{PREFIX}[A-Z0-9_]*[A-Z0-9]", text)
        if not FOR_TESTS.match(name)
    }
    for name in sorted(exist - named):
        yield f"{page} does not name the setting {name}"
    for name in sorted(named - exist):
        yield f"{page} names {name}, which is no setting"


def _command_problems(app: typer.Typer) -> Iterator[str]:
    page = "docs/cli.md"
    text = _read(page)
    root = get_command(app)
    exist = set(_commands(root, ()))
    yield from _option_problems(page, text, root, exist)
    for command in sorted(exist):
        if not re.search(rf"\bclarion {re.escape(command)}(?![\w-])", text):
            yield f"{page} does not name the command 'clarion {command}'"
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        name = path.relative_to(ROOT).as_posix()
        for code in _code(_read(name)):
            for call in re.findall(r"(?:^|[\s|$])clarion ((?:[^\s|;&]+ ?)+)", code, re.MULTILINE):
                wrong = _unknown(root, call.split())
                if wrong:
                    yield f"{name} names 'clarion {wrong}', which is no command or option"


def _index_problems() -> Iterator[str]:
    docs = ROOT / "docs"
    for page in sorted(docs.rglob("*.md")):
        decision = page.parent.name == "decisions" and page.name != "README.md"
        index = docs / "decisions" / "README.md" if decision else docs / "README.md"
        if page != index and page not in {target for target, _ in _links(index)}:
            yield f"{index.relative_to(ROOT)} does not link to {page.relative_to(docs)}"


def _link_problems() -> Iterator[str]:
    for page in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]):
        for target, heading in _links(page):
            name = page.relative_to(ROOT)
            if not target.exists():
                yield f"{name} links to {target}, which does not exist"
            elif heading and target.suffix == ".md" and heading not in _headings(target):
                yield f"{name} links to #{heading} of {target.name}, which has no such heading"


def _links(page: Path) -> Iterator[tuple[Path, str]]:
    """The files that a page links to, each with the heading in it (empty: none)."""
    for link in re.findall(r"\]\(([^()\s]+)\)", page.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:", link):
            path, _, heading = link.partition("#")
            yield ((page.parent / path).resolve() if path else page), heading


def _headings(page: Path) -> set[str]:
    """The names under which a page's headings can be linked to, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


def _option_problems(page: str, text: str, root: Any, exist: set[str]) -> Iterator[str]:
    named: dict[str, set[str]] = {}
    for usage in re.findall(r"^    (clarion [^\n]*(?:\n     [^\n]*)*)", text, re.MULTILINE):
        words = usage.split()[1:]
        command = next((c for c in exist if words[: len(c.split())] == c.split()), None)
        if command:
            named.setdefault(command, set()).update(OPTION.findall(usage))
            if OTHERS in usage:
                named[command] |= _shown_options(root, command) & _shown_options(root, "send")
    for command in sorted(exist):
        options = _shown_options(root, command)
        for option in sorted(named.get(command, set()) ^ options):
            if option in options:
                yield f"{page} does not name {option} in the usage of 'clarion {command}'"
            else:
                yield f"{page} names {option}, which is no option of 'clarion {command}'"


def _shown_options(root: Any, path: str) -> set[str]:
    command = root
    for word in path.split():
        command = _subcommands(command)[word]
    return {
        option
        for parameter in command.params
        if not getattr(parameter, "hidden", False)
        for option in (*parameter.opts, *parameter.secondary_opts)
        if option.startswith("--") and option != "--help"
    }


def _read(page: str) -> str:
    path = ROOT / page
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _subcommands(command: Any) -> Mapping[str, Any]:
    commands: Mapping[str, Any] = getattr(command, "commands", {})
    return commands


def _commands(command: Any, path: tuple[str, ...]) -> Iterator[str]:
    subcommands = _subcommands(command)
    if path and not subcommands:
        yield " ".join(path)
    for name, sub in subcommands.items():
        if not getattr(sub, "hidden", False):
            yield from _commands(sub, (*path, name))


def _code(text: str) -> list[str]:
    """Return what stands in fences, indented blocks and backticks; prose may say "clarion call"."""
    fences = re.findall(r"^```[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    rest = re.sub(r"^```[^\n]*\n.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    indented = re.findall(r"^ {4,}(\S.*)$", rest, re.MULTILINE)
    return [*fences, *indented, *re.findall(r"`([^`\n]+)`", rest)]


def _unknown(root: Any, words: list[str]) -> str | None:
    """Return the words up to the first that names no subcommand or option of the command before.

    Return None when all of them are known.
    """
    command, options = root, _accepted_options(root)
    for count, word in enumerate(words, start=1):
        if word.startswith("--") and word.partition("=")[0] not in options:
            return " ".join(words[:count])
        subcommands = _subcommands(command)
        if not subcommands or not WORD.fullmatch(word):
            continue
        if word not in subcommands:
            return " ".join(words[:count])
        command = subcommands[word]
        options = _accepted_options(command)
    return None


def _accepted_options(command: Any) -> set[str]:
    names = {"--help"}
    for parameter in command.params:
        names.update(parameter.opts, parameter.secondary_opts)
    return names


if __name__ == "__main__":
    sys.exit(main())
