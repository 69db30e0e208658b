"""What one may ask of the records. The questions live in the address of a page."""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self
from urllib.parse import urlencode

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from clarion.kit import clock
from clarion.kit.numbers import BIGGEST, parse_id
from clarion.kit.sentences import problems
from clarion.kit.text import clean

MOST_RESPONSES = 32_767
_COMPARISON = re.compile(r"\s*([<>=]?)\s*(\d{1,6})\s*", re.ASCII)


class FilterError(ValueError):
    """A filter that can't be used: its sentence, and the field where it belongs."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class Responses(NamedTuple):
    """A condition on the number of responses."""

    sign: Literal["=", ">", "<"]
    number: int

    def __str__(self) -> str:
        return f"{self.sign}{self.number}"

    @classmethod
    def parse(cls, text: str) -> "Responses":
        """From its text form: ``>0``, ``=2``, ``<1``, or ``2``. Raises ValueError."""
        match = _COMPARISON.fullmatch(text)
        if match is None or int(match[2]) > MOST_RESPONSES:
            raise ValueError("not a condition")
        return cls(match[1] or "=", int(match[2]))  # type: ignore[arg-type]

    def fits(self, number: int) -> bool:
        """Whether a number of responses meets the condition."""
        difference = number - self.number
        return {"=": difference == 0, ">": difference > 0, "<": difference < 0}[self.sign]


def _storable(text: str) -> str:
    """The text without spaces around it. Raises ValueError where no database could hold it."""
    if clean(text, len(text) + 1) != text:
        raise ValueError(_TEXT)
    return text.strip()


FilterText = Annotated[str, Field(max_length=400), AfterValidator(_storable)]


Id = Annotated[int, Field(ge=1, le=BIGGEST)]


class HistoryFilter(BaseModel):
    """Conditions on what happened to people; those left empty don't count."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    NOUN: ClassVar[str]  # what is filtered, at the beginning of a sentence

    broadcast: Id | None = None
    story: Id | None = None  # the id of the story sent
    story_name: FilterText = ""  # a part of its name
    user: FilterText = ""  # the user id, whole
    name: FilterText = ""  # a part of the user's name
    after: AwareDatetime | None = None  # recorded at this moment or later
    before: AwareDatetime | None = None  # recorded earlier than this moment
    channel: FilterText = ""  # its name
    agent: FilterText = ""  # the name or e-mail of who sent the broadcast

    @classmethod
    def from_query(
        cls,
        query: Mapping[str, str],
        *,
        zone: str = "UTC",
        ignore: Collection[str] = ("cursor", "limit"),
    ) -> Self:
        """The filter of a query string's parameters (a dict or a Django QueryDict).

        Moments without an offset are taken in the time zone ``zone``; parameters in ``ignore`` are
        somebody else's. Raises FilterError for a wrong value or an unknown parameter.
        """
        values: dict[str, Any] = {}
        for key, text in query.items():
            if key in ignore:
                continue
            if key not in cls.model_fields:
                raise FilterError(
                    key,
                    f"{cls.NOUN} can't be filtered by “{key}”. Use {', '.join(cls.model_fields)}.",
                )
            if text.strip():
                values[key] = _parsed(key, text, zone)
        try:
            return cls(**values)
        except ValidationError as problem:
            first = problems(
                problem, fields=_SENTENCES, types={"string_too_long": _TEXT}, otherwise=_TEXT
            )[0]
            raise FilterError(first.path[0], first.sentence) from None

    def to_query(self) -> str:
        """The query string that ``from_query`` reads back, without the empty conditions."""
        values = {key: value for key, value in self if value not in ("", None)}
        return urlencode(
            {
                key: value.isoformat() if isinstance(value, datetime) else str(value)
                for key, value in values.items()
            }
        )


class RecordFilter(HistoryFilter):
    """Conditions that a record must all meet."""

    NOUN = "Records"

    status: Literal["", "completed", "error"] = ""
    error: FilterText = ""  # a part of the error message
    cause: Id | None = None  # the id of one error message
    responses: Responses | None = None


def _parsed(key: str, text: str, zone: str) -> Any:
    """The value of one parameter. Raises FilterError."""
    parse = _PARSERS.get(key)
    if parse is None:
        return text
    try:
        return parse(text, zone)
    except ValueError as problem:
        raise FilterError(key, _SENTENCES.get(key, str(problem))) from None


def _number(text: str, _: str) -> int:
    number = parse_id(text)
    if number is None:
        raise ValueError("not a number")
    return number


def _moment(text: str, zone: str) -> datetime:
    # "+" before an offset arrives as a space where somebody typed the address by hand.
    return clock.parse_moment(re.sub(r" (?=\d\d:\d\d$)", "+", text.strip()), zone)


_PARSERS: dict[str, Callable[[str, str], Any]] = {
    "broadcast": _number,
    "story": _number,
    "cause": _number,
    "after": _moment,
    "before": _moment,
    "responses": lambda text, _: Responses.parse(text),
    "status": lambda text, _: text.strip(),
    "clicked_by": lambda text, _: text.strip(),
}
_SENTENCES = {
    "broadcast": "A broadcast id is a number, such as 17.",
    "story": "A story id is a number, such as 17.",
    "cause": "The cause of an error is a number. Follow its link on the page of a broadcast.",
    "status": "The status is completed or error.",
    "clicked_by": "Clicked by is person or scanner.",
    "responses": "Write the number of responses like >0, =2 or <1.",
}
_TEXT = "This text is too long or has characters that can't be searched for. Shorten it."
