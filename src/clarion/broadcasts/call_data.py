"""The data that a call or an event brings along, and the sample of it that a draft has."""

import json
from typing import Any

from clarion.broadcasts.errors import CallError

LARGEST_DATA = 64 * 1024  # bytes of JSON
DEEPEST = 30  # levels of lists and objects in a body


def checked_data(raw: Any) -> dict[str, Any]:
    """``data`` of a call or an event as it can be stored. Raises CallError with one sentence."""
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise CallError('“data” must be an object, such as {"code": "A1"}.')
    if too_deep(raw):
        raise CallError(f"“data” is nested more than {DEEPEST} levels deep. Make it flatter.")
    try:
        written = json.dumps(raw, ensure_ascii=False, allow_nan=False)
        size = len(written.encode())
    except ValueError:  # also of surrogates, which are no letters
        raise CallError("“data” has a value that can't be stored. Use ordinary text.") from None
    if "\\u0000" in written:
        raise CallError("“data” has a NUL character, which can't be stored. Leave it out.")
    if size > LARGEST_DATA:
        raise CallError(f"“data” may be {LARGEST_DATA // 1024} KiB at most. Send less.")
    return raw


def too_deep(value: Any) -> bool:
    """Whether lists and objects stand in each other too deep for writing them as JSON again."""
    level = [value]
    for _ in range(DEEPEST + 1):
        containers = [container for container in level if isinstance(container, dict | list)]
        level = [
            x
            for container in containers
            for x in (container.values() if isinstance(container, dict) else container)
        ]
    return bool(level)
