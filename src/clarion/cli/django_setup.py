"""Loading the packages: settings, logging, Django. Only when a command needs them."""

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tomllib import TOMLDecodeError
from typing import ParamSpec, TypeVar

from pydantic import ValidationError
from pydantic_settings import SettingsError

from clarion import config
from clarion.cli.failures import Failed, settings_sentence
from clarion.kit import clock

DATABASES = ("sqlite:///", "postgresql://", "postgres://")
P = ParamSpec("P")
R = TypeVar("R")


def uses_django(command: Callable[P, R]) -> Callable[P, R]:
    """Decorate a command that uses packages: they are loaded before it runs.

    Its imports of packages stand inside the function, so that ``--help`` and shell completion need
    neither Django nor a data folder.
    """

    @functools.wraps(command)
    def loaded(*args: P.args, **kwargs: P.kwargs) -> R:
        load_django()
        return command(*args, **kwargs)

    return loaded


def load_django() -> None:
    """Read the settings and load Django. Raises Failed with a sentence for what is wrong."""
    import django

    from clarion.kit import logs

    settings = read_settings()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clarion.settings")
    logs.configure(settings.log_level)
    with _says_data_folder(settings):
        django.setup()


def read_settings() -> config.Settings:
    """The settings, with the data folder in place. Raises Failed for what is wrong with them."""
    try:
        settings = config.load()
    except ValidationError as error:
        raise Failed(settings_sentence(error)) from error
    except TOMLDecodeError as error:
        raise Failed(f"clarion.toml can't be read: {error}.") from error
    except SettingsError as error:
        raise Failed(f"A setting is wrong: {error}. Lists are written like '[\"one\"]'.") from error
    try:
        clock.zone(settings.time_zone)
    except ValueError as error:
        raise Failed(f"The setting CLARION_TIME_ZONE is wrong. {error}") from error
    if not settings.database.startswith(DATABASES):
        raise Failed(f"CLARION_DATABASE_URL must begin with {' or '.join(DATABASES)}.")
    with _says_data_folder(settings):
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return settings


@contextmanager
def _says_data_folder(settings: config.Settings) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Failed(
            f"The data folder {settings.data.absolute()} can't be used: {error.strerror}. "
            "Set CLARION_DATA to a folder that you may write to."
        ) from error
