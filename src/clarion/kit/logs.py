"""Logs that can be shown to anybody: no local variables, no secrets, no people, no floods."""

import json
import logging
import re
import sys
import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable, Iterator, MutableMapping
from datetime import UTC, datetime
from typing import Any, Final

import structlog

QUIET: Final = 3600.0  # seconds after which a fault that comes back is shown in full again
_REMEMBERED: Final = 500  # different faults
_LONGEST: Final = 200  # characters of a line that a stranger's request causes
_CHAIN: Final = 5  # exceptions of one traceback
# Others' messages that would hide Clarion's own, or repeat what a stranger sent: addresses that
# don't exist, methods that aren't allowed, forms without a token, requests that are no HTTP.
_LEVELS: Final = {
    "asyncio": logging.WARNING,
    "django.db.backends": logging.WARNING,
    "django.request": logging.ERROR,
    "django.security": logging.ERROR,
    "uvicorn": logging.ERROR,
}
_HIDDEN: Final = (
    (re.compile(r"(/hooks/(?:external|events)/\d+/)[^\s/?\"']+"), r"\1…"),
    (re.compile(r"(/(?:unsubscribe|preferences|confirm|c|media)/)[^\s/?\"']+"), r"\1…"),
    (re.compile(r"(/set-password/)[^\s/?\"']+"), r"\1…"),
    (re.compile(r"([?&](?:key|signature)=)[^\s&\"']+"), r"\1…"),
    (re.compile(r"(/bot\d*:?)[\w:-]{8,}"), r"\1…"),
    (re.compile(r"(?i)(\b(?:bearer|basic)\s+)[\w.~+/=:-]{6,}"), r"\1…"),
    (
        # Bounded, as the local part of an address: each of many beginnings would be followed to
        # the end of the line.
        re.compile(r"(?i)((?<![^\W_])(?:token|secret|password|api_?key)\w{0,60}[=:]\s*)[^\s,;&)]+"),
        r"\1…",
    ),
    (re.compile(r"(://)[^\s/@]+@"), r"\1…@"),
    (re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]+)+"), "…@…"),
    (re.compile(r"(?<![\w.])\+\d[\d ()-]{6,}\d"), "+…"),
)
# Messages of these name what is in the code; everybody else's may quote what a person wrote.
_ABOUT_CODE: Final = (
    AttributeError,
    ImportError,
    NameError,
    TypeError,
    RecursionError,
    MemoryError,
)
_QUOTED: Final = re.compile(
    r"(?P<known>(?:relation|constraint|column|table|index|function|role|database) )?"
    r"(?<!\w)(?P<quote>[\"'“]).*?[\"'”](?!\w)"
)
_CLOSING: Final = re.compile(r"[\"'”](?!\w)")
_NUMBER: Final = re.compile(r"\d{7,}")


def configure(level: str, *, as_json: bool = False, is_brief: bool = False) -> None:
    """Send structlog's and the standard library's lines to stderr, from `level` on.

    ``as_json``: each line is a JSON object with timestamp, level and event. ``is_brief``: a command
    that ends soon, whose result is for a person; what went as it should has no lines.
    """
    handler = logging.StreamHandler(sys.stderr)
    form = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    handler.setFormatter(_JsonFormatter() if as_json else _Formatter(form))
    handler.addFilter(_Once(faults))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    for name, lowest in _LEVELS.items():
        logging.getLogger(name).setLevel(lowest)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            *(_json_processors() if as_json else _console_processors()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            "warning" if is_brief and level == "info" else level
        ),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def _console_processors() -> list[Any]:
    return [
        structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False),
        show_fault,
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        ),
        _scrub_line,
    ]


def _json_processors() -> list[Any]:
    return [
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        show_fault,
        _scrub_values,  # before it is JSON, whose quotes a pattern might take
        structlog.processors.JSONRenderer(default=str, ensure_ascii=False),
    ]


class Faults:
    """Counts faults: each is shown in full once, then only as a count at 10, 100, 1,000 …"""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: OrderedDict[tuple[str, ...], tuple[int, float]] = OrderedDict()

    def count(self, key: tuple[str, ...]) -> int:
        """How often this has happened without an hour of quiet between; 1 is the first time."""
        now = self._clock()
        with self._lock:
            times, last = self._seen.pop(key, (0, now))
            times = 1 if now - last > QUIET else times + 1
            self._seen[key] = times, now
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
        return times


faults = Faults()


def is_shown(times: int) -> bool:
    """Whether the occurrence with that number gets a line: 1, 10, 100 …"""
    return str(times).strip("0") == "1"


def scrub(text: str) -> str:
    """The text without secrets of URLs and headers, e-mail addresses and phone numbers."""
    for pattern, instead in _HIDDEN:
        text = pattern.sub(instead, text)
    return text


def fault_text(error: BaseException) -> str:
    """A traceback: where it happened, never with which values."""
    return "\n".join(_chain(error)).rstrip()


def without_values(message: str) -> str:
    """The first line of an error's message, without what it quotes: that may be a person's."""
    line = _first_line(message)
    # Behind the last quote that can close, each that opens would be followed to the end in vain.
    end = max((match.end() for match in _CLOSING.finditer(line)), default=0)
    quoted = _QUOTED.sub(lambda m: m[0] if m["known"] else f"{m['quote']}…{m[0][-1]}", line[:end])
    return _NUMBER.sub("…", quoted + line[end:])


def fault_key(error: BaseException) -> tuple[str, str]:
    """What makes two faults the same: their type and the line that raised them."""
    frames = traceback.extract_tb(error.__traceback__)
    position = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return type(error).__qualname__, position


def show_fault(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> Any:
    """A structlog processor: an exception as a plain traceback, once; later as a count."""
    if "error" in event:
        event["error"] = without_values(str(event["error"]))
    error = _exception(event.pop("exc_info", None))
    if error is None:
        return event
    times = faults.count((str(event.get("event")), *fault_key(error)))
    if not is_shown(times):
        raise structlog.DropEvent
    if times == 1:
        event["exception"] = fault_text(error)
    else:
        event["fault"] = type(error).__qualname__
        event["times"] = times
    return event


def _exception(exc_info: Any) -> BaseException | None:
    if exc_info is True:
        exc_info = sys.exc_info()
    if isinstance(exc_info, tuple):
        exc_info = exc_info[1]
    return exc_info if isinstance(exc_info, BaseException) else None


def _chain(error: BaseException) -> Iterator[str]:
    links: list[tuple[BaseException, str]] = []
    following: BaseException | None = error
    joint = ""
    while following is not None and len(links) < _CHAIN:
        links.append((following, joint))
        if following.__cause__ is not None:
            following, joint = following.__cause__, "This caused:"
        elif following.__context__ is not None and not following.__suppress_context__:
            following, joint = following.__context__, "While this was handled:"
        else:
            following = None
    for link, joint in reversed(links):
        yield "Traceback (most recent call last):"
        yield "".join(traceback.format_tb(link.__traceback__)).rstrip("\n")
        yield f"{type(link).__module__}.{type(link).__qualname__}: {_message(link)}".rstrip(": ")
        if joint:
            yield joint


def _message(error: BaseException) -> str:
    text = str(error)
    return _first_line(text) if isinstance(error, _ABOUT_CODE) else without_values(text)


def _first_line(text: str) -> str:
    return next(iter(text.splitlines()), "")


def _scrub_line(_logger: Any, _name: str, line: Any) -> Any:
    return scrub(line) if isinstance(line, str) else line


def _scrub_values(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> Any:
    for key, value in event.items():
        if not isinstance(value, bool | int | float | None):
            event[key] = scrub(str(value))
    return event


class _Formatter(logging.Formatter):
    """Lines of the standard library's loggers, treated the same way."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the name is logging's
        return fault_text(ei[1]) if ei[1] is not None else ""

    def format(self, record: logging.LogRecord) -> str:
        return scrub(super().format(record))


class _JsonFormatter(_Formatter):
    """The same lines as JSON objects."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "event": scrub(record.getMessage()),
            "level": record.levelname.lower(),
            "logger": record.name,
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
        }
        if record.exc_info:
            line["exception"] = scrub(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


class _Once(logging.Filter):
    """Drops the repetition of a fault, and of what strangers' requests cause."""

    def __init__(self, counted: Faults) -> None:
        super().__init__()
        self._counted = counted

    def filter(self, record: logging.LogRecord) -> bool:
        error = _exception(record.exc_info)
        by_strangers = record.name.startswith("django.security")
        if error is None and not by_strangers:
            return True
        key = (record.name, *(fault_key(error) if error is not None and not by_strangers else ()))
        times = self._counted.count(key)
        if by_strangers or times > 1:
            record.exc_info = record.exc_text = None
        if by_strangers:
            record.msg, record.args = record.getMessage()[:_LONGEST], None
        if times > 1:
            record.msg, record.args = f"{record.getMessage()} ({times:,} times)", None
        return is_shown(times)
