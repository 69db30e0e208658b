"""Errors of pydantic become sentences."""

from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from clarion.kit.sentences import GENERAL, Problem, problems


class Inner(BaseModel):
    size: int = 0


class Order(BaseModel):
    """A model with one of everything."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=1_000)
    number: int = Field(1, ge=1, le=9)
    share: float = 0.5
    paid: bool = False
    way: Literal["post", "mail"] = "post"
    parts: list[Inner] = []

    @field_validator("way", mode="before")
    @classmethod
    def _no_pigeons(cls, value: Any) -> Any:
        if value == "pigeon":
            raise ValueError("Pigeons are tired. Choose another way.")
        return value


def problems_of(values: dict[str, Any], **words: Any) -> list[Problem]:
    with pytest.raises(ValidationError) as error:
        Order.model_validate(values)
    return problems(error.value, **words)


@pytest.mark.parametrize(
    ("values", "path", "sentence"),
    [
        ({}, "name", "Fill this in."),
        ({"name": "n" * 1001}, "name", "It may have 1,000 characters at most. Shorten it."),
        ({"name": "n", "x" * 50: 1}, "x" * 50, f"There is no field “{'x' * 40}”. Remove it."),
        ({"name": "n", "{name}": 1}, "{name}", "There is no field “{name}”. Remove it."),
        ({"name": "n", "number": "four"}, "number", "Write a whole number."),
        ({"name": "n", "number": 0}, "number", "It must be 1 or more."),
        ({"name": "n", "number": 10}, "number", "It must be 9 or less."),
        ({"name": "n", "share": "half"}, "share", "Write a number."),
        ({"name": "n", "paid": "perhaps"}, "paid", "Write true or false."),
        ({"name": "n", "way": "ship"}, "way", "Choose one of: 'post' or 'mail'."),
        ({"name": "n", "way": "pigeon"}, "way", "Pigeons are tired. Choose another way."),
        ({"name": "n", "parts": [{"size": "big"}]}, "parts.0.size", "Write a whole number."),
        ({"name": "n", "parts": 3}, "parts", "Input should be a valid list."),
    ],
)
def test_each_type_of_error_has_its_sentence(
    values: dict[str, Any], path: str, sentence: str
) -> None:
    assert [(".".join(one.path), one.sentence) for one in problems_of(values)] == [(path, sentence)]


def test_all_that_is_wrong_is_found() -> None:
    assert [one.path for one in problems_of({"number": 0, "paid": "x"})] == [
        ("name",), ("number",), ("paid",),
    ]  # fmt: skip


def test_a_model_says_it_better() -> None:
    wrong = {"number": 0, "paid": "x", "parts": 3, "way": "pigeon"}
    words = {
        "fields": {"number": "Choose 1 to 9.", "way": "Choose a way."},
        "types": {"missing": "The {name} is missing."},
        "names": {"name": "name of the buyer"},
        "otherwise": "The {name} can't be understood.",
    }
    assert [one.sentence for one in problems_of(wrong, **words)] == [
        "The name of the buyer is missing.",
        "Choose 1 to 9.",
        GENERAL["bool_parsing"],
        "Pigeons are tired. Choose another way.",
        "The parts can't be understood.",
    ]
