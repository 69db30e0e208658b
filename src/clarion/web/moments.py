"""The span of time that the address of a page asks for: ``since`` and ``until``."""

from collections.abc import Mapping
from datetime import datetime

from django.utils import timezone

from clarion.kit import clock

NAMES = ("since", "until")


def asked_span(
    given: Mapping[str, str],
) -> tuple[dict[str, str], dict[str, datetime | None], dict[str, str]]:
    """What was texts, the moments it means in the agent's zone, and a sentence for each mistake."""
    texts = {name: given.get(name, "").strip() for name in NAMES}
    moments: dict[str, datetime | None] = dict.fromkeys(NAMES)
    problems: dict[str, str] = {}
    for name, text in texts.items():
        try:
            zone = timezone.get_current_timezone_name()
            moments[name] = clock.parse_moment(text, zone) if text else None
        except ValueError as error:
            problems[name] = str(error)
    return texts, moments, problems
