"""How the simulated provider behaves: every setting, its allowed form and its default."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from clarion_simulator.signing import key_of

SPAN_FORM = "a time like 0, 20ms, 1.5s, 20ms..200ms or lognormal:50ms,0.5"
LONGEST_SPAN = 3600.0
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|m)")
_NORMAL = NormalDist()

Share = Annotated[
    float, Field(ge=0, le=100, allow_inf_nan=False, title="a percentage from 0 to 100")
]
SpanText = Annotated[str, Field(title=SPAN_FORM)]
Limit = Annotated[int | None, Field(ge=1, title="a whole number from 1 up, or none")]
Secret = Annotated[str | None, Field(min_length=1, title="whsec_<base64>, any other text, or none")]


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time in seconds: fixed (low == high), uniform, or log-normal (median, sigma)."""

    low: float = 0.0
    high: float = 0.0
    sigma: float | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `0`, `20ms`, `20ms..200ms` or `lognormal:50ms,0.5`; ValueError for anything else."""
        text = text.strip()
        if text.startswith("lognormal:"):
            median, comma, sigma = text.removeprefix("lognormal:").partition(",")
            if not comma or not re.fullmatch(r"\s*\d+(\.\d+)?\s*", sigma) or float(sigma) > 10:
                raise ValueError(f"{text!r} is not {SPAN_FORM}")
            seconds = _seconds(median)
            return cls(seconds, seconds, float(sigma))
        low, dots, high = text.partition("..")
        span = cls(_seconds(low), _seconds(high if dots else low))
        if span.high < span.low:
            raise ValueError(f"{text!r} ends before it begins")
        return span

    @property
    def fixed(self) -> bool:
        """True when every draw gives the same."""
        return self.sigma is None and self.low == self.high

    def draw(self, chance: float) -> float:
        """Seconds for a uniform `chance` strictly between 0 and 1; at most one hour."""
        if self.sigma is None:
            return self.low + (self.high - self.low) * chance
        return min(self.low * math.exp(self.sigma * _NORMAL.inv_cdf(chance)), LONGEST_SPAN)


def _seconds(text: str) -> float:
    text = text.strip()
    if text == "0":
        return 0.0
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not {SPAN_FORM}")
    seconds = float(match[1]) * _UNITS[match[2]]
    if seconds > LONGEST_SPAN:
        raise ValueError(f"{text!r} is longer than an hour")
    return seconds


class Behaviour(BaseModel):
    """All settings of the simulator. Shares are percentages; of the faults one at most is drawn."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(
        0, title="a whole number", description="same seed, same people, same attempts: same faults"
    )
    latency: SpanText = Field("0", description="time before each reply")
    error_500: Share = Field(0, description="refused: 500 (SMTP: 451 at RCPT)")
    error_400: Share = Field(0, description="refused: 400 (SMTP: 550 5.1.1 at RCPT)")
    error_403: Share = Field(
        0, description="refused: 403, the person blocked us (SMTP: 550 5.7.1 at RCPT)"
    )
    throttle: Share = Field(0, description="refused: 429 (SMTP: 454 after the final dot)")
    retry_after: Annotated[int | None, Field(ge=0)] = Field(
        1,
        title="whole seconds from 0 up, or none",
        description="what a 429 tells to wait; none leaves it out",
    )
    reset_before: Share = Field(0, description="connection reset, nothing accepted")
    reset_after: Share = Field(0, description="accepted and logged, then connection reset")
    hang: Share = Field(0, description="accepted and logged, then no reply ever")
    slow: Share = Field(0, description="accepted; the reply comes piece by piece")
    slow_seconds: float = Field(
        2,
        ge=0,
        le=3600,
        title="seconds from 0 to 3600",
        description="how long a slow reply takes",
    )
    broken: Share = Field(
        0, description="html502 (refused), or accepted with an empty, cut, cut-json, garbage reply"
    )
    rate_limit: Limit = Field(
        None, description="messages in any second per channel; above it 429 (rate_limit)"
    )
    per_chat_limit: Limit = Field(
        None, description="messages in any second per recipient of a channel; above it 429"
    )
    smpp_binds: Limit = Field(
        None, description="SMPP: connections of one account at a time; above it a bind gets 0x05"
    )
    honour_idempotency: bool = Field(
        True,
        title="true or false",
        description="webhook: an accepted Idempotency-Key again is answered, not accepted twice",
    )
    callback_url: Annotated[str | None, Field(pattern=r"^https?://[^\s]+$")] = Field(
        None,
        title="an http:// or https:// address, or none",
        description="webhook: where receipts go when the message names no address itself",
    )
    callback_secret: Secret = Field(None, description="signs receipts (Standard Webhooks)")
    failed: Share = Field(0, description="share of the accepted reported as failed")
    delivered: Share = Field(100, description="share of the others reported as delivered")
    read: Share = Field(0, description="share of the delivered also reported as read")
    callback_delay: SpanText = Field("0", description="time before each receipt")
    callback_double: Share = Field(0, description="share of receipts posted twice")
    callback_shuffle: Share = Field(0, description="share where read comes before delivered")
    verify_secret: Secret = Field(
        None, description="webhook: messages without this valid signature get 401"
    )
    keep_text: int = Field(
        100,
        ge=0,
        title="characters from 0 up",
        description="how much of each text the log keeps; 0 keeps none",
    )
    max_body: int = Field(
        16_777_216,
        ge=1,
        le=100_000_000,
        title="bytes from 1 to 100000000",
        description="larger requests get 413 (SMTP: 552)",
    )

    @field_validator("latency", "callback_delay")
    @classmethod
    def _is_span(cls, value: str) -> str:
        Span.parse(value)
        return value

    @field_validator("callback_secret", "verify_secret")
    @classmethod
    def _is_secret(cls, value: str | None) -> str | None:
        if value is not None:
            key_of(value)
        return value

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        if sum(getattr(self, name) for name in FAULTS) > 100 + 1e-9:
            raise ValueError(f"The shares {', '.join(FAULTS)} must be at most 100 together.")
        return self

    @classmethod
    def parse(cls, pairs: Iterable[str]) -> Self:
        """Build from `key=value` texts; ValueError with a sentence that names key and form."""
        values: dict[str, Any] = {}
        for pair in pairs:
            key, equals, value = pair.partition("=")
            key, value = key.strip().replace("-", "_"), value.strip()
            if not equals or not key:
                raise ValueError(f"{pair!r} is not of the form key=value, like error_500=1.")
            values[key] = None if value.lower() == "none" else value
        return cls._checked(values)

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """The same behaviour with some settings changed; ValueError as in `parse`."""
        return self._checked({**self.model_dump(exclude_unset=True), **changes})

    @classmethod
    def _checked(cls, values: Mapping[str, Any]) -> Self:
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise ValueError(_sentence(error.errors()[0])) from None


# One of these at most is drawn for an attempt, so their shares add up.
FAULTS = (
    "error_500",
    "error_400",
    "error_403",
    "throttle",
    "reset_before",
    "reset_after",
    "hang",
    "slow",
    "broken",
)


def _sentence(error: ErrorDetails) -> str:
    if not error["loc"]:
        return str(error["ctx"]["error"])
    key = str(error["loc"][0])
    field = Behaviour.model_fields.get(key)
    if field is None:
        return f"{key!r} is no setting of the simulator. Choose one of: {', '.join(settings())}."
    value = "none" if error["input"] is None else repr(error["input"])
    return f"{key} must be {field.title}, not {value}."


def settings() -> list[str]:
    """The names of all settings."""
    return list(Behaviour.model_fields)
