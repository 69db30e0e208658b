"""Send rates, as numbers and as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clarion.kit import rates


@given(st.floats(rates.SLOWEST, rates.FASTEST))
def test_what_is_written_is_read_again(rate: float) -> None:
    assert rates.parse(rates.written(rate)) == rate


@pytest.mark.parametrize(
    ("text", "rate"), [("", None), (" ", None), ("2,5", 2.5), (" 1000 ", 1000.0), ("0.01", 0.01)]
)
def test_rates_as_people_write_them(text: str, rate: float | None) -> None:
    assert rates.parse(text) == rate


@pytest.mark.parametrize("text", ["x", "0", "-1", "nan", "inf", "1000000.1", "1,000", "1.000.000"])
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(rates.RateError, match=r"from 0\.01 to 1,000,000"):
        rates.parse(text)


def test_no_limit_is_written_as_nothing() -> None:
    assert rates.written(None) == ""
    assert rates.written(1e6) == "1000000"
