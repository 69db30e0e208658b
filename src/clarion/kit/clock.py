"""Time: one representation for the engine (microseconds since 1970, UTC) and one for people."""

import time
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

SECOND = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now_us() -> int:
    """The present moment in microseconds since 1970 (UTC)."""
    return time.time_ns() // 1_000


def now() -> datetime:
    """The present moment as an aware datetime in UTC."""
    return from_us(now_us())


def to_us(moment: datetime) -> int:
    """Microseconds since 1970 of an aware datetime. Raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return (moment - EPOCH) // timedelta(microseconds=1)


def from_us(value: int) -> datetime:
    """The aware UTC datetime of microseconds since 1970."""
    return EPOCH + timedelta(microseconds=value)


def zone(name: str) -> ZoneInfo:
    """The time zone of that IANA name. Raises ValueError with a sentence for an unknown one."""
    try:
        if name in _zone_names():
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):  # pragma: no cover - a broken zone file
        pass
    raise ValueError(f"There is no time zone called “{name}”. Use a name such as Europe/Berlin.")


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())  # reads hundreds of files


def shows_other_time(moment: datetime, zone_name: str, than: tzinfo) -> bool:
    """Whether the clocks of a zone show another time at this moment than those of ``than``.

    False for an empty name, and for one that is unknown by now.
    """
    if not zone_name or zone_name not in _zone_names():
        return False
    return moment.astimezone(ZoneInfo(zone_name)).utcoffset() != moment.astimezone(than).utcoffset()


def parse_moment(text: str, zone_name: str) -> datetime:
    """An ISO 8601 date and time as an aware UTC datetime.

    A time without an offset is taken in ``zone_name``. A local time that the clocks skip (spring)
    is refused; one that occurs twice (autumn) means the first. Raises ValueError with a sentence.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(
            f"“{text}” is not a date and time. Write it like 2026-12-24T09:30."
        ) from None
    if moment.tzinfo is None:
        local = moment.replace(tzinfo=zone(zone_name))
        back = local.astimezone(UTC).astimezone(local.tzinfo)
        if back.replace(tzinfo=None) != moment:
            raise ValueError(
                f"{moment:%Y-%m-%d %H:%M} does not exist in {zone_name}: "
                "the clocks go forward then."
            )
        moment = local
    return moment.astimezone(UTC)
