"""What pydantic finds wrong with a block, in words."""

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

_TAGS = frozenset({"union_tag_invalid", "union_tag_not_found"})
_NAMES = {"url": "address", "value": "value of the button", "label": "words of the button"}


def sentences(error: ValidationError) -> Iterator[tuple[str, str]]:
    """Field (dotted, after the block's kind) and one sentence for each fault."""
    for fault in error.errors(include_url=False, include_input=False):
        path = [str(part) for part in fault["loc"][1:]]
        yield ".".join(path), _sentence(fault["type"], path, fault.get("ctx", {}))


def _sentence(kind: str, path: list[str], about: dict[str, Any]) -> str:
    field = path[-1] if path else ""
    name = _NAMES.get(field, field)
    if kind in _TAGS:
        return "A block is of the kind text, image, file, buttons or webhook. Name one of them."
    if not path:
        return "A block must be an object with a kind and its fields."
    if kind == "extra_forbidden":
        return f"There is no field “{field[:40]}”. Remove it."
    if kind == "missing":
        return f"The {name} is missing."
    if kind == "string_too_long":
        return f"The {name} may have {about['max_length']:,} characters at most. Shorten it."
    if kind == "value_error":
        return str(about["error"])
    if kind in {"greater_than_equal", "less_than_equal"}:
        return f"The {name} must be from 1 to 30 seconds."
    return _SHAPES.get(kind, f"The {name} can't be understood. Correct it.")


_SHAPES = {
    "too_short": "There is no button. Add one.",
    "too_long": "There are too many buttons: 10 are allowed.",
    "literal_error": "A button is of the kind link, reply or story. Name one of them.",
    "string_pattern_mismatch": "There is no such upload. Upload it again.",
}
