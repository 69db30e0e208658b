"""What requests and answers are made of."""

from datetime import MAXYEAR, MINYEAR, datetime
from typing import Annotated, ClassVar, Generic, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from clarion.kit.numbers import BIGGEST

Id = Annotated[int, Field(ge=1, le=BIGGEST)]
Moment = AwareDatetime


def _in_all_zones(moment: datetime) -> datetime:
    if not MINYEAR < moment.year < MAXYEAR:
        raise ValueError("Choose a time in the years 2 to 9998.")
    return moment


# A moment that is sent to us: one that exists in every time zone.
MomentIn = Annotated[AwareDatetime, AfterValidator(_in_all_zones)]
Scalar = str | int | float | bool
# A value of an attribute; a list is one of texts, as attributes of the type list have it.
AttributeValue = Scalar | Annotated[list[str], Field(max_length=200)]
Item = TypeVar("Item")


class Input(BaseModel):
    """A body: a field that does not exist is an error, so that a typing error changes nothing."""

    model_config = ConfigDict(extra="forbid")


class Output(BaseModel):
    """An answer."""

    # Fields that change without an edit, such as counts: they are not part of the ETag.
    volatile: ClassVar[frozenset[str]] = frozenset()


class Page(Output, Generic[Item]):
    """A part of a list."""

    items: list[Item]
    next: str | None = Field(
        description="Pass it as `cursor` to get the next page; null on the last one."
    )
