"""Reading the settings, setting up the log, loading Django: only when a command needs it."""

import functools
import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from clarion.cli.failures import Failed, settings_sentence

if TYPE_CHECKING:
    from clarion.config import Settings

DATABASES = ("sqlite:///", "postgresql://", "postgres://")
P = ParamSpec("P")
R = TypeVar("R")


def uses_django(command: Callable[P, R]) -> Callable[P, R]:
    """Decorate a command that uses Django, which is loaded before the command runs.

    The command imports packages inside the function, so that ``--help`` and shell completion are
    quick and need no data folder.
    """

    @functools.wraps(command)
    def loaded(*args: P.args, **kwargs: P.kwargs) -> R:
        load_django()
        return command(*args, **kwargs)

    return loaded


def load_django() -> None:
    """Read the settings and load Django. Raises Failed with a sentence for what is wrong."""
    import django
    from django.apps import apps

    from clarion.kit import logs

    settings = read_settings()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clarion.settings")
    logs.configure(settings.log_level, as_json=settings.log_format == "json", is_brief=True)
    if not apps.ready:
        with _naming_data_folder(settings), uncollected():
            django.setup()


@contextmanager
def uncollected() -> Iterator[None]:
    """Load modules within this: they stay, so the garbage collector leaves them out for good.

    It would walk through them again and again while they are loaded, and once more when the process
    ends: a fifth of the processor time of a short command.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def read_settings() -> "Settings":
    """The settings, with the data folder in place. Raises Failed for what is wrong with them."""
    from tomllib import TOMLDecodeError

    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from clarion import config
    from clarion.kit import clock

    try:
        settings = config.load()
    except ValidationError as error:
        raise Failed(settings_sentence(error)) from error
    except TOMLDecodeError as error:
        raise Failed(f"clarion.toml can't be read: {error}.") from error
    except SettingsError as error:
        raise Failed(f"A setting is wrong: {error}. Write a list like '[\"one\"]'.") from error
    try:
        clock.zone(settings.time_zone)
    except ValueError as error:
        raise Failed(f"The setting CLARION_TIME_ZONE is wrong. {error}") from error
    if not settings.database.startswith(DATABASES):
        raise Failed(f"CLARION_DATABASE_URL must begin with {' or '.join(DATABASES)}.")
    with _naming_data_folder(settings):
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return settings


def log_everything() -> None:
    """Log what goes as it should too: for processes that keep running."""
    from clarion.kit import logs

    settings = read_settings()
    logs.configure(settings.log_level, as_json=settings.log_format == "json")


@contextmanager
def _naming_data_folder(settings: "Settings") -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Failed(
            f"The data folder {settings.data.absolute()} can't be used: {error.strerror}. "
            "Set CLARION_DATA to a folder that Clarion can write to."
        ) from error
