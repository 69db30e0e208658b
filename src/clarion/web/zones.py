"""Time zones for choosers."""

from functools import lru_cache
from zoneinfo import available_timezones

REGIONS = (
    "Africa/",
    "America/",
    "Antarctica/",
    "Arctic/",
    "Asia/",
    "Atlantic/",
    "Australia/",
    "Europe/",
    "Indian/",
    "Pacific/",
)


def zone_choices(current: str = "UTC") -> list[tuple[str, str]]:
    """(name, label) of all time zones, UTC first; ``current`` is among them in any case."""
    names = _names()
    return [(name, name.replace("_", " ")) for name in dict.fromkeys(("UTC", current, *names))]


@lru_cache(maxsize=1)
def _names() -> list[str]:
    # Reads the whole zone folder, so once. Names outside the regions are old aliases.
    return sorted(name for name in available_timezones() if name.startswith(REGIONS))
