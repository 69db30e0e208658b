"""Groups of options that several commands share: dataclasses whose fields are options."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any


def with_option_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Decorate a command of which some parameters are dataclasses: their fields become options.

    The fields are annotated as parameters of a command are, and have defaults.
    """
    own = inspect.signature(command).parameters
    groups: dict[str, type[Any]] = {
        name: one.annotation
        for name, one in own.items()
        if isinstance(one.annotation, type) and is_dataclass(one.annotation)
    }

    @functools.wraps(command)
    def gathered(**options: Any) -> None:
        made = {
            name: group(**{field.name: options.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        command(**made, **options)

    shown = [
        one
        for name, parameter in own.items()
        for one in (map(_option, fields(groups[name])) if name in groups else [parameter])
    ]
    named = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in shown]
    gathered.__signature__ = inspect.Signature(named)  # type: ignore[attr-defined]
    gathered.__annotations__ = {one.name: one.annotation for one in named}
    return gathered


def _option(field: "Field[Any]") -> inspect.Parameter:
    assert field.default is not MISSING, f"{field.name} needs a default"
    return inspect.Parameter(
        field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type
    )
