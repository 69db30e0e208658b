"""What requests and answers are made of."""

from typing import Annotated, ClassVar, Generic, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from clarion.kit.numbers import BIGGEST

Id = Annotated[int, Field(ge=1, le=BIGGEST)]
Moment = AwareDatetime
Scalar = str | int | float | bool  # a value of an attribute
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
