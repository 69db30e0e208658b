"""The rate of a broadcast from one look to the next."""

import pytest

from clarion.web import current_rate


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, as a list of one."""
    now = [1_000.0]
    monkeypatch.setattr("clarion.web.current_rate.time.monotonic", lambda: now[0])
    current_rate.forget()
    return now


def test_the_first_look_knows_no_rate(clock: list[float]) -> None:
    assert current_rate.rate(1, 500) is None


def test_the_rate_is_taken_over_the_last_seconds(clock: list[float]) -> None:
    rates = []
    for done in (0, 100, 200, 300, 1_300):
        rates.append(current_rate.rate(1, done))
        clock[0] += 1

    assert rates == [None, 100.0, 100.0, 100.0, 325.0]


def test_what_is_long_past_does_not_count(clock: list[float]) -> None:
    current_rate.rate(1, 0)
    clock[0] += 60
    assert current_rate.rate(1, 60_000) is None
    clock[0] += 1
    assert current_rate.rate(1, 60_010) == 10.0


def test_each_broadcast_has_its_own_and_not_all_are_remembered(clock: list[float]) -> None:
    for number in range(current_rate.MOST_WATCHED + 1):
        current_rate.rate(number, 0)
    clock[0] += 1

    assert current_rate.rate(0, 5) is None
    assert current_rate.rate(current_rate.MOST_WATCHED, 5) == 5.0


def test_a_number_that_goes_back_is_no_negative_rate(clock: list[float]) -> None:
    current_rate.rate(1, 100)
    clock[0] += 1

    assert current_rate.rate(1, 90) == 0.0
