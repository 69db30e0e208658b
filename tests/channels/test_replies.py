"""Reading what providers answer."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from clarion.channels.replies import LONGEST_WAIT, json_object, wait_seconds
from clarion.kit import clock
from clarion.transport.messages import HttpReply


def after(value: str, stated: object = None) -> float | None:
    return wait_seconds(HttpReply(429, {"retry-after": value}, b""), stated)


@pytest.mark.parametrize(
    ("value", "stated", "wait"),
    [
        ("", None, None),
        ("7", None, 7.0),
        (" 7 ", 3, 7.0),
        ("", 3, 3.0),
        ("", "3.5", 3.5),
        ("-7", None, 0.0),
        ("1e300", None, LONGEST_WAIT),
        ("inf", None, LONGEST_WAIT),
        ("nan", 2, 2.0),
        ("soon", 2, 2.0),
        ("soon", 10**400, None),
        ("soon", False, None),
        ("soon", [3], None),
        ("Mon, 99 Foo 2026 25:61:61 GMT", 2, 2.0),
    ],
)
def test_seconds(value: str, stated: object, wait: float | None) -> None:
    assert after(value, stated) == wait


def test_a_date_counts_from_our_clock_where_the_reply_has_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: now)
    assert after(format_datetime(now + timedelta(seconds=60), usegmt=True)) == 60.0


def test_a_date_in_the_past_means_now() -> None:
    assert after("Thu, 01 Jan 1970 00:00:00 GMT") == 0.0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"3",
        b"null",
        b"{",
        b"<html>",
        b"\xff",
        b"[" * 100_000,
        b'{"a": "\\ud800"}',
        b'{"a":' + b"1" * 9999,
    ],
)
def test_what_is_no_json_object_is_an_empty_one(body: bytes) -> None:
    assert json_object(body) == {}


def test_a_huge_reply_is_not_even_read() -> None:
    assert json_object(b'{"a": "' + b"x" * 300_000 + b'"}') == {}
    assert json_object(b'{"a": 1}') == {"a": 1}
