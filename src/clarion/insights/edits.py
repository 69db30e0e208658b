"""What an entry of the audit log says beside what was done, in words."""

from collections.abc import Mapping
from typing import Any


def changes_in_words(detail: Mapping[str, Any]) -> str:
    """The facts of an entry: “city: London → Bonn, tags added: vip”."""
    facts = {name: value for name, value in detail.items() if name != "attributes"}
    facts |= detail.get("attributes", {})
    return ", ".join(
        f"{name.replace('_', ' ')}: {_value(value)}" for name, value in facts.items() if value != ""
    )


def _value(value: Any) -> str:
    if isinstance(value, list) and len(value) == 2:  # before and after
        return " → ".join(str(part) if part not in ("", None) else "–" for part in value)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
