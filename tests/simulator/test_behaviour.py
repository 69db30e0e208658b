from pathlib import Path
from statistics import median

import pytest

from clarion_simulator.behaviour import FAULTS, Behaviour, Span, settings
from clarion_simulator.fate import INSTRUCTIONS, Judge, instruction
from clarion_simulator.log import Channel

GUIDE = Path(__file__).parents[2] / "docs" / "simulator.md"


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("0", Span()),
        ("20ms", Span(0.02, 0.02)),
        ("1.5s", Span(1.5, 1.5)),
        ("20ms..0.2s", Span(0.02, 0.2)),
        ("lognormal:50ms,0.5", Span(0.05, 0.05, 0.5)),
    ],
)
def test_span_forms(text: str, span: Span) -> None:
    read = Span.parse(text)
    assert (read.low, read.high, read.sigma) == pytest.approx((span.low, span.high, span.sigma))


@pytest.mark.parametrize(
    "text",
    ["", "20", "-1s", "5 years", "2s..1s", "lognormal:50ms", "lognormal:50ms,x", "2h", "nan"],
)
def test_span_refuses_other_forms(text: str) -> None:
    with pytest.raises(ValueError):
        Span.parse(text)


def test_span_draws() -> None:
    chances = [(n + 0.5) / 1000 for n in range(1000)]
    uniform = [Span.parse("20ms..200ms").draw(chance) for chance in chances]
    assert min(uniform) >= 0.02
    assert max(uniform) <= 0.2
    skewed = [Span.parse("lognormal:50ms,0.5").draw(chance) for chance in chances]
    assert median(skewed) == pytest.approx(0.05, rel=0.01)
    assert max(skewed) > 0.2


def test_parse_pairs() -> None:
    behaviour = Behaviour.parse(["reset-after=1", "error_500=0.5", "retry_after=none", "seed=7"])
    assert behaviour.reset_after == 1
    assert behaviour.error_500 == 0.5
    assert behaviour.retry_after is None
    assert behaviour == Behaviour(reset_after=1, error_500=0.5, retry_after=None, seed=7)


@pytest.mark.parametrize(
    ("pair", "sentence"),
    [
        ("error_500", "'error_500' is not of the form key=value, like error_500=1."),
        ("error_500=x", "error_500 must be a percentage from 0 to 100, not 'x'."),
        ("error_500=101", "error_500 must be a percentage from 0 to 100, not '101'."),
        ("error_500=nan", "error_500 must be a percentage from 0 to 100, not 'nan'."),
        ("error_500=none", "error_500 must be a percentage from 0 to 100, not none."),
        ("rate_limit=0", "rate_limit must be a whole number from 1 up, or none, not '0'."),
        ("callback_url=ftp://x", "callback_url must be an http:// or https:// address"),
        ("verify_secret=whsec_%", "verify_secret must be whsec_<base64>, any other text, or none"),
        ("callback_secret=whsec_", "callback_secret must be whsec_<base64>, any other text, or"),
        ("callback_secret=", "callback_secret must be whsec_<base64>, any other text, or none"),
        ("latency=soon", "latency must be a time like 0, 20ms"),
        ("honour_idempotency=perhaps", "honour_idempotency must be true or false"),
        ("speed=1", "'speed' is no setting of the simulator. Choose one of: seed, latency"),
    ],
)
def test_parse_names_key_and_form(pair: str, sentence: str) -> None:
    with pytest.raises(ValueError) as caught:
        Behaviour.parse([pair])
    assert sentence in str(caught.value)


def test_shares_of_faults_fit_together() -> None:
    with pytest.raises(ValueError, match="at most 100 together"):
        Behaviour.parse(["error_500=60", "hang=60"])


def test_changed_keeps_the_rest() -> None:
    assert Behaviour(seed=3).changed({"slow": 5}) == Behaviour(seed=3, slow=5)
    with pytest.raises(ValueError, match="no setting"):
        Behaviour().changed({"pace": 1})


@pytest.mark.parametrize(
    ("recipient", "expected"),
    [
        ("anna!500", ("500", None)),
        ("anna!500x2", ("500", 2)),
        ("anna!reset-before", ("reset-before", None)),
        ("anna!cut-jsonx3", ("cut-json", 3)),
        ("anna+blocked@x.test", ("blocked", None)),
        ("anna+429x1@x.test", ("429", 1)),
        ("anna+news@x.test", None),
        ("+35799123456", None),
        ("anna!rate_limit", None),
        ("what!ever", None),
        ("anna", None),
    ],
)
def test_instructions_in_recipients(recipient: str, expected: object) -> None:
    assert instruction(recipient) == expected


def draw(behaviour: Behaviour, people: list[str]) -> dict[str, tuple[str, float]]:
    judge, channel = Judge(behaviour), Channel("webhook", "/hook/a")
    return {person: judge.decide(channel, person, 0) for person in people}


def test_same_seed_same_fates_in_any_order() -> None:
    people = [f"user-{n}" for n in range(2000)]
    behaviour = Behaviour(latency="20ms..200ms", **dict.fromkeys(FAULTS, 5))
    once = draw(behaviour, people)
    assert draw(behaviour, people[::-1]) == once
    assert draw(behaviour.changed({"seed": 1}), people) != once
    assert len({do for do, _ in once.values()}) >= len(FAULTS)


def test_shares_come_out_as_asked() -> None:
    people = [f"user-{n}" for n in range(20_000)]
    fates = draw(Behaviour(error_500=1, throttle=10), people).values()
    assert sum(do == "500" for do, _ in fates) == pytest.approx(200, rel=0.25)
    assert sum(do == "429" for do, _ in fates) == pytest.approx(2000, rel=0.1)


def test_a_retry_draws_anew() -> None:
    judge, channel = Judge(Behaviour(error_500=50)), Channel("webhook", "/hook/a")
    assert {judge.decide(channel, "anna", 0).do for _ in range(50)} == {"ok", "500"}


def test_the_guide_names_every_knob_and_instruction() -> None:
    guide = GUIDE.read_text()
    assert [name for name in settings() if f"`{name}`" not in guide] == []
    assert [name for name in INSTRUCTIONS if f"`{name}`" not in guide] == []
