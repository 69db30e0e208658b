"""What pydantic finds wrong with data, in sentences for people.

Every model has its own sentences where it knows better: for a field (whatever is wrong with it) or
for a type of error. What a validator of the model says goes before all of them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from pydantic import ValidationError

# Type of error -> sentence, filled in with the error's own facts, and with {field} and {name}.
GENERAL: Final[Mapping[str, str]] = MappingProxyType(
    {
        "missing": "Fill this in.",
        "extra_forbidden": "There is no field “{field}”. Remove it.",
        "bool_parsing": "Write true or false.",
        "int_parsing": "Write a whole number.",
        "int_from_float": "Write a whole number.",
        "float_parsing": "Write a number.",
        "literal_error": "Choose one of: {expected}.",
        "greater_than_equal": "It must be {ge} or more.",
        "less_than_equal": "It must be {le} or less.",
        "string_too_long": "It may have {max_length:,} characters at most. Shorten it.",
    }
)
_NONE: Final[Mapping[str, str]] = MappingProxyType({})
_LONGEST_FIELD = 40  # characters of a field that is not ours, repeated in a sentence


class Problem(NamedTuple):
    """One thing that is wrong: where, as names from the outside in, and a sentence."""

    path: tuple[str, ...]
    sentence: str


def problems(
    error: ValidationError,
    *,
    fields: Mapping[str, str] = _NONE,
    types: Mapping[str, str] = _NONE,
    names: Mapping[str, str] = _NONE,
    otherwise: str = "{message}.",
) -> list[Problem]:
    """Everything that is wrong, in pydantic's order; at least one.

    ``fields``: outermost field -> the one sentence for it. ``types``: type of error -> sentence, in
    place of that in ``GENERAL``. ``names``: field -> what sentences call it as {name}.
    ``otherwise``: for all other types; {message} is what pydantic says.
    """
    listed = []
    for detail in error.errors(include_url=False, include_input=False):
        kind, about = detail["type"], detail.get("ctx", {})
        path = tuple(map(str, detail["loc"]))
        if kind == "value_error":
            sentence = str(about["error"])
        elif path and path[0] in fields:
            sentence = fields[path[0]]
        else:
            named = (part for part in reversed(detail["loc"]) if isinstance(part, str))
            field = next(named, "")[:_LONGEST_FIELD]
            facts = {**about, "field": field, "name": names.get(field, field)}
            template = types.get(kind) or GENERAL.get(kind) or otherwise
            sentence = template.format_map({"message": detail["msg"], **facts})
        listed.append(Problem(path, sentence))
    return listed
