"""Send rates: the most messages a second, of a channel or of a broadcast. None is no limit."""

import re

SLOWEST, FASTEST = 0.01, 1_000_000.0
WRONG = "The send rate is a number of messages a second from 0.01 to 1,000,000."
_THOUSANDS = re.compile(r",[0-9]{3}$")  # 1,000 is a thousand to some people and one to others


class RateError(ValueError):
    """No send rate; says what is one."""


def checked(rate: float | None) -> float | None:
    """The rate, if it is within the bounds. Raises RateError."""
    if rate is None or SLOWEST <= rate <= FASTEST:  # NaN is not
        return rate
    raise RateError(WRONG)


def parse(text: str) -> float | None:
    """A rate as people write it: ``2.5`` or ``2,5``; nothing is no limit. Raises RateError."""
    stripped = text.strip()
    if not stripped:
        return None
    try:
        if _THOUSANDS.search(stripped):
            raise ValueError
        return checked(float(stripped.replace(",", ".")))
    except ValueError:
        raise RateError(WRONG) from None


def written(rate: float | None) -> str:
    """A rate so that ``parse`` reads exactly the same again."""
    return "" if rate is None else repr(float(rate)).removesuffix(".0")
