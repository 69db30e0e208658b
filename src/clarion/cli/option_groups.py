"""Groups of options that several commands share: dataclasses whose fields are options."""

import functools
import inspect
from collections.abc import Callable
from copy import copy
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Annotated, Any, get_args


def with_option_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Decorate a command of which some parameters are dataclasses: their fields become options.

    The fields are annotated as parameters of a command are, and have defaults. ``SECTION`` of a
    dataclass is the heading of its options in the help.
    """
    own = inspect.signature(command).parameters
    groups: dict[str, type[Any]] = {
        name: parameter.annotation
        for name, parameter in own.items()
        if isinstance(parameter.annotation, type) and is_dataclass(parameter.annotation)
    }

    @functools.wraps(command)
    def grouped(**options: Any) -> None:
        values = {
            name: group(**{field.name: options.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        command(**values, **options)

    parameters = [
        option
        for name, parameter in own.items()
        for option in (_options(groups[name]) if name in groups else [parameter])
    ]
    named = [option.replace(kind=inspect.Parameter.KEYWORD_ONLY) for option in parameters]
    grouped.__signature__ = inspect.Signature(named)  # type: ignore[attr-defined]
    grouped.__annotations__ = {option.name: option.annotation for option in named}
    return grouped


def _options(group: type[Any]) -> list[inspect.Parameter]:
    section = getattr(group, "SECTION", None)
    return [_option(field, section) for field in fields(group)]


def _option(field: "Field[Any]", section: str | None) -> inspect.Parameter:
    assert field.default is not MISSING, f"{field.name} needs a default"
    type_, option = get_args(field.type)
    option = copy(option)
    option.rich_help_panel = section
    return inspect.Parameter(
        field.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=field.default,
        annotation=Annotated[type_, option],
    )
