"""What the command line prints when something goes wrong: one sentence, never a traceback."""

import os
import traceback
from typing import TYPE_CHECKING, NoReturn

import typer

if TYPE_CHECKING:
    from pydantic import ValidationError


EXIT_FAILED = 1
EXIT_USAGE = 2
_BUSY = ("database is locked", "database table is locked")
_FULL = ("database or disk is full", "No space left", "disk I/O error")
_OLD = ("no such table", "no such column", "does not exist")


class Failed(Exception):  # noqa: N818 - reads as what happened: raise Failed(…)
    """The command can't do what it was asked to; the text says why and what to do next."""


def fail(error: Exception) -> NoReturn:
    """Print what went wrong on stderr and end with exit code 1."""
    typer.echo(sentence(error), err=True)
    if os.environ.get("CLARION_LOG_LEVEL", "").lower() == "debug":
        typer.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    raise typer.Exit(EXIT_FAILED)


def sentence(error: Exception) -> str:
    """An exception in words for the person at the terminal."""
    from django.core.exceptions import ImproperlyConfigured
    from django.db import DatabaseError

    if _speaks_for_itself(error):
        return str(error)
    if isinstance(error, DatabaseError):
        return _database(str(error).strip())
    if isinstance(error, ImproperlyConfigured):
        return f"The settings are wrong: {error}"
    if isinstance(error, OSError):
        return _system(error)
    return (
        f"Something unexpected went wrong ({type(error).__name__}: {error}). "
        "Run the command again with CLARION_LOG_LEVEL=debug to see where."
    )


def settings_sentence(error: "ValidationError") -> str:
    """What is wrong with the settings, one line for each."""
    from clarion.kit.sentences import problems

    lines = []
    for problem in problems(error):
        name = "_".join(problem.path).upper()
        lines.append(f"The setting CLARION_{name} is wrong. {problem.sentence}")
    return "\n".join(lines)


def _speaks_for_itself(error: Exception) -> bool:
    """Whether its text is written for people: errors of the packages are, by their contract."""
    from clarion.kit.vault import SealedError

    of_a_package = isinstance(error, ValueError) and type(error).__module__.startswith("clarion.")
    return of_a_package or isinstance(error, Failed | SealedError)


def _database(text: str) -> str:
    if any(word in text for word in _BUSY):
        return (
            "The database is busy: another program has locked it. Nothing was changed. "
            "Try again in a moment."
        )
    if any(word in text for word in _FULL):
        return (
            "The disk is full, so the database can't be changed. Free some space, then try again."
        )
    if any(word in text for word in _OLD):
        return "The database is not up to date. Run: clarion migrate"
    if "readonly" in text or "unable to open" in text:
        return (
            f"The database file can't be opened for writing ({text}). "
            "Check the permissions of the data folder."
        )
    first = text.splitlines()[0] if text else "no reason given"
    return f"The database can't be used: {first}. Check CLARION_DATABASE_URL and the server."


def _system(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    what = error.strerror or str(error)
    return f"{where}{what}{'' if what.endswith('.') else '.'}"
